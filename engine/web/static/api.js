"use strict";
// Shows the OpenAPI document: an entry for each operation, with parameters, body and answers.

function made(name, text, ...children) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function resolved(schema, parts, seen = []) {
  if (Array.isArray(schema)) return schema.map((part) => resolved(part, parts, seen));
  if (schema === null || typeof schema !== "object") return schema;
  const name = schema.$ref?.split("/").pop();
  if (name) return seen.includes(name) ? name : resolved(parts[name], parts, [...seen, name]);
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolved(value, parts, seen)]));
}

function table(rows) {
  return made("table", "", ...rows.map((row) => made("tr", "", ...row.map((cell) => made("td", cell)))));
}

function content(holder, parts) {
  const [type, body] = Object.entries(holder.content)[0];
  return [made("p", type), made("pre", JSON.stringify(resolved(body.schema, parts), null, 1))];
}

function entry(method, path, operation, parts) {
  const line = made("summary", "");
  const word = made("code", method.toUpperCase());
  word.className = "method";
  line.append(word, made("code", path), ` ${operation.summary}`);
  const box = made("details", "", line, made("p", operation.description));
  if (operation.parameters.length)
    box.append(made("h4", "Parameters"), table(operation.parameters.map((one) =>
      [one.name, one.in, one.required ? "required" : "", JSON.stringify(one.schema)])));
  if (operation.requestBody) box.append(made("h4", "Body"), ...content(operation.requestBody, parts));
  for (const [status, answer] of Object.entries(operation.responses)) {
    box.append(made("h4", `${status}: ${answer.description}`));
    if (status < 400) box.append(...content(answer, parts));
  }
  return box;
}

async function show() {
  const api = await (await fetch("/api/v1/openapi.json")).json();
  const main = document.getElementById("operations");
  const sections = new Map(api.tags.map((tag) => [tag.name, made("section", "", made("h2", tag.name))]));
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(methods))
      sections.get(operation.tags[0]).append(entry(method, path, operation, api.components.schemas));
  main.append(...sections.values());
  document.getElementById("about").textContent =
    `${api.info.description} Every request carries "Authorization: Bearer TOKEN"; errors are RFC 9457 problem details.`;
}

show().catch((error) => { document.getElementById("about").textContent = `openapi.json cannot be read: ${error}`; });

"""The OpenAPI 3.1 document, made from the routes and their types, and a page to read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from engine.web.api.problem import TYPE, ProblemDetails
from engine.web.api.route import MOST_BYTES, NAMED, V1, Link, Route

ALWAYS = {
    400: "What was asked makes no sense",
    401: "No token, or one that is unknown",
    403: "The token's role may not do this, or the deployment has no tokens",
    421: "The Host is not a name of this server",
    429: "Too many requests; Retry-After says when to come back",
    500: "A defect of the engine",
    503: "The store cannot be read",
}
"""What any route can answer."""
OTHERS = {
    404: "There is none",
    409: "Its state does not allow this",
    413: f"The body is longer than {MOST_BYTES} bytes",
    415: "The body is no JSON",
    422: "The deployment has faults",
}
SAID = {
    status: {"headers": {name: {"required": True, "description": about, "schema": {"type": kind}}}}
    for status, name, kind, about in (
        (401, "WWW-Authenticate", "string", "How to come with a token (RFC 6750)"),
        (429, "Retry-After", "integer", "Seconds after which to come again"),
    )
}
"""Headers that tell more of a fault."""
PAGE = Path(__file__).parent.parent / "static" / "api.html"


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The description of an API of these routes."""
    routes = list(routes)
    types = [kind for route in routes for kind in _types(route)] + [ProblemDetails]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(V1 + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cordboard",
            "version": "1",
            "description": "Conversations, queues, agents and the configuration of a contact centre.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": noun} for noun in dict.fromkeys(route.noun for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _types(route: Route) -> Iterable[Any]:
    yield route.answer
    if route.body is not None:
        yield route.body


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.noun],
        "summary": route.summary,
        "description": "For the roles " + ", ".join(sorted(role.value for role in route.roles)) + ".",
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {str(route.status): _answer(route)} | _problems(route),
    }
    if route.body is not None:
        content = {"application/json": {"schema": _ref(route.body)}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _ref(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    return schema


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.path):
        schema = {"type": "string", "pattern": NAMED}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterable[dict[str, Any]]:
    (_,), parts = msgspec.json.schema_components([route.query])
    made = parts[route.query.__name__]
    for name, schema in made["properties"].items():
        required = name in made.get("required", ())
        plain = _without_null(schema)
        made_of = {"style": "form", "explode": False} if plain.get("type") == "array" else {}
        yield {"name": name, "in": "query", "required": required, "schema": plain, **made_of}


def _headers(route: Route) -> Iterable[dict[str, Any]]:
    for name, about in route.headers.items():
        yield {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is given or left out; it is never null."""
    left = {name: value for name, value in schema.items() if name != "default" or value is not None}
    if "enum" in left:
        left["enum"] = [value for value in left["enum"] if value is not None]
    options = [option for option in left.pop("anyOf", ()) if option != {"type": "null"}]
    return left | options[0] if len(options) == 1 else left | ({"anyOf": options} if options else {})


def _answer(route: Route) -> dict[str, Any]:
    content = {route.content_type: {"schema": _ref(route.answer)}}
    made: dict[str, Any] = {"description": route.summary, "content": content}
    if route.links:
        made["links"] = {link.to: _link(link) for link in route.links}
    return made


def _link(link: Link) -> dict[str, Any]:
    return {"operationId": link.to, "parameters": {link.parameter: f"$response.body#{link.found}"}}


def _problems(route: Route) -> dict[str, Any]:
    statuses = ALWAYS | {status: OTHERS[status] for status in route.faults}
    if route.body is not None:
        statuses |= {status: OTHERS[status] for status in (413, 415)}
    content = {TYPE: {"schema": _ref(ProblemDetails)}}
    return {
        str(status): {"description": text, "content": content} | SAID.get(status, {})
        for status, text in sorted(statuses.items())
    }


def serve_document(app: web.Application, routes: Iterable[Route]) -> None:
    """Publish the document, and the page that shows it. Neither needs a token: they say what is public anyway."""
    body = msgspec.json.encode(document(routes))

    async def openapi(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def reader(request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE, headers={"Content-Type": "text/html; charset=utf-8"})

    app.router.add_get(f"{V1}/openapi.json", openapi)
    app.router.add_get("/api", reader)

"""Reading pieces of header values. Every function is linear in what it is given."""

from __future__ import annotations

import re

from engine.sip.errors import BadMessage

_MARKS = re.compile(r'[",<>\\]')
_QUOTED = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"?'
)  # the last quote is optional: else each quote of an open string restarts
_PARAM = re.compile(r';[ \t]*([^\s;=,"]+)(?:[ \t]*=[ \t]*("[^"\\]*(?:\\.[^"\\]*)*"|[^\s;,"]*))?')
_ESCAPED = re.compile(r"\\(.)")
TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
"""RFC 3261 section 25.1, `token`."""


def number(text: str, most: int, what: str = "number") -> int:
    """A count of plain ASCII digits up to `most`; `int` alone would take "+1", "1_0" and other scripts'
    digits.
    """
    if text.isascii() and text.isdigit() and len(text) < 20 and (value := int(text)) <= most:
        return value
    raise BadMessage(f"{what} {text[:20]!r} is not a whole number of 0..{most}")


def masked(value: str) -> str:
    """The value with what stands between quotes replaced, at the same length, so that it can be searched."""
    if '"' not in value:
        return value
    return _QUOTED.sub(
        lambda found: '"' + "x" * (len(found[0]) - 2) + '"' if len(found[0]) > 1 else '"', value
    )


def param(value: str, name: str) -> str | None:
    """A parameter of a header value, looked for behind the name-addr; "" when it has no value, None when
    absent.

    `name` is in lower case. Quotes around the parameter's value are kept (see `unquoted`).
    """
    clean = masked(value) if '"' in value else value
    start = clean.find(">") + 1
    key = f";{name}="
    found = clean.find(key, start)
    if found >= 0:
        found += len(key)
        text = clean[found:].partition(";")[0].partition(",")[0]
        if text and not text[0].isspace():
            return value[found : found + len(text)].rstrip()
    if clean.find(";", start) < 0:
        return None
    return _slow_param(value, clean, start, name)


def tag_of(value: str) -> str:
    """The tag of a From or To value, "" when it has none: `param` for the most frequent case."""
    if '"' not in value:
        _, found, rest = value.rpartition(";tag=")
        if found and ">" not in rest:
            return rest.partition(";")[0].strip()
    return param(value, "tag") or ""


def _slow_param(value: str, clean: str, start: int, name: str) -> str | None:
    """Blanks around the signs or another letter case: rare."""
    if name not in clean.lower():
        return None
    for match in _PARAM.finditer(clean, start):
        if match[1].lower() == name:
            return value[match.start(2) : match.end(2)] if match[2] is not None else ""
    return None


def params(value: str) -> dict[str, str]:
    """All parameters behind the name-addr, names in lower case, quotes taken off the values."""
    clean = masked(value)
    start = clean.find(">") + 1
    found: dict[str, str] = {}
    for match in _PARAM.finditer(clean, start):
        text = value[match.start(2) : match.end(2)] if match[2] is not None else ""
        found.setdefault(match[1].lower(), unquoted(text))
    return found


def unquoted(text: str) -> str:
    """A quoted-string without its quotes and escapes; other text as it is."""
    if len(text) > 1 and text[0] == '"' and text[-1] == '"':
        text = text[1:-1]
        return _ESCAPED.sub(r"\1", text) if "\\" in text else text
    return text


def quoted(text: str) -> str:
    """Text as a quoted-string (RFC 3261 section 25.1)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def split_values(value: str) -> list[str]:
    """The comma separated elements of a header; several lines of the same header stand joined by CR LF."""
    values: list[str] = []
    for line in value.split("\r\n"):
        if "," not in line:
            values.append(line.strip())
        elif '"' not in line and "<" not in line:
            values += [part.strip() for part in line.split(",")]
        else:
            values += _split_marked(line)
    return [text for text in values if text]


def _split_marked(line: str) -> list[str]:
    """Split at commas outside quotes and angle brackets, in one pass over the marks."""
    parts: list[str] = []
    begin = skip = 0
    in_quotes = in_angle = False
    for match in _MARKS.finditer(line):
        at, mark = match.start(), match[0]
        if at < skip:
            continue
        if mark == "\\":
            skip = at + 2 if in_quotes else at + 1
        elif mark == '"':
            in_quotes = not in_quotes and not in_angle
        elif in_quotes:
            continue
        elif mark == ",":
            if not in_angle:
                parts.append(line[begin:at].strip())
                begin = at + 1
        else:
            in_angle = mark == "<"
    parts.append(line[begin:].strip())
    return parts

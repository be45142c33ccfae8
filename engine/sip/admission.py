"""What a request must satisfy before anybody looks at what it asks for (RFC 3261 section 8.2).

Each check raises RemoteFault with the code and the headers of the reply.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.sip.errors import BadUri, RemoteFault
from engine.sip.header import number, param, unquoted
from engine.sip.message import Request
from engine.sip.uri import NameAddr, parse_name_addr, parse_uri

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint

SUPPORTED: Final = frozenset({"replaces", "path", "outbound", "100rel", "timer"})
SERVED: Final = frozenset(
    (
        "INVITE",
        "OPTIONS",
        "REGISTER",
        "SUBSCRIBE",
        "BYE",
        "REFER",
        "NOTIFY",
        "INFO",
        "UPDATE",
        "PRACK",
        "CANCEL",
    )
)
"""Methods that have a place here; those beyond the first four only within a call."""
KNOWN: Final = frozenset({"MESSAGE", "PUBLISH"})
_SDP_TYPES: Final = frozenset({"application/sdp", "application/*", "*/*"})
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def check_first(request: Request, allowed: str) -> None:
    """Method, scheme of the Request-URI, hops and extensions; MESSAGE is served where it stands in `allowed`."""
    method = request.method
    if method not in SERVED and not (method in KNOWN and method in allowed):
        if method in KNOWN:
            raise RemoteFault(f"{method} is not served", 405, (("Allow", allowed),))
        raise RemoteFault(f"the method {method[:20]!r} is not known", 501, (("Allow", allowed),))
    parse_uri(request.uri)
    hops = request.headers.get("max-forwards")
    if hops is not None and number(hops.strip(), 255, "max-forwards") == 0 and request.method != "OPTIONS":
        raise RemoteFault("Max-Forwards ran out", 483)
    check_require(request)


def check_require(request: Request) -> None:
    """420 names the extensions that we lack."""
    if "require" not in request.headers or request.method in ("CANCEL", "ACK"):
        return
    lacking = [name for name in request.all("require") if name.lower() not in SUPPORTED]
    if lacking:
        names = ", ".join(lacking)[:200]
        raise RemoteFault(f"extension {names!r} is required", 420, (("Unsupported", names),))


def check_people(request: Request) -> NameAddr:
    """From and To must be readable; returns From."""
    parse_uri_of(request.headers["to"])
    return parse_uri_of(request.headers["from"])


def parse_uri_of(value: str) -> NameAddr:
    """A name-addr whose URI is readable too, of whatever scheme."""
    address = parse_name_addr(value)
    try:
        parse_uri(address.uri)
    except BadUri as error:
        if error.code != 416:
            raise
    return address


def check_body(request: Request) -> None:
    """An INVITE's body must be SDP, or hold SDP: `request.body` is then that part alone."""
    if "accept" in request.headers:
        accept = {value.partition(";")[0].strip().lower() for value in request.all("accept")}
        if not _SDP_TYPES & accept:
            raise RemoteFault("Accept takes no application/sdp", 406)
    if not request.body:
        return
    encoding = request.headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        raise RemoteFault("Content-Encoding; allowed is none", 415, (("Accept-Encoding", "identity"),))
    kind = request.content_type
    if kind.startswith("multipart/"):
        request.body = _sdp_part(request)
    elif kind != "application/sdp":
        raise _not_sdp(kind)


def check_text(request: Request, endpoint: Endpoint) -> None:
    """A MESSAGE must be served (405), and of a type that the engine takes (415)."""
    if not endpoint.texts:
        raise RemoteFault("MESSAGE is not served", 405, (("Allow", endpoint.allowed),))
    if request.content_type not in endpoint.texts:
        accepted = (("Accept", ", ".join(endpoint.texts)),)
        raise RemoteFault(f"a MESSAGE of type {request.content_type[:40]!r}", 415, accepted)


def _not_sdp(kind: str) -> RemoteFault:
    return RemoteFault(f"a body of type {kind[:40]!r}", 415, (("Accept", "application/sdp"),))


def _sdp_part(request: Request) -> bytes:
    """The SDP among the parts of a multipart body (RFC 5621)."""
    boundary = unquoted(param(request.get("content-type"), "boundary") or "")
    if not boundary or len(boundary) > 70:
        raise RemoteFault("a multipart body without a boundary of 1..70 characters")
    for part in request.body.split(b"--" + boundary.encode("utf-8", "replace")):
        match = _BLANK_LINE.search(part)
        if match and b"application/sdp" in part[: match.start()].lower():
            return part[match.end() :].removesuffix(b"\r\n")
    raise _not_sdp(request.content_type)

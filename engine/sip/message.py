"""SIP messages: parsed lazily, answered by copying bytes (RFC 3261 section 7).

Headers are kept as they came, under their canonical lower-case names; a value is read when somebody asks for
it. Several lines of one header are kept joined by CR LF, in order.
"""

from __future__ import annotations

import re
import sys

from engine.sip.errors import BadMessage
from engine.sip.flow import Flow
from engine.sip.header import TOKEN, number, split_values, tag_of
from engine.sip.via import Via, read_via

MAX_HEAD = 16384
MAX_LINES = 128
MAX_BODY = 65535

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}
_ONCE = frozenset(
    (
        "from",
        "to",
        "call-id",
        "cseq",
        "max-forwards",
        "content-length",
        "content-type",
        "expires",
        "min-expires",
        "event",
        "replaces",
        "refer-to",
    )
)
_NEEDED = ("via", "from", "to", "call-id", "cseq")
_FOLD = re.compile(r"\r\n[ \t]+")  # no blanks in front: that is quadratic on 15 kB of them
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\s]")
_BAD_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_names: dict[str, str] = {}  # a header name exactly as seen -> its canonical name; bounded
_MAX_NAMES = 1024


class Message:
    """What requests and responses share."""

    __slots__ = ("body", "call_id", "cseq", "flow", "from_tag", "headers", "method", "to_tag", "via")

    headers: dict[str, str]
    body: bytes
    flow: Flow
    method: str
    call_id: str
    cseq: int
    from_tag: str
    to_tag: str
    via: Via

    def get(self, name: str, default: str = "") -> str:
        """The first line of a header (name in lower case), stripped; `default` when it is absent."""
        value = self.headers.get(name)
        return default if value is None else value.partition("\r\n")[0].strip()

    def all(self, name: str) -> list[str]:
        """Every comma separated value of a header, over all its lines."""
        value = self.headers.get(name)
        return [] if value is None else split_values(value)

    def lines(self, name: str) -> list[str]:
        """Every line of a header: for those in which a comma does not separate, such as Authorization."""
        value = self.headers.get(name)
        return [] if value is None else [line.strip() for line in value.split("\r\n")]

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without parameters."""
        return self.get("content-type").partition(";")[0].strip().lower()


class Request(Message):
    """A request; `uri` is the Request-URI as it came."""

    __slots__ = ("uri",)

    uri: str

    def head(self) -> str:
        """The headers that every response copies, as they came; To is last, so that a tag can follow it."""
        headers = self.headers
        via = headers["via"]
        if "\r\n" in via:
            via = via.replace("\r\n", "\r\nVia:")
        return (
            f"Via:{via}\r\nFrom:{headers['from']}\r\nCall-ID:{headers['call-id']}\r\n"
            f"CSeq:{headers['cseq']}\r\nTo:{headers['to']}"
        )

    def __repr__(self) -> str:
        return f"<{self.method} {self.uri} {self.cseq} {self.call_id}>"


class Response(Message):
    """A response; `method` is that of its CSeq."""

    __slots__ = ("code", "reason")

    code: int
    reason: str

    def __repr__(self) -> str:
        return f"<{self.code} {self.reason} to {self.method} {self.cseq} {self.call_id}>"


def canonical(name: str) -> str:
    """The lower-case full name of a header as it was written. Raises BadMessage if it is no token."""
    text = name.strip(" \t").lower()
    text = sys.intern(_COMPACT.get(text, text))
    if not TOKEN.fullmatch(text):
        raise BadMessage(f"{name[:30]!r} is not a header name")
    if len(_names) < _MAX_NAMES and len(name) < 40:
        _names[name] = text
    return text


def parse(data: bytes, flow: Flow) -> Request | Response:
    """One message from one datagram or one framed piece of a stream. Raises BadMessage and nothing else."""
    data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n")
    if not 0 < end <= MAX_HEAD:
        raise BadMessage(f"no end of the headers within {MAX_HEAD} bytes")
    text = data[:end].decode("utf-8", "surrogateescape")
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    first, *lines = text.split("\r\n")
    count = len(lines)
    if count > MAX_LINES or text.count("\n") != count or text.count("\r") != count or "\0" in text:
        raise BadMessage(f"a bare CR, LF or NUL, or more than {MAX_LINES} header lines")
    headers, fault = _read_headers(lines)
    if first.startswith("SIP/2.0 "):
        return _response(first, headers, fault, data[end + 4 :], flow)
    return _request(first, headers, fault, data[end + 4 :], flow)


def _read_headers(lines: list[str]) -> tuple[dict[str, str], str]:
    """The headers, and the first thing wrong with them ("" if nothing): a request can still be
    answered then.
    """
    headers: dict[str, str] = {}
    known = _names.get
    fault = ""
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            fault = fault or f"the header line {line[:40]!r} has no colon"
            continue
        key = known(name) or canonical(name)
        if key in headers:
            if key in _ONCE:
                fault = fault or f"{key} is given twice"
                continue
            value = headers[key] + "\r\n" + value
        headers[key] = value
    return headers, fault


def _response(first: str, headers: dict[str, str], fault: str, body: bytes, flow: Flow) -> Response:
    message = Response()
    if fault:
        raise BadMessage(fault)
    code, _, message.reason = first[8:].partition(" ")
    message.code = number(code, 699, "status code")
    if len(code) != 3 or message.code < 100:
        raise BadMessage(f"status code {code!r} is not one of 100..699")
    message.method = _common(message, headers, body, flow)
    return message


def _request(first: str, headers: dict[str, str], fault: str, body: bytes, flow: Flow) -> Request:
    method, _, rest = first.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not version.upper().startswith("SIP/") or not TOKEN.fullmatch(method):
        raise BadMessage(f"{first[:40]!r} is no request line", request=None)
    message = Request()
    message.method, message.uri = sys.intern(method), uri
    try:
        named = _common(message, headers, body, flow)
        _check_request(message, named, version, fault)
    except BadMessage as error:
        if _answerable(headers, flow, message):
            raise BadMessage(error.why, error.code, message) from None
        raise
    return message


def _check_request(message: Request, method: str, version: str, fault: str) -> None:
    if version != "SIP/2.0":
        raise BadMessage(f"version {version[:20]!r} is not served; allowed is SIP/2.0", 505)
    if fault:
        raise BadMessage(fault)
    if not message.uri or _CONTROL.search(message.uri) or message.uri[0] == "<":
        raise BadMessage(f"the Request-URI {message.uri[:40]!r} is malformed")
    if method != message.method:
        raise BadMessage(f"CSeq names {method[:20]!r} but the request is {message.method[:20]!r}")
    if not message.via.magic:  # an RFC 2543 element: RFC 3261 section 17.2.3
        old = f"{message.call_id}|{message.cseq}|{message.from_tag}|{message.uri}|{message.headers['via']}"
        message.via = message.via._replace(branch=old)


def _common(message: Request | Response, headers: dict[str, str], body: bytes, flow: Flow) -> str:
    """Read what every message must have; returns the method that CSeq names."""
    message.headers, message.flow, message.body = headers, flow, body
    for name in _NEEDED:
        if name not in headers:
            raise BadMessage(f"no {name} header")
    message.call_id = headers["call-id"].strip()
    if not message.call_id:
        raise BadMessage("an empty call-id")
    message.via = read_via(headers["via"])
    message.from_tag = tag_of(headers["from"])
    message.to_tag = tag_of(headers["to"])
    message.cseq, method = _cseq(headers["cseq"])
    length = headers.get("content-length")
    if length is not None:
        size = number(length.strip(), MAX_BODY, "content-length")
        if size > len(body):
            raise BadMessage(f"content-length {size} but only {len(body)} bytes of body")
        message.body = body[:size]
    elif len(body) > MAX_BODY:
        raise BadMessage(f"a body of more than {MAX_BODY} bytes")
    return method


def _cseq(value: str) -> tuple[int, str]:
    parts = value.split()
    if len(parts) != 2:
        raise BadMessage("CSeq is not a number and a method")
    return number(parts[0], 0x7FFFFFFF, "CSeq"), sys.intern(parts[1])


def _answerable(headers: dict[str, str], flow: Flow, message: Request) -> bool:
    """True when the parts that a reply must copy can be read; fills what `_common` may not have reached."""
    if any(name not in headers for name in _NEEDED) or message.method == "ACK":
        return False
    try:
        message.via = read_via(headers["via"])
    except BadMessage:
        return False
    message.headers, message.flow = headers, flow
    message.call_id = headers["call-id"].strip()
    message.to_tag = tag_of(headers["to"])
    return True


def is_clean(text: str) -> bool:
    """False for text that would break a message apart: line ends and control characters."""
    return "\r" not in text and "\n" not in text and not _BAD_TEXT.search(text)


for _name in (
    *("Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Length", "Content-Type"),
    *("Allow", "Supported", "Require", "User-Agent", "Server", "Route", "Record-Route", "Authorization"),
    *("Proxy-Authorization", "WWW-Authenticate", "Session-Expires", "Subject", "Expires"),
):
    canonical(_name)

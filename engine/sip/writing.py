"""Writing messages: requests from a draft, responses from the raw head of their request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from engine.sip.errors import IllegalHeader
from engine.sip.header import TOKEN
from engine.sip.message import is_clean

MAX_HOPS: Final = 70
REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    439: "First Hop Lacks Outbound Support",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
_CLASSES: Final = {
    1: "Progress",
    2: "OK",
    3: "Redirected",
    4: "Request Failure",
    5: "Server Failure",
    6: "Global Failure",
}


def reason_of(code: int) -> str:
    """The RFC's words for a status code; those of its class for one it does not name."""
    return REASONS.get(code) or _CLASSES[code // 100]


def header_lines(headers: Iterable[tuple[str, str]]) -> str:
    """Headers of ours as text. Raises IllegalHeader for what would break the message apart."""
    text = ""
    for name, value in headers:
        if not TOKEN.fullmatch(name) or not is_clean(value):
            raise IllegalHeader(f"{name!r}: {value[:60]!r} cannot stand in a header")
        text += f"{name}: {value}\r\n"
    return text


def checked(text: str) -> str:
    """Text of ours for a header. Raises IllegalHeader if it holds line ends or control characters."""
    if not is_clean(text):
        raise IllegalHeader(f"{text[:60]!r} cannot stand in a header")
    return text


def encoded(text: str) -> bytes:
    """The bytes of a head; what came in as undecodable goes out as it was."""
    return text.encode("utf-8", "surrogateescape")


def response_bytes(
    code: int, head: str, tag: str, extra: str = "", body: bytes = b"", reason: str | None = None
) -> bytes:
    """A response; `head` is `Request.head()`, `tag` our To tag ("" when To already has one)."""
    to_tag = f";tag={tag}" if tag and code > 100 else ""
    first = f"SIP/2.0 {code} {reason or reason_of(code)}\r\n"
    return encoded(f"{first}{head}{to_tag}\r\n{extra}Content-Length: {len(body)}\r\n\r\n") + body


class Draft:
    """A request of ours before it has a Via: enough to send it, to send it again, to cancel it and
    to ACK it.
    """

    __slots__ = (
        "body",
        "branch",
        "call_id",
        "extra",
        "hops",
        "method",
        "route",
        "sender",
        "seq",
        "to",
        "uri",
        "via",
    )

    def __init__(
        self,
        method: str,
        uri: str,
        *,
        sender: str,
        to: str,
        call_id: str,
        seq: int,
        route: str = "",
        extra: str = "",
        body: bytes = b"",
        hops: int = MAX_HOPS,
    ) -> None:
        self.method, self.uri, self.seq, self.hops = method, uri, seq, hops
        self.sender, self.to, self.call_id = sender, to, call_id
        self.route, self.extra, self.body = route, extra, body
        self.via = self.branch = ""

    def data(self) -> bytes:
        """The message, once `via` is set."""
        return (
            encoded(self._head(self.method, self.to, f"{self.extra}Content-Length: {len(self.body)}"))
            + self.body
        )

    def ack(self, to: str) -> bytes:
        """The ACK of a final response that is no 2xx (RFC 3261 section 17.1.1.3)."""
        return encoded(self._head("ACK", to, "Content-Length: 0"))

    def cancel(self) -> Draft:
        """The CANCEL of this request: same hop, same Via (RFC 3261 section 9.1)."""
        draft = Draft(
            "CANCEL",
            self.uri,
            sender=self.sender,
            to=self.to,
            call_id=self.call_id,
            seq=self.seq,
            route=self.route,
        )
        draft.via, draft.branch = self.via, self.branch
        return draft

    def again(self, seq: int, more: str) -> Draft:
        """The same request as a new transaction, with more headers: how a challenge is answered."""
        return Draft(
            self.method,
            self.uri,
            sender=self.sender,
            to=self.to,
            call_id=self.call_id,
            seq=seq,
            route=self.route,
            extra=self.extra + more,
            body=self.body,
            hops=self.hops,
        )

    def _head(self, method: str, to: str, rest: str) -> str:
        return (
            f"{method} {self.uri} SIP/2.0\r\n{self.via}{self.route}Max-Forwards: {self.hops}\r\n"
            f"From: {self.sender}\r\nTo: {to}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {self.seq} {method}\r\n{rest}\r\n\r\n"
        )

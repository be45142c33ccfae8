"""How many SIP messages came and went: by method or status, and direction."""

from __future__ import annotations

from collections import Counter

METHODS = frozenset(
    {b"INVITE", b"ACK", b"BYE", b"CANCEL", b"REGISTER", b"OPTIONS", b"REFER", b"NOTIFY"}
    | {b"SUBSCRIBE", b"INFO", b"UPDATE", b"PRACK", b"MESSAGE", b"PUBLISH"}
)
OTHER = "other"


class MessageCounts:
    """Bounded, whatever is sent to us: methods and statuses that are none are counted together."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        """Method, or status such as 200."""
        self.sent: Counter[str] = Counter()

    def receive(self, data: bytes) -> None:
        self.received[kind(data)] += 1

    def send(self, data: bytes) -> None:
        self.sent[kind(data)] += 1


def kind(data: bytes) -> str:
    """The method of a request, the status of a response."""
    first, _, rest = data[:16].partition(b" ")
    if first in METHODS:
        return first.decode()
    status = rest[:3]
    if first == b"SIP/2.0" and status.isdigit() and b"100" <= status <= b"699":
        return status.decode()
    return OTHER

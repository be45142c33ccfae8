"""How many SIP messages came and went: by direction, method, status and trunk."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple

METHODS = frozenset(
    {b"INVITE", b"ACK", b"BYE", b"CANCEL", b"REGISTER", b"OPTIONS", b"REFER", b"NOTIFY"}
    | {b"SUBSCRIBE", b"INFO", b"UPDATE", b"PRACK", b"MESSAGE", b"PUBLISH"}
)
OTHER = "other"
KNOWN = frozenset(
    f"{status}".encode()
    for status in (
        *(100, *range(180, 184), 199, 200, 202, 204, *range(300, 303), 305, 380, *range(400, 411), 412, 413),
        *(*range(414, 418), *range(420, 426), *range(428, 432), *range(433, 441), 469, 470, *range(480, 490)),
        *(*range(491, 495), *range(500, 506), 513, 555, 580, 600, *range(603, 609)),
    )
)
"""The registered ones; a stranger's inventions are counted by their first digit."""
CSEQ = re.compile(rb"\r\nCSeq[ \t]*:[ \t]*\d+[ \t]+([A-Z]+)", re.IGNORECASE)

Direction = Literal["received", "sent"]


class Kind(NamedTuple):
    """What is counted together."""

    direction: Direction
    trunk: str
    """Whose address it came from or went to; empty for phones and strangers."""
    method: str
    status: str
    """Empty for a request."""


def no_trunk(host: str) -> str | None:
    """An engine without trunks."""
    return None


class MessageCounts:
    """Bounded, whatever is sent to us: methods and statuses that are none are counted together. Repeats count."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self.trunk_at: Callable[[str], str | None] = no_trunk
        """The trunk at an IP address."""

    def receive(self, data: bytes, host: str) -> None:
        self._count("received", data, host)

    def send(self, data: bytes, host: str) -> None:
        self._count("sent", data, host)

    def _count(self, direction: Direction, data: bytes, host: str) -> None:
        self.counts[Kind(direction, self.trunk_at(host) or "", *named(data))] += 1


def named(data: bytes) -> tuple[str, str]:
    """Method and status of a message; a request has no status, and what is no SIP is `other`."""
    first, _, rest = data[:16].partition(b" ")
    if first in METHODS:
        return first.decode(), ""
    status = rest[:3]
    if first != b"SIP/2.0" or not status.isdigit() or not b"100" <= status <= b"699":
        return OTHER, ""
    cseq = CSEQ.search(data)
    method = cseq[1] if cseq is not None and cseq[1] in METHODS else OTHER.encode()
    return method.decode(), status.decode() if status in KNOWN else f"{status[:1].decode()}xx"

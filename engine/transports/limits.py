"""What connections may cost: how many, how slow, how silent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one connection. Seconds, unless said otherwise."""

    unsent: int = 1 << 20
    """Bytes that may wait for a slow peer before its connection is closed: it costs only itself."""
    connect: float = 4.0
    """Within which a connection of ours stands, TLS included."""
    shake: float = 8.0
    """Within which a peer has finished the TLS handshake."""
    speechless: float = 30.0
    """Within which a connection that was opened to us has brought its first message."""
    unfinished: float = 30.0
    """Within which a message that was begun is whole."""
    idle: float = 7200.0
    """Of silence before a connection is closed: longer than registrations last, which end with it."""
    ping: float = 45.0
    """Of silence before a keep-alive is sent; where it has to be answered, twice that is the end."""
    sweep: float = 10.0
    """Between looks at all of them."""


class Crowd:
    """How many connections others have opened to us, in all and by address; shared by all transports."""

    def __init__(self, most: int = 4096, most_of_one: int = 512) -> None:
        """`most_of_one` holds for an IPv4 address or an IPv6 /64, which may be a whole office behind one NAT."""
        self.most, self.most_of_one = most, most_of_one
        self._by_place: Counter[str] = Counter()
        self._all = 0

    def enter(self, host: str) -> str:
        """Count a connection in; else why it may not come in."""
        place = place_of(host)
        if self._all >= self.most:
            return f"there are {self.most} connections already"
        if self._by_place[place] >= self.most_of_one:
            return f"{place} has {self.most_of_one} connections already"
        self._all += 1
        self._by_place[place] += 1
        return ""

    def leave(self, host: str) -> None:
        """One that came in is gone."""
        place = place_of(host)
        self._all -= 1
        self._by_place[place] -= 1
        if not self._by_place[place]:
            del self._by_place[place]

    def __len__(self) -> int:
        return self._all


def place_of(host: str) -> str:
    """What counts as one peer: an IPv4 address, or the /64 that one IPv6 customer has."""
    if ":" not in host:
        return host
    network = int(IPv6Address(host.partition("%")[0])) >> 64 << 64
    return f"{IPv6Address(network)}/64"

"""Where a packet comes from or goes to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of the wire between us and a peer."""

    transport: str
    """"udp" or "tcp"."""
    host: str
    """An IP address, without brackets; a name only where a URI gave one (the driver resolves it)."""
    port: int
    connection: int | None = None
    """A stream that the driver knows; None: open one or use an open one."""

    @property
    def reliable(self) -> bool:
        """True when the transport itself repeats what was lost (RFC 3261 section 17)."""
        return self.transport != "udp"


@dataclass(frozen=True, slots=True)
class Packet:
    """Bytes for the driver to send."""

    data: bytes
    """One whole message."""
    flow: Flow
    """Where to."""


def bracketed(host: str) -> str:
    """A host as URIs and Via write it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@lru_cache(2048)
def private(host: str) -> bool:
    """True for an address that only its own network can reach (RFC 1918, 6598); loopback and names do not
    count.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    shared = address.version == 4 and address in _SHARED
    return (address.is_private or shared or address.is_link_local) and not address.is_loopback


_SHARED = ipaddress.ip_network("100.64.0.0/10")

"""Where a packet comes from or goes to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of the wire between us and a peer."""

    transport: str
    """udp, tcp, tls, ws or wss; "" lets DNS choose for a name (RFC 3263 section 4.1)."""
    host: str
    """An IP address, without brackets; a name only where a URI gave one (the driver locates it)."""
    port: int
    """0 for a name whose URI had none: DNS tells it (RFC 3263 section 4.2)."""
    connection: int | None = None
    """A stream that the driver knows; None: open one or use an open one."""
    domain: str = ""
    """By TLS, whose certificate it has to be (RFC 5922); "" for that of the address."""

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


_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10"),
    )
)


@lru_cache(2048)
def is_address(host: str) -> bool:
    """True for an IP address, False for a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@lru_cache(2048)
def private(host: str) -> bool:
    """True for an address that only its own network can reach (RFC 1918, 3927, 4193, 6598)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE)

"""Where a request within a dialog goes next: route sets, strict routers, connections, NAT (RFC 3261 12.2.1.1,
8.1.2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from engine.sip.errors import BadUri
from engine.sip.flow import Flow, private
from engine.sip.targets import default_port, hop_to
from engine.sip.uri import Uri, parse_name_addr, parse_uri


class Aim(NamedTuple):
    """What the head of a request in a dialog says, and where it is sent."""

    uri: str
    """The Request-URI."""
    route: str
    """Route lines, each with its line end."""
    flow: Flow


@lru_cache(2048)
def aim(target: str, routes: tuple[str, ...], home: Flow) -> Aim:
    """Aim a request at a remote target over a route set; `home` is how the peer was reached first."""
    if not routes:
        return Aim(target, "", next_hop(target, home))
    first = _uri_of(routes[0])
    if _loose(first):
        return Aim(target, _route_lines(routes), next_hop(first, home))
    strict = first.partition("?")[0]
    return Aim(strict, _route_lines((*routes[1:], f"<{target}>")), next_hop(strict, home))


def _route_lines(routes: tuple[str, ...]) -> str:
    return "".join(f"Route: {route}\r\n" for route in routes)


def _uri_of(route: str) -> str:
    try:
        return parse_name_addr(route).uri
    except BadUri:
        return route


def _loose(text: str) -> bool:
    try:
        return parse_uri(text).param("lr") is not None
    except BadUri:
        return True


def next_hop(text: str, home: Flow) -> Flow:
    """Where a URI is reached. `home` wins when it is the same peer, when the URI hides behind a NAT, when it asks for
    its own flow (`ob`, RFC 5626 section 5.4), and for browsers, whom nobody can call.
    """
    try:
        uri = parse_uri(text)
    except BadUri:
        return home
    if not uri.host or uri.host.endswith(".invalid") or (private(uri.host) and not private(home.host)):
        return home
    transport = uri.transport or (home.transport if uri.host == home.host else "udp")
    if uri.scheme == "sips" and transport in ("udp", "tcp"):
        transport = "tls"
    if transport not in ("udp", "tcp", "tls") or uri.param("ob") is not None:
        return home
    if _same_peer(uri, transport, home):
        return home
    return hop_to(uri, transport)


def _same_peer(uri: Uri, transport: str, home: Flow) -> bool:
    """A stream to that host is used again whatever its port, which is the caller's own and no
    listening one.
    """
    if uri.host != home.host or transport != home.transport:
        return False
    return home.connection is not None or (uri.port or default_port(transport)) == home.port

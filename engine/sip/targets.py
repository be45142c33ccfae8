"""Where a first request goes: the target that a URI names, before DNS was asked (RFC 3263 section 4)."""

from __future__ import annotations

from engine.sip.flow import Flow, is_address
from engine.sip.message import Response
from engine.sip.uri import Uri, parse_uri

LONGEST_REST = 300.0
"""Seconds: a longer Retry-After is cut to this, so that no peer takes itself out of service for a day."""
PORTS = {"tls": 5061, "wss": 443, "ws": 80}


def default_port(transport: str) -> int:
    """The port of a URI that names none (RFC 3261 section 19.1.2, RFC 7118 section 4)."""
    return PORTS.get(transport, 5060)


def first_hop(text: str) -> Flow:
    """The flow to give to `Stack.invite` and `Stack.request` for a URI. Raises BadUri.

    Port 0 and transport "" of a name leave the choice to DNS; a sips: URI is never less than TLS.
    """
    uri = parse_uri(text)
    return hop_to(uri, _transport(uri))


def hop_to(uri: Uri, transport: str) -> Flow:
    """The flow to a URI's host by a transport; port 0 where DNS has to tell it."""
    if is_address(uri.host):
        transport = transport or "udp"
        return Flow(transport, uri.host, uri.port or default_port(transport))
    return Flow(transport, uri.host, uri.port or 0)


def _transport(uri: Uri) -> str:
    asked = uri.transport or ""
    if uri.scheme == "sips" and asked not in ("ws", "wss"):
        return "tls"
    return asked


def retry_after(response: Response | None) -> float | None:
    """Seconds that a refusal asks to be left alone for (RFC 3261 section 20.33)."""
    if response is None:
        return None
    digits = response.get("retry-after").strip().partition(" ")[0].partition(";")[0].partition("(")[0]
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        return min(float(digits), LONGEST_REST)
    return None

"""Whether a peer asks that its connection be used for requests to it too (RFC 5923)."""

from __future__ import annotations

from engine.sip.errors import BadMessage
from engine.sip.flow import Flow
from engine.sip.header import param
from engine.sip.message import Request, parse
from engine.sip.uri import split_host
from engine.sip.via import first_element


def alias_port(message: bytes, flow: Flow) -> int | None:
    """The port that the peer listens on, when its topmost Via asks for an alias; None when it does not.

    Only for its own address, or anybody could draw requests for another to himself; by TLS the RFC asks for a
    certificate of the peer's, which we do not ask for, so there it is not served at all.
    """
    if b";alias" not in message[:2000]:
        return None
    try:
        request = parse(message, flow)
    except BadMessage:
        return None
    if not isinstance(request, Request) or param(first_element(request.headers["via"]), "alias") is None:
        return None
    host, port = split_host(request.via.sent_by)
    return (port or 5060) if host == flow.host else None

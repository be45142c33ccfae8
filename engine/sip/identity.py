"""Who a dialog is with and where its requests go (RFC 3261 section 12)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.sip.errors import BadUri
from engine.sip.flow import Flow
from engine.sip.hop import aim
from engine.sip.message import Request, Response
from engine.sip.uri import NameAddr, parse_name_addr
from engine.sip.writing import Draft

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint


class Identity:
    """Call-ID, tags, sequence numbers, route set and remote target of a dialog."""

    __slots__ = (
        "allows_update",
        "call_id",
        "called",
        "endpoint",
        "flow",
        "home",
        "local_seq",
        "local_tag",
        "outgoing",
        "peer",
        "remote_seq",
        "remote_tag",
        "request_uri",
        "route",
        "routes",
        "sender",
        "target",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        outgoing: bool,
        call_id: str,
        local_tag: str,
        sender: str,
        peer: str,
        home: Flow,
    ) -> None:
        self.endpoint = endpoint
        self.outgoing = outgoing
        """True when we called."""
        self.call_id = call_id
        self.local_tag = local_tag
        self.remote_tag = ""
        self.sender = sender
        """Our name-addr with our tag, as it stands in From of our requests."""
        self.peer = peer
        """Theirs, as it stands in To of our requests."""
        self.home = self.flow = home
        """How the peer was reached first; `flow` is how it is reached now."""
        self.local_seq = 0
        self.remote_seq = -1
        self.called = ""
        """The user of the first Request-URI: the number that was called."""
        self.target = self.request_uri = self.route = ""
        """The remote target, and what it and the route set make of the head of a request."""
        self.routes: tuple[str, ...] = ()
        self.allows_update = False
        """True when the far end's Allow names UPDATE."""

    @property
    def remote(self) -> NameAddr:
        """The far end's name and URI."""
        try:
            return parse_name_addr(self.peer)
        except BadUri:
            return NameAddr("", self.peer, "")

    @property
    def remote_uri(self) -> str:
        """The far end's URI, from To or From."""
        return self.remote.uri

    @property
    def caller(self) -> NameAddr:
        """Display name and URI of the From of the INVITE."""
        return parse_name_addr(self.sender) if self.outgoing else self.remote

    def confirm(self, response: Response) -> None:
        """Take the dialog's identity and route set from a 2xx to our INVITE."""
        self.remote_tag, self.peer = response.to_tag, response.headers["to"].strip()
        self.routes = tuple(reversed(response.all("record-route")))
        self.refresh_target(response)

    def refresh_target(self, message: Request | Response) -> None:
        """A Contact moves the remote target (RFC 3261 section 12.2.1.2); one that cannot be read is left
        aside.
        """
        allow = message.headers.get("allow")
        if allow is not None:
            self.allows_update = "UPDATE" in allow
        contacts = message.all("contact")
        if contacts:
            with suppress(BadUri):
                self.target = parse_name_addr(contacts[0]).uri
        self.request_uri, self.route, self.flow = aim(self.target, self.routes, self.home)

    def aim(self) -> None:
        """Work out where requests go, after the target, the route set or `home` changed."""
        self.request_uri, self.route, self.flow = aim(self.target, self.routes, self.home)

    def forget_connection(self, flow: Flow) -> None:
        """The stream is gone: reach the peer by its own address from now on."""
        if flow in (self.flow, self.home):
            self.home = Flow(flow.transport, flow.host, flow.port)
            self.aim()

    def draft(self, method: str, extra: str = "", body: bytes = b"", seq: int | None = None) -> Draft:
        """A request within the dialog; takes the next CSeq unless one is given."""
        if seq is None:
            self.local_seq += 1
            seq = self.local_seq
        return Draft(
            method,
            self.request_uri,
            sender=self.sender,
            to=self.peer,
            call_id=self.call_id,
            seq=seq,
            route=self.route,
            extra=extra,
            body=body,
        )

    def contact_line(self) -> str:
        """Our Contact header."""
        return f"Contact: <{self.endpoint.contact(self.flow)}>\r\n"

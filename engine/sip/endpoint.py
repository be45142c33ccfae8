"""What every part of the stack shares: the present time, tables, timers, and what waits to go out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from engine.sip.flow import Flow, Packet, bracketed
from engine.sip.message import Request
from engine.sip.server import InviteServer, OtherServer, ServerTransaction
from engine.sip.session_timer import Interval
from engine.sip.timers import Timer, Timers
from engine.sip.transaction import ClientTransaction, ClientUser, InviteClient, OtherClient
from engine.sip.transitions import CALLING, TRYING
from engine.sip.via import MAGIC, stamped
from engine.sip.writing import Draft, header_lines, response_bytes

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.events import Event
    from engine.sip.subscriptions import Subscription

ALLOWED: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, SUBSCRIBE, INFO, REGISTER"
SUPPORTED: Final = "replaces, 100rel, timer"
LONGEST_DATAGRAM: Final = 1300
"""Bytes: a longer request goes by TCP (RFC 3261 section 18.1.1)."""


class Endpoint:
    """The plumbing under Stack and Dialog."""

    __slots__ = (
        "_contacts",
        "_key",
        "_local",
        "_vias",
        "about",
        "allowed",
        "clients",
        "dialogs",
        "events",
        "merges",
        "now",
        "packets",
        "servers",
        "session_interval",
        "subscriptions",
        "texts",
        "timers",
        "token",
    )

    def __init__(
        self,
        local: Mapping[str, tuple[str, int]],
        token: Callable[[], str],
        key: bytes,
        user_agent: str,
        session_interval: Interval,
        texts: tuple[str, ...],
    ) -> None:
        self._local = dict(local)
        self._key = key
        self.token = token
        self.session_interval = session_interval
        self.texts = texts
        """The media types of MESSAGE that the engine takes; none: MESSAGE is refused."""
        self.allowed = f"{ALLOWED}, MESSAGE" if texts else ALLOWED
        self.about = f"Allow: {self.allowed}\r\nSupported: {SUPPORTED}\r\nUser-Agent: {user_agent}\r\n"
        """Header lines that say what we can do."""
        self.now = 0.0
        self.timers = Timers()
        self.events: list[Event] = []
        self.packets: list[Packet] = []
        self.clients: dict[tuple[str, str], ClientTransaction] = {}
        self.servers: dict[tuple[str, str, str], ServerTransaction] = {}
        self.merges: dict[str, tuple[str, str, str]] = {}
        self.dialogs: dict[tuple[str, str], Dialog] = {}
        self.subscriptions: dict[tuple[str, str], Subscription] = {}
        self._vias = {
            name: f"Via: SIP/2.0/{name.upper()} {self._at(name)};rport;branch=" for name in self._local
        }
        self._contacts = {name: self._contact(name) for name in self._local}

    def _at(self, transport: str) -> str:
        host, port = self._local[transport]
        return f"{bracketed(host)}:{port}"

    def _contact(self, transport: str) -> str:
        suffix = "" if transport == "udp" else f";transport={transport}"
        return f"sip:{self._at(transport)}{suffix}"

    def has(self, transport: str) -> bool:
        """True when we listen on that transport."""
        return transport in self._local

    def is_us(self, host: str, port: int | None) -> bool:
        """True for an address that we give out as ours."""
        return any(host == ours and (port or 5060) == at for ours, at in self._local.values())

    def contact(self, flow: Flow) -> str:
        """The URI at which a peer on that flow reaches us."""
        return self._contacts.get(flow.transport) or next(iter(self._contacts.values()))

    def host(self) -> str:
        """A host of ours for Call-IDs and From."""
        return bracketed(next(iter(self._local.values()))[0])

    def send(self, data: bytes, flow: Flow) -> None:
        """Queue bytes for the driver."""
        self.packets.append(Packet(data, flow))

    def emit(self, event: Event) -> None:
        """Queue an event for the engine."""
        self.events.append(event)

    def after(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back in `delay` seconds."""
        return self.timers.at(self.now + delay, callback)

    def start(self, draft: Draft, flow: Flow, user: ClientUser) -> ClientTransaction:
        """Send a request as a new client transaction."""
        draft.branch = draft.branch or MAGIC + self.token()
        data, flow, fallback = self._addressed(draft, flow)
        invite = draft.method == "INVITE"
        kind = InviteClient if invite else OtherClient
        transaction = kind(self, draft, data, flow, user, CALLING if invite else TRYING)
        transaction.fallback = fallback
        return transaction

    def send_ack(self, draft: Draft, flow: Flow) -> tuple[bytes, Flow]:
        """Send an ACK of a 2xx, which is no transaction; returns it for when the 2xx comes again."""
        draft.branch = MAGIC + self.token()
        data, flow, _ = self._addressed(draft, flow)
        self.send(data, flow)
        return data, flow

    def _addressed(self, draft: Draft, flow: Flow) -> tuple[bytes, Flow, Flow | None]:
        """The bytes with a Via for the transport that their size asks for, and where to fall back to."""
        if flow.transport not in self._local:  # a Contact may ask for what we do not speak
            flow = Flow(next(iter(self._local)), flow.host, flow.port)
        if not draft.via:
            draft.via = f"{self._vias[flow.transport]}{draft.branch}\r\n"
        data = draft.data()
        if (
            len(data) <= LONGEST_DATAGRAM
            or flow.reliable
            or "tcp" not in self._local
            or draft.method == "CANCEL"
        ):
            return data, flow, None
        draft.via = f"{self._vias['tcp']}{draft.branch}\r\n"
        return draft.data(), Flow("tcp", flow.host, flow.port), flow

    def use_udp(self, transaction: ClientTransaction, flow: Flow) -> None:
        """TCP failed for a request that was moved there for its size."""
        draft = transaction.draft
        draft.via = f"{self._vias['udp']}{draft.branch}\r\n"
        transaction.fallback = None
        transaction.flow, transaction.data = flow, draft.data()
        transaction.transmit()

    def serve(self, request: Request) -> ServerTransaction:
        """A server transaction for a new request."""
        return InviteServer(self, request) if request.method == "INVITE" else OtherServer(self, request)

    def reply(
        self,
        request: Request,
        code: int,
        headers: tuple[tuple[str, str], ...] = (),
        reason: str | None = None,
        tag: str = "",
    ) -> None:
        """Answer without keeping anything: a repeated request gets the same answer (RFC 3261
        section 8.2.7).
        """
        request.headers["via"], flow = stamped(request.headers["via"], request.via.sent_by, request.flow)
        tag = tag or ("" if request.to_tag else self._steady_tag(request))
        self.send(response_bytes(code, request.head(), tag, header_lines(headers), b"", reason), flow)

    def _steady_tag(self, request: Request) -> str:
        seed = f"{request.call_id}|{request.via.branch}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(seed, digest_size=8, key=self._key[:64]).hexdigest()

"""What every part of the stack shares: the present time, tables, timers, and what waits to go out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from engine.sip.events import TargetFailed
from engine.sip.flow import Flow, Packet, bracketed, is_address
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
        "_speaks",
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
        "unlocated",
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
        self._speaks = frozenset(name.removesuffix("6") for name in local)
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
        self.unlocated: list[Flow] = []
        """Names that requests wait for the addresses of."""
        self.clients: dict[tuple[str, str], ClientTransaction] = {}
        self.servers: dict[tuple[str, str, str], ServerTransaction] = {}
        self.merges: dict[str, tuple[str, str, str]] = {}
        self.dialogs: dict[tuple[str, str], Dialog] = {}
        self.subscriptions: dict[tuple[str, str], Subscription] = {}
        self._vias: dict[str, str] = {}
        self._contacts: dict[str, str] = {}
        for name in sorted(self._speaks | {"tls"}):
            for family in ("", "6"):
                self._name_us(name, family)

    def _name_us(self, transport: str, family: str) -> None:
        """Our Via and Contact towards peers of one family; where we have no address of it, the other's."""
        known = self._local
        host, port = (
            known.get(transport + family)
            or known.get(transport)
            or known.get(f"{transport}6")
            or next(iter(known.values()))
        )
        at = f"{bracketed(host)}:{port}"
        self._vias[transport + family] = f"Via: SIP/2.0/{transport.upper()} {at};rport;branch="
        if transport in self._speaks:
            asked = {"udp": "", "wss": ";transport=ws"}.get(transport, f";transport={transport}")
            self._contacts[transport + family] = f"sip:{at}{asked}"

    def contact(self, flow: Flow) -> str:
        """The URI at which a peer on that flow reaches us."""
        return self._contacts.get(_name(flow)) or self._contacts[_name(self._first(flow))]

    def _first(self, flow: Flow) -> Flow:
        """The same peer by the transport that we listen on first."""
        return Flow(next(iter(self._local)).removesuffix("6"), flow.host, flow.port)

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

    def start(
        self, draft: Draft, flow: Flow, user: ClientUser, others: Sequence[Flow] = ()
    ) -> ClientTransaction:
        """Send a request as a new client transaction; `others` are tried in order when this target fails.

        To a name it goes once `located` has told its addresses.
        """
        draft.branch = draft.branch or MAGIC + self.token()
        invite = draft.method == "INVITE"
        kind, first = (InviteClient, CALLING) if invite else (OtherClient, TRYING)
        if not is_address(flow.host):
            self.unlocated.append(flow)
            return kind(self, draft, b"", flow, user, first)
        data, flow, fallback = self._addressed(draft, flow)
        transaction = kind(self, draft, data, flow, user, first, others)
        transaction.fallback = fallback
        return transaction

    def preview(self, draft: Draft) -> bytes:
        """What a request that waits for its address will say, but for its Via."""
        draft.via = f"{next(iter(self._vias.values()))}{draft.branch}\r\n"
        data, draft.via = draft.data(), ""
        return data

    def located(self, name: Flow, found: Sequence[Flow]) -> None:
        """The addresses of a name, the one to try first in front."""
        waiting = [held for held in self.clients.values() if held.flow == name and not held.data]
        for transaction in waiting:
            draft = transaction.draft
            transaction.data, transaction.flow, transaction.fallback = self._addressed(draft, found[0])
            transaction.others = tuple(found[1:])
            transaction.transmit()

    def next_target(
        self, failed: ClientTransaction, user: ClientUser, rest: float | None = None
    ) -> ClientTransaction | None:
        """The same request to its next target, as a new transaction (RFC 3263 section 4.3); None when there is none.

        `rest`: seconds for which the failed one asked to be left alone.
        """
        if not failed.others:
            return None
        (target, *others), failed.others = failed.others, ()
        self.emit(TargetFailed(failed.flow, rest))
        return self.start(failed.draft.again(failed.draft.seq, ""), target, user, others)

    def send_ack(self, draft: Draft, flow: Flow) -> tuple[bytes, Flow]:
        """Send an ACK of a 2xx, which is no transaction; returns it for when the 2xx comes again."""
        draft.branch = MAGIC + self.token()
        data, flow, _ = self._addressed(draft, flow)
        self.send(data, flow)
        return data, flow

    def _addressed(self, draft: Draft, flow: Flow) -> tuple[bytes, Flow, Flow | None]:
        """The bytes with a Via for the transport that their size asks for, and where to fall back to."""
        if flow.transport not in self._speaks and flow.transport != "tls":
            flow = self._first(flow)  # a Contact may ask for what we do not speak; but never less than TLS
        if not draft.via:
            draft.via = f"{self._vias[_name(flow)]}{draft.branch}\r\n"
        data = draft.data()
        if (
            len(data) <= LONGEST_DATAGRAM
            or flow.reliable
            or "tcp" not in self._speaks
            or draft.method == "CANCEL"
        ):
            return data, flow, None
        by_tcp = Flow("tcp", flow.host, flow.port)
        draft.via = f"{self._vias[_name(by_tcp)]}{draft.branch}\r\n"
        return draft.data(), by_tcp, flow

    def use_udp(self, transaction: ClientTransaction, flow: Flow) -> None:
        """TCP failed for a request that was moved there for its size."""
        draft = transaction.draft
        draft.via = f"{self._vias[_name(flow)]}{draft.branch}\r\n"
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


def _name(flow: Flow) -> str:
    """The transport, with a 6 behind it for IPv6: the key of what we call ourselves there."""
    return f"{flow.transport}6" if ":" in flow.host else flow.transport

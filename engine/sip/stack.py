"""The face of the SIP stack: bytes and time in, events and packets out (see the package's docstring)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.sip import negotiation as n
from engine.sip import stun
from engine.sip.auth import ALGORITHMS, Challenger, Credentials
from engine.sip.calling import Calling
from engine.sip.dialog import Dialog
from engine.sip.endpoint import Endpoint
from engine.sip.errors import BadMessage, IllegalHeader, RemoteFault
from engine.sip.events import Event, Refused, Responded
from engine.sip.flow import Flow, Packet
from engine.sip.framer import PING
from engine.sip.message import Request, Response, parse
from engine.sip.message_summary import Summary
from engine.sip.reception import Authority, Reception
from engine.sip.redirects import Follow, Redirects
from engine.sip.registrar import Registrar
from engine.sip.request_user import RequestUser
from engine.sip.server import InviteServer
from engine.sip.session_timer import Interval
from engine.sip.transitions import CALLING, PROCEEDING, TRYING
from engine.sip.uri import parse_uri
from engine.sip.writing import MAX_HOPS, Draft, checked, header_lines


@dataclass(frozen=True, slots=True)
class Live:
    """What the stack holds: all of it is 0 some time after the last call, but for the timers of
    registrations.
    """

    dialogs: int
    clients: int
    servers: int
    timers: int
    subscriptions: int = 0


class Stack:
    """One SIP endpoint: UAS, UAC and registrar. It does no I/O and reads no clock.

    The driver gives it what arrives (`receive`, `handle_timer` at `due()`, `unreachable`) and afterwards
    sends `take_packets()` and hands on `take_events()`. `now` is in monotonic seconds and never goes back.
    """

    def __init__(
        self,
        *,
        authority: Authority,
        local: Mapping[str, tuple[str, int]],
        token: Callable[[], str],
        key: bytes,
        min_expires: int = 60,
        max_expires: int = 3600,
        algorithms: Sequence[str] = ALGORITHMS,
        user_agent: str = "Cordboard",
        session_timer: tuple[int, int] = Interval(),
        texts: Sequence[str] = (),
    ) -> None:
        """`local` maps a transport to the host and port that Via and Contact name; `token` gives unguessable
        text of at least 16 hexadecimal digits, never twice; `key` signs nonces; the expires are seconds;
        `algorithms` are those of our digest challenges, the preferred one first; `session_timer` is the
        Session-Expires that we ask for and the shortest that we take; `texts` are the media types of MESSAGE that
        are taken.
        """
        self.endpoint = Endpoint(
            local, token, key, checked(user_agent), Interval(*session_timer), tuple(texts)
        )
        self._session_lines = self.endpoint.session_interval.lines()
        self.registrar = Registrar(min_expires, max_expires)
        """Who is registered where."""
        challenger = Challenger(authority.domain, key, authority.secret_of, algorithms)
        self._reception = Reception(self.endpoint, authority, challenger, self.registrar)

    # -- the driver's side

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One datagram, or one framed message of a stream. Never raises for what is in it."""
        endpoint = self.endpoint
        endpoint.now = now
        if len(data) < 5 and not data.strip(b"\r\n\0"):
            if data == PING and flow.reliable:
                endpoint.send(b"\r\n", flow)
            return
        try:
            message = parse(data, flow)
        except BadMessage as error:
            if stun.looks_like(data) and not flow.reliable:
                self._on_stun(data, flow)
            else:
                self._on_bad(error, flow)
            return
        if isinstance(message, Response):
            self._on_response(message)
        else:
            self._on_request(message)

    def handle_timer(self, now: float) -> None:
        """Do what is due by now."""
        self.endpoint.now = now
        self.endpoint.timers.run(now)

    def due(self) -> float | None:
        """When `handle_timer` is wanted next; None while nothing runs."""
        return self.endpoint.timers.due()

    def take_events(self) -> list[Event]:
        """What happened since the last time, in order."""
        events, self.endpoint.events = self.endpoint.events, []
        return events

    def take_packets(self) -> list[Packet]:
        """What is to be sent, in order."""
        packets, self.endpoint.packets = self.endpoint.packets, []
        return packets

    def take_unlocated(self) -> list[Flow]:
        """Names whose addresses are wanted, by `located`, or by `unreachable` when there are none."""
        names, self.endpoint.unlocated = self.endpoint.unlocated, []
        return names

    def located(self, name: Flow, found: Sequence[Flow], now: float) -> None:
        """The targets of a name that `take_unlocated` told, in the order in which to try them; at least one."""
        self.endpoint.now = now
        self.endpoint.located(name, found)

    def unreachable(self, flow: Flow, now: float) -> None:
        """The driver could not send there, or a stream closed: requests that wait for an answer end
        as 503.
        """
        endpoint = self.endpoint
        endpoint.now = now
        for transaction in list(endpoint.clients.values()):
            if _same_way(transaction.flow, flow):
                transaction.unreachable()
        if flow.connection is not None:
            for dialog in list(endpoint.dialogs.values()):
                dialog.forget_connection(flow)
            for subscription in endpoint.subscriptions.values():
                subscription.forget_connection(flow)
            for server in endpoint.servers.values():
                if server.flow == flow:
                    server.forget_connection()
            for user in dict.fromkeys(self.registrar.drop_flow(flow)):
                self._reception.announce(user)

    @property
    def live(self) -> Live:
        """How much the stack holds now."""
        endpoint = self.endpoint
        return Live(
            len(endpoint.dialogs),
            len(endpoint.clients),
            len(endpoint.servers),
            len(endpoint.timers),
            len(endpoint.subscriptions),
        )

    @property
    def unanswered(self) -> int:
        """Requests of ours that wait for their final answer."""
        waiting = (CALLING, TRYING, PROCEEDING)
        return sum(transaction.state in waiting for transaction in self.endpoint.clients.values())

    # -- the engine's side

    def invite(
        self,
        uri: str,
        *,
        flow: Flow,
        others: Sequence[Flow] = (),
        caller: str,
        to: str | None = None,
        offer: bytes | None,
        now: float,
        headers: Sequence[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        follow: Follow | None = None,
    ) -> Dialog:
        """Call somebody. `caller` and `to` are name-addrs such as '"Anna" <sip:anna@acme.test>'.

        `flow` is where the INVITE goes (`targets.first_hop` makes one of a URI), `others` where it goes when nobody
        there serves it: no answer within `transaction.PATIENCE`, 503, or a failed transport. A name stands for all
        the targets that DNS has for it.
        Without an offer the far end makes one (Offered). A 3xx ends the call, unless `follow` says where its
        contacts are reached. Max-Forwards and Route among the headers are taken as such. Raises BadUri and
        IllegalHeader.
        """
        endpoint = self.endpoint
        endpoint.now = now
        tag = endpoint.token()
        dialog = Dialog(
            endpoint,
            outgoing=True,
            call_id=f"{endpoint.token()}@{endpoint.host()}",
            local_tag=tag,
            sender=f"{checked(caller)};tag={tag}",
            peer=checked(to) if to else f"<{checked(uri)}>",
            home=flow,
        )
        dialog.called = parse_uri(uri).user
        dialog.target, dialog.credentials, dialog.local_sdp = uri, credentials, offer
        if offer is not None:
            dialog.negotiate(n.SEND_OFFER)
        typed = "" if offer is None else "Content-Type: application/sdp\r\n"
        extra = f"Contact: <{endpoint.contact(flow)}>\r\n{endpoint.about}{self._session_lines}{typed}"
        draft = _draft(
            "INVITE", uri, dialog.sender, dialog.peer, dialog.call_id, 1, headers, extra, offer or b""
        )
        calling = Calling(dialog, draft, flow, others, Redirects(follow, uri) if follow is not None else None)
        dialog.begin_calling(calling)
        calling.start()
        return dialog

    def request(
        self,
        method: str,
        uri: str,
        *,
        flow: Flow,
        others: Sequence[Flow] = (),
        caller: str,
        to: str,
        now: float,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        credentials: Credentials | None = None,
        call_id: str | None = None,
        cseq: int | None = None,
    ) -> Request:
        """Send a request outside any dialog (REGISTER, OPTIONS, MESSAGE); Responded tells the outcome.

        `flow` and `others` as in `invite`.
        Give the Call-ID and a higher CSeq of the last one to refresh a registration; an answered challenge
        uses up one more, so count by 2 at least. Raises BadUri and IllegalHeader.
        """
        endpoint = self.endpoint
        endpoint.now = now
        parse_uri(uri)
        sender = f"{checked(caller)};tag={endpoint.token()}"
        call_id = checked(call_id or f"{endpoint.token()}@{endpoint.host()}")
        extra = f"Content-Type: {checked(content_type)}\r\n" if content_type else ""
        draft = _draft(method, uri, sender, checked(to), call_id, cseq or 1, headers, extra, body)
        sequence = iter(range(draft.seq + 1, 0x7FFFFFFF))
        user = RequestUser(
            endpoint, draft, lambda response: report(response), credentials, lambda: next(sequence)
        )
        transaction = endpoint.start(draft, flow, user, others)
        sent = parse(transaction.data or endpoint.preview(draft), transaction.flow)
        if not isinstance(sent, Request):
            raise IllegalHeader(f"{method!r} {uri!r} does not make a request")

        def report(response: Response | None) -> None:
            endpoint.emit(Responded(sent, response))

        return sent

    def summarise(self, user: str, summary: Summary, now: float) -> None:
        """A mailbox changed: the user's phones that subscribed to it are told."""
        self.endpoint.now = now
        self._reception.mailboxes.set(user, summary)

    # -- what arrives

    def _on_bad(self, error: BadMessage, flow: Flow) -> None:
        if error.request is not None:
            self.endpoint.reply(error.request, error.code)
        self.endpoint.emit(Refused(flow, error.code, error.why))

    def _on_stun(self, data: bytes, flow: Flow) -> None:
        """A keep-alive through a NAT."""
        try:
            binding = stun.parse_binding(data)
        except BadMessage as error:
            self.endpoint.emit(Refused(flow, error.code, error.why))
            return
        if binding is not None:
            self.endpoint.send(stun.answer(binding, flow.host, flow.port), flow)

    def _on_response(self, response: Response) -> None:
        """Responses that belong to nothing of ours are dropped, as are those sent by another way."""
        transaction = self.endpoint.clients.get((response.via.branch, response.method))
        if transaction is not None:
            transaction.receive(response)

    def _on_request(self, request: Request) -> None:
        endpoint, via, method = self.endpoint, request.via, request.method
        known = endpoint.servers.get((via.branch, via.sent_by, "INVITE" if method == "ACK" else method))
        if known is not None:
            known.receive(request)
        elif request.to_tag:
            self._inside(request)
        elif method == "CANCEL":
            self._cancel(request)
        elif method != "ACK":
            self._reception.receive(request)

    def _inside(self, request: Request) -> None:
        dialog = self.endpoint.dialogs.get((request.call_id, request.to_tag))
        if dialog is not None and request.method != "CANCEL":
            dialog.on_request(request)
        elif request.method == "CANCEL":
            self._cancel(request)
        elif (subscription := self.endpoint.subscriptions.get((request.call_id, request.to_tag))) is not None:
            subscription.on_request(request)
        elif request.method != "ACK":
            self.endpoint.reply(request, 481)

    def _cancel(self, request: Request) -> None:
        """RFC 3261 section 9.2; the 200 has the To tag of the INVITE's responses."""
        via = request.via
        invite = self.endpoint.servers.get((via.branch, via.sent_by, "INVITE"))
        if not isinstance(invite, InviteServer):
            self._reception.refuse(request, RemoteFault("CANCEL of nothing that is known", 481))
            return
        self.endpoint.reply(request, 200, tag=invite.tag)
        if invite.user is not None:
            invite.user.on_cancel(request)


def _same_way(sent: Flow, broken: Flow) -> bool:
    """A connection number is known to the driver alone: what was sent without one went to that address."""
    if (sent.transport, sent.host, sent.port) != (broken.transport, broken.host, broken.port):
        return False
    return None in (sent.connection, broken.connection) or sent.connection == broken.connection


def _draft(
    method: str,
    uri: str,
    sender: str,
    to: str,
    call_id: str,
    seq: int,
    headers: Sequence[tuple[str, str]],
    extra: str,
    body: bytes,
) -> Draft:
    """A first request; Max-Forwards and Route are taken out of the headers to where the draft keeps them."""
    hops = [value for name, value in headers if name.lower() == "max-forwards"]
    route = header_lines((name, value) for name, value in headers if name.lower() == "route")
    rest = header_lines(
        (name, value) for name, value in headers if name.lower() not in ("max-forwards", "route")
    )
    return Draft(
        checked(method),
        uri,
        sender=sender,
        to=to,
        call_id=call_id,
        seq=seq,
        route=route,
        extra=extra + rest,
        body=body,
        hops=int(hops[0]) if hops else MAX_HOPS,
    )

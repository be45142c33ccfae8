"""Requests that arrive outside any dialog: who may come in, and what is answered without asking the
engine.
"""

from __future__ import annotations

from typing import Protocol

from engine.sip import dialog_states as s
from engine.sip.admission import check_body, check_first, check_people, check_text
from engine.sip.auth import Challenger, Verdict
from engine.sip.called import called_dialog
from engine.sip.dialog import Dialog
from engine.sip.endpoint import SUPPORTED, Endpoint
from engine.sip.errors import BadUri, RemoteFault
from engine.sip.events import AgentCaller, Invited, Messaged, Refused, Registered, Trunk, Unregistered
from engine.sip.message import Request
from engine.sip.refer import parse_replaces
from engine.sip.registrar import Registrar
from engine.sip.session_timer import asked_in
from engine.sip.subscriptions import Mailboxes, check_event
from engine.sip.timers import Timer
from engine.sip.transfer import find_replaced
from engine.sip.uri import NameAddr, parse_name_addr, parse_uri
from engine.sip.writing import header_lines


class Authority(Protocol):
    """Who may do what; the configuration's face towards the stack."""

    @property
    def domain(self) -> str:
        """sip.domain: addresses of record in it are always challenged, whatever the source address."""
        ...

    def trunk_at(self, host: str) -> str | None:
        """The name of the trunk that calls from that address (accept_from)."""
        ...

    def secret_of(self, user: str) -> str | None:
        """An agent's password."""
        ...


class Challenged(RemoteFault):
    """Credentials are missing, wrong or old: 401 with fresh challenges."""


class Reception:
    """Answers what comes from outside."""

    def __init__(
        self, endpoint: Endpoint, authority: Authority, challenger: Challenger, registrar: Registrar
    ) -> None:
        self._endpoint, self._authority = endpoint, authority
        self._challenger, self._registrar = challenger, registrar
        self._lapses: dict[str, Timer] = {}
        self.mailboxes = Mailboxes(endpoint)

    def receive(self, request: Request) -> None:
        """A request without a To tag that is neither ACK nor CANCEL."""
        try:
            check_first(request, self._endpoint.allowed)
            self._check_merged(request)
            sender = check_people(request)
            if request.method == "INVITE":
                self._invite(request, sender)
            elif request.method == "REGISTER":
                self._register(request)
            elif request.method == "OPTIONS":
                self._options(request)
            elif request.method == "SUBSCRIBE":
                self._subscribe(request, sender)
            elif request.method == "MESSAGE":
                self._message(request, sender)
            else:
                raise RemoteFault(
                    f"{request.method} outside a call", 481 if request.method != "REFER" else 403
                )
        except RemoteFault as fault:
            self.refuse(request, fault)

    def refuse(self, request: Request, fault: RemoteFault) -> None:
        """Reply with what is wrong, keeping nothing."""
        self._endpoint.reply(request, fault.code, fault.headers)
        if not isinstance(fault, Challenged) or fault.why:
            self._endpoint.emit(Refused(request.flow, fault.code, fault.why))

    def _check_merged(self, request: Request) -> None:
        """The same request over another path (RFC 3261 section 8.2.2.2)."""
        merge = f"{request.call_id}|{request.from_tag}|{request.cseq}|{request.method}"
        if merge in self._endpoint.merges:
            raise RemoteFault("the same request came by another path", 482)

    def _options(self, request: Request) -> None:
        allowed = self._endpoint.allowed
        headers = (
            ("Accept", "application/sdp"),
            ("Allow", allowed),
            ("Supported", f"{SUPPORTED}, path, outbound"),
        )
        self._endpoint.reply(request, 200, headers)

    def _message(self, request: Request, sender: NameAddr) -> None:
        """RFC 3428; the type is looked at once it is known who sends it."""
        caller = self._caller(request, sender)
        check_text(request, self._endpoint)
        self._endpoint.serve(request).respond(202)
        self._endpoint.emit(Messaged(caller, request, request.content_type, request.body))

    def _subscribe(self, request: Request, sender: NameAddr) -> None:
        """Users may know of their own mailbox."""
        check_event(request)
        user = self._proven_user(request)
        record = parse_uri(parse_name_addr(request.headers["to"]).uri)
        if record.host != self._authority.domain.lower() or not record.user == sender.user == user:
            raise RemoteFault(f"{user!r} may not know of the mailbox of {record.user[:40]!r}", 403)
        self.mailboxes.subscribe(request, user)

    # -- who

    def _proven_user(self, request: Request) -> str:
        """The user of the credentials. Raises Challenged, alike for users that do not exist."""
        endpoint = self._endpoint
        verdict, user = self._challenger.check(request, endpoint.now)
        if verdict is Verdict.GOOD:
            return user
        stale = verdict is Verdict.STALE
        headers = self._challenger.headers(request.flow.host, endpoint.now, stale=stale)
        raise Challenged(
            f"wrong credentials for {user[:40]!r}" if verdict is Verdict.WRONG else "", 401, headers
        )

    def _caller(self, request: Request, sender: NameAddr) -> Trunk | AgentCaller:
        """Who sends an INVITE. Raises Challenged or, for another agent's From, RemoteFault (403)."""
        domain = self._authority.domain.lower()
        try:
            ours = sender.host == domain
        except BadUri:
            ours = False  # tel: and the like
        trunk = None if ours else self._authority.trunk_at(request.flow.host)
        if trunk is not None:
            return Trunk(trunk)
        user = self._proven_user(request)
        if not ours or sender.user != user:
            raise RemoteFault(f"{user!r} may not call as {sender.uri[:60]!r}", 403)
        return AgentCaller(user)

    # -- INVITE

    def _invite(self, request: Request, sender: NameAddr) -> None:
        caller = self._caller(request, sender)
        check_body(request)
        replaces = self._replaced(request)
        endpoint = self._endpoint
        asked = asked_in(request, endpoint.session_interval.least)
        transaction = endpoint.serve(request)
        transaction.respond(100)
        dialog = called_dialog(endpoint, transaction, request, asked)
        dialog.remote_sdp = request.body or None
        endpoint.emit(Invited(dialog, request, caller, request.body or None, replaces))

    def _replaced(self, request: Request) -> Dialog | None:
        """The call that an INVITE with Replaces takes the place of (RFC 3891 section 3)."""
        values = request.lines("replaces")
        if not values:
            return None
        named = parse_replaces(values[0])
        dialog = find_replaced(self._endpoint, named)
        if dialog is None:
            raise RemoteFault("Replaces names no call here", 481)
        if dialog.state in (s.CALLING, s.RINGING, s.CONFIRMED):
            if named.early_only and dialog.state == s.CONFIRMED:
                raise RemoteFault("Replaces is for early calls only, and this one is answered", 486)
            return dialog
        raise RemoteFault(
            "the call that Replaces names cannot be taken over", 603 if dialog.state == s.CLOSING else 481
        )

    # -- REGISTER

    def _register(self, request: Request) -> None:
        user = self._proven_user(request)
        record = parse_uri(parse_name_addr(request.headers["to"]).uri)
        if record.host != self._authority.domain.lower() or record.user != user:
            raise RemoteFault(f"{user!r} may not register {record.user[:40]!r}@{record.host[:40]!r}", 403)
        endpoint = self._endpoint
        changed = self._registrar.register(user, request, endpoint.now)
        bindings = self._registrar.contacts(user, endpoint.now)
        lines = [("Contact", held.contact(endpoint.now)) for held in bindings]
        lines += [("Path", path) for path in request.all("path")]
        if any(held.reg_id and held.call_id == request.call_id for held in bindings):
            lines.append(("Require", "outbound"))
        endpoint.serve(request).respond(200, header_lines(lines))
        if changed:
            self.announce(user)

    def announce(self, user: str) -> None:
        """Tell the engine what a user's bindings are now, and come back when the next one lapses."""
        endpoint, registrar = self._endpoint, self._registrar
        bindings = tuple(registrar.contacts(user, endpoint.now))
        endpoint.timers.cancel(self._lapses.pop(user, None))
        lapse = registrar.next_lapse(user)
        if lapse is not None:
            self._lapses[user] = endpoint.timers.at(lapse, lambda: self._on_lapse(user))
        endpoint.emit(Registered(user, bindings) if bindings else Unregistered(user))

    def _on_lapse(self, user: str) -> None:
        self._registrar.lapse(user, self._endpoint.now)
        self.announce(user)

"""One INVITE usage, either side (RFC 3261 sections 12 to 15): its state and the face of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.auth import Credentials
from engine.sip.calling import Calling
from engine.sip.dtmf_info import RELAY, relay_body
from engine.sip.errors import IllegalTransition, RemoteFault
from engine.sip.events import Ended, Established
from engine.sip.flow import Flow
from engine.sip.identity import Identity
from engine.sip.inside import answer_inside
from engine.sip.message import Request, Response
from engine.sip.proposed import Proposed
from engine.sip.proposing import Proposing
from engine.sip.reason import EXPIRED, NO_ANSWER_IN_ACK
from engine.sip.request_user import InsideUser, Outcome
from engine.sip.server import ServerTransaction
from engine.sip.session_timer import SessionTimer
from engine.sip.transfer import Transfers
from engine.sip.unacked import Unacked
from engine.sip.writing import checked, header_lines

if TYPE_CHECKING:
    from engine.sip.called import Called
    from engine.sip.endpoint import Endpoint


class Dialog(Identity):
    """A call with one peer.

    What is asked of a call that is already over is let pass: the event that says so may not have been read
    yet. Anything else that its state does not allow raises IllegalTransition.
    """

    __slots__ = (
        "_called",
        "_calling",
        "_proposed",
        "_proposing",
        "_session",
        "_transfers",
        "closing_lines",
        "credentials",
        "local_sdp",
        "negotiation",
        "remote_sdp",
        "state",
        "unacked",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        outgoing: bool,
        call_id: str,
        local_tag: str,
        sender: str,
        peer: str,
        home: Flow,
    ) -> None:
        super().__init__(endpoint, outgoing, call_id, local_tag, sender, peer, home)
        self.state = s.CALLING if outgoing else s.INVITED
        """A state of dialog_states.DIALOG."""
        self.negotiation = n.STABLE
        """A state of negotiation.NEGOTIATION."""
        self.local_sdp: bytes | None = None
        """The description we sent last."""
        self.remote_sdp: bytes | None = None
        """The description they sent last."""
        self.credentials: Credentials | None = None
        """What we answer challenges within the call with."""
        self.unacked: dict[int, Unacked] = {}
        """Our 2xx responses whose ACK is still to come, by CSeq."""
        self._calling: Calling | None = None
        self._called: Called | None = None
        self._proposing: Proposing | None = None
        self._proposed: Proposed | None = None
        self._session: SessionTimer | None = None
        self._transfers: Transfers | None = None
        self.closing_lines = ""
        """Header lines of the BYE or CANCEL."""

    def __repr__(self) -> str:
        way = "to" if self.outgoing else "from"
        return f"<Dialog {way} {self.remote_uri} {self.state} {self.call_id}>"

    # -- the called side

    def ring(self, now: float, offer: bytes = b"") -> None:
        """Send 180, with an offer of ours where `rings_with_offer`: without it nothing is sent there."""
        if self.step(s.RING, now) and self._called:
            self._called.provisional(180, offer)

    @property
    def rings_with_offer(self) -> bool:
        """True when the caller made no offer and wants ours, reliably, when it rings; Reanswered has the
        answer.
        """
        return self._called is not None and self._called.rings_with_offer

    def progress(self, sdp: bytes, now: float) -> None:
        """Send 183 with a description: early media, reliable when the caller supports it."""
        if self.step(s.PROGRESS, now) and self._called:
            self._called.provisional(183, sdp)

    def accept(self, sdp: bytes, now: float) -> None:
        """Answer the call: 200, repeated until Established or Ended. Early media whose PRACK is still to
        come is waited for.
        """
        if self.step(s.ACCEPT, now) and self._called:
            self._called.accept(sdp)

    def refuse(
        self, code: int, now: float, reason: str | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Refuse the call with 300..699."""
        lines = header_lines(headers)
        if self.step(s.REFUSE, now) and self._called:
            self._called.refuse(code, reason and checked(reason), lines)

    # -- the calling side

    def cancel(self, now: float) -> None:
        """Give the call up: Failed follows. The same as `hang_up`, so that an answer may cross it."""
        self.hang_up(now)

    # -- both

    def hang_up(self, now: float, headers: Iterable[tuple[str, str]] = ()) -> None:
        """End the call in whatever way its state asks for, with those headers in the BYE, CANCEL or refusal;
        nothing more is reported but Failed of a cancelled call.
        """
        before = self.state
        lines = header_lines(headers)
        if not self.step(s.HANG_UP, now):
            return
        self.closing_lines = lines
        if before == s.CONFIRMED:
            self.bye()
        elif before == s.INVITED and self._called:
            self._called.refuse(603, None, lines)
        elif self._calling is not None:
            self._calling.cancel()

    def reoffer(self, sdp: bytes, now: float) -> None:
        """Change the media by a re-INVITE, before the answer by UPDATE; Reanswered tells the outcome. A glare
        (491) is tried again by itself.
        """
        if self.step(s.MODIFY, now):
            self.proposing.offer(sdp)

    def answer(self, sdp: bytes, now: float) -> None:
        """Answer what Reoffered or Offered brought; let pass when it was taken back meanwhile."""
        if not self.step(s.ANSWER, now):
            return
        if self._calling is not None and self._calling.owes_answer:
            self._calling.answer(sdp)
        elif self._proposed is not None:
            self._proposed.answer(sdp)

    def decline(self, code: int, now: float) -> None:
        """Refuse what Reoffered brought, 488 for example; let pass when it was taken back meanwhile."""
        if self.step(s.ANSWER, now) and self._proposed is not None:
            self._proposed.decline(code)

    def press(self, key: str, milliseconds: int, now: float) -> None:
        """Send a key (0-9 * # A-D) as INFO with application/dtmf-relay."""
        if self.step(s.PRESS, now):
            self.send(
                "INFO", lambda response: None, f"Content-Type: {RELAY}\r\n", relay_body(key, milliseconds)
            )

    def refer(self, refer_to: str, now: float) -> None:
        """Ask the far end to call somebody else; `refer_to` is a header value. Notified tells how it goes."""
        if self.step(s.TRANSFER, now):
            self.transfers.refer(checked(refer_to))

    def notify(self, fragment: str, now: float, final: bool) -> None:
        """Report on the transfer that Referred asked for, with a status line such as "SIP/2.0 200 OK"."""
        if self.step(s.TRANSFER, now):
            self.transfers.notify(checked(fragment), final)

    # -- for the rest of the stack

    def step(self, event: str, now: float | None = None) -> bool:
        """Take a row of the table. False when the dialog was over before."""
        if now is not None:
            self.endpoint.now = now
        before = self.state
        try:
            self.state = s.DIALOG[before][event]
        except KeyError:
            raise IllegalTransition("dialog", before, event) from None
        return before != s.ENDED

    @property
    def proposing(self) -> Proposing:
        """The changes that we ask for; made when there is one."""
        if self._proposing is None:
            self._proposing = Proposing(self)
        return self._proposing

    @property
    def proposed(self) -> Proposed:
        """The changes that they ask for; made when the first one comes."""
        if self._proposed is None:
            self._proposed = Proposed(self)
        return self._proposed

    @property
    def unsettled(self) -> bool:
        """True while a change of theirs is not through: no change of ours may be asked for."""
        return bool(self.unacked) or (self._proposed is not None and self._proposed.open)

    @property
    def session(self) -> SessionTimer:
        """Its session timer; runs from the first 2xx on."""
        if self._session is None:
            self._session = SessionTimer(self, self.endpoint.session_interval)
        return self._session

    @property
    def transfers(self) -> Transfers:
        """Its REFERs; made when the first one comes."""
        if self._transfers is None:
            self._transfers = Transfers(self)
        return self._transfers

    def negotiate(self, operation: str) -> None:
        """Move the offer/answer state. Raises IllegalTransition."""
        self.negotiation = n.next_state(self.negotiation, operation)

    def begin_calling(self, calling: Calling) -> None:
        """We called: `calling` sees it through until it is answered."""
        self._calling = calling
        self.endpoint.dialogs[self.call_id, self.local_tag] = self

    def begin_called(self, called: Called) -> None:
        """They called: `called` sees it through until it is answered."""
        self._called = called
        self.endpoint.dialogs[self.call_id, self.local_tag] = self

    def fork(self, response: Response) -> Dialog:
        """The dialog of another fork of our INVITE that was answered too."""
        other = Dialog(
            self.endpoint,
            outgoing=True,
            call_id=self.call_id,
            local_tag=self.local_tag,
            sender=self.sender,
            peer=self.peer,
            home=self.home,
        )
        other.target, other.local_seq, other.credentials = self.target, self.local_seq, self.credentials
        other.confirm(response)
        return other

    def send(self, method: str, outcome: Outcome, extra: str = "", body: bytes = b"") -> None:
        """Send a request within the dialog that is no INVITE; a challenge to it is answered."""
        draft = self.draft(method, extra, body)
        self.endpoint.start(draft, self.flow, InsideUser(self, draft, outcome))

    def bye(self) -> None:
        """Send BYE and forget the dialog."""
        if self._calling is not None:
            self._calling.before_bye()
        self.finish()
        self.send("BYE", lambda response: None, self.closing_lines)

    def expire(self) -> None:
        """Nobody refreshed the session in time (RFC 4028 section 10)."""
        if self.state == s.CONFIRMED:
            self.closing_lines = EXPIRED
            self.bye()
            self.endpoint.emit(Ended(self, "session expired"))

    def finish(self) -> None:
        """The dialog is over: stop all its clocks and drop it from the tables."""
        self.state = s.ENDED
        for waiting in self.unacked.values():
            waiting.stop()
        self.unacked.clear()
        if self._called is not None:
            self._called.stop()
            self._called = None  # no ring of references is left for the garbage collector
        if self._proposed is not None:
            self._proposed.stop()
        if self._proposing is not None:
            self._proposing.stop()
        if self._session is not None:
            self._session.stop()
            self._session = None
        key = self.call_id, self.local_tag
        if self.endpoint.dialogs.get(key) is self:
            del self.endpoint.dialogs[key]

    def await_ack(self, transaction: ServerTransaction, seq: int, early: bool) -> None:
        """A 2xx of ours was sent: repeat it until its ACK."""
        on_ack = self._on_first_ack if early else self.proposed.on_ack
        self.unacked[seq] = Unacked(
            self.endpoint, transaction.last, transaction.flow, on_ack, lambda: self._on_silence(seq)
        )

    def on_request(self, request: Request) -> None:
        """A request with our tag, other than CANCEL."""
        if request.from_tag != self.remote_tag and not self._turn_to(request.from_tag):
            if request.method != "ACK":
                self.endpoint.reply(request, 481)
        elif request.method == "ACK":
            self.on_ack(request)
        else:
            answer_inside(self, request)

    def _turn_to(self, tag: str) -> bool:
        """Another fork of a call of ours speaks up."""
        return self._calling is not None and self._calling.turn_to(tag)

    def on_prack(self, transaction: ServerTransaction, request: Request) -> None:
        """A PRACK of a response of ours. Raises RemoteFault (481)."""
        if self._called is None:
            raise RemoteFault("PRACK of nothing that was sent reliably", 481)
        self._called.on_prack(transaction, request)

    def on_ack(self, request: Request) -> None:
        """The ACK of a 2xx of ours."""
        waiting = self.unacked.pop(request.cseq, None)
        if waiting is not None:
            waiting.stop()
            waiting.on_ack(request)

    def _on_first_ack(self, request: Request) -> None:
        if self.state == s.CLOSING:
            self.bye()
            return
        self.state = s.CONFIRMED
        body: bytes | None = None
        if self.negotiation == n.LOCAL_OFFER:
            body = request.body or None
            if body is None:
                self.closing_lines = NO_ANSWER_IN_ACK
                self.bye()
                self.endpoint.emit(Ended(self, "no answer in the ACK"))
                return
            self.negotiate(n.RECEIVE_ANSWER)
            self.remote_sdp = body
        self.endpoint.emit(Established(self, body))

    def _on_silence(self, seq: int) -> None:
        """No ACK within 64*T1 (RFC 3261 section 13.3.1.4)."""
        reported = self.state != s.CLOSING
        self.unacked.pop(seq, None)
        self.bye()
        if reported:
            self.endpoint.emit(Ended(self, "no ACK"))

    def on_bye(self, transaction: ServerTransaction, request: Request) -> None:
        """The far end hangs up; it may, even before its ACK."""
        before = self.state
        transaction.respond(200)
        if self._called is not None and self._called.unanswered:
            self._called.give_up("BYE", request)
            return
        self.finish()
        if before != s.CLOSING:
            self.endpoint.emit(Ended(self, "BYE", request))

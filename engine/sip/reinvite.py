"""Changing the media of a call: re-INVITEs of either side and their glare (RFC 3261 section 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.auth import Responder
from engine.sip.errors import IllegalTransition
from engine.sip.events import Ended, Reanswered, Reoffered
from engine.sip.flow import Flow
from engine.sip.message import Request, Response
from engine.sip.server import ServerTransaction
from engine.sip.transaction import ClientTransaction
from engine.sip.writing import Draft

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.timers import Timer

_SDP = "Content-Type: application/sdp\r\n"


class Reinvites:
    """The re-INVITEs of one dialog: at most one of ours and one of theirs at a time."""

    __slots__ = ("_acks", "_dialog", "_draft", "_offer", "_responder", "_retry_timer", "_seq", "_theirs")

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self._offer = b""
        self._draft: Draft | None = None
        self._responder: Responder | None = None
        self._acks: dict[int, tuple[bytes, Flow]] = {}
        self._retry_timer: Timer | None = None
        self._theirs: ServerTransaction | None = None
        self._seq = 0

    # -- ours

    def offer(self, sdp: bytes) -> None:
        """Send a re-INVITE. Raises IllegalTransition while another one is under way."""
        dialog = self._dialog
        if self._theirs is not None or self._retry_timer is not None or dialog.unacked:
            raise IllegalTransition("offer/answer", "re-INVITE under way", n.SEND_OFFER)
        dialog.negotiate(n.SEND_OFFER)
        self._offer = sdp
        self._responder = Responder(dialog.credentials) if dialog.credentials else None
        self._send()

    def _send(self) -> None:
        dialog = self._dialog
        lines = dialog.contact_line() + dialog.endpoint.about + _SDP
        self._draft = dialog.draft("INVITE", lines, self._offer)
        dialog.endpoint.start(self._draft, dialog.flow, self)

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """Any response to a re-INVITE of ours."""
        code = response.code
        if code < 200:
            return
        if code < 300:
            self._on_success(transaction, response)
        elif self._dialog.state != s.ENDED:
            self._on_refusal(response)

    def on_failure(self, transaction: ClientTransaction, code: int, why: str) -> None:
        """Silence: the call is over (RFC 3261 section 12.2.1.2)."""
        self._give_up_call("unreachable")

    def _on_success(self, transaction: ClientTransaction, response: Response) -> None:
        dialog, seq = self._dialog, transaction.draft.seq
        known = self._acks.get(seq)
        if known is not None:
            dialog.endpoint.send(*known)
            return
        dialog.refresh_target(response)
        lines = self._responder.lines() if self._responder else ""
        self._acks[seq] = dialog.endpoint.send_ack(dialog.draft("ACK", lines, seq=seq), dialog.flow)
        if dialog.state == s.ENDED:
            return
        dialog.negotiate(n.RECEIVE_ANSWER)
        dialog.local_sdp = self._offer
        dialog.remote_sdp = response.body or dialog.remote_sdp
        dialog.endpoint.emit(Reanswered(dialog, response.body or None))

    def _on_refusal(self, response: Response) -> None:
        dialog, code = self._dialog, response.code
        if code in (401, 407) and self._answer_challenge(response):
            return
        if code in (408, 481):
            self._give_up_call("refresh refused")
            return
        dialog.negotiate(n.ROLL_BACK)
        if code == 491:
            self._retry_timer = dialog.endpoint.after(self._pause(), self._retry)
        else:
            dialog.endpoint.emit(Reanswered(dialog, None, code))

    def _answer_challenge(self, response: Response) -> bool:
        draft, dialog = self._draft, self._dialog
        if self._responder is None or draft is None:
            return False
        lines = self._responder.answer(response, draft.uri, draft.method, draft.body, dialog.endpoint.token())
        if lines:
            dialog.local_seq += 1
            dialog.endpoint.start(draft.again(dialog.local_seq, lines), dialog.flow, self)
        return bool(lines)

    def _pause(self) -> float:
        """Seconds to wait after a glare: 2.1..4 for the owner of the Call-ID, else 0..2 (RFC 3261 section
        14.1).
        """
        chance = crc32(self._dialog.endpoint.token().encode())
        return 2.1 + chance % 191 / 100 if self._dialog.outgoing else chance % 201 / 100

    def _retry(self) -> None:
        self._retry_timer = None
        dialog = self._dialog
        if self._theirs is not None or dialog.unacked:
            self._retry_timer = dialog.endpoint.after(self._pause(), self._retry)
            return
        dialog.negotiate(n.SEND_OFFER)
        self._send()

    def _give_up_call(self, cause: str) -> None:
        if self._dialog.state == s.CONFIRMED:
            self._dialog.bye()
            self._dialog.endpoint.emit(Ended(self._dialog, cause))

    # -- theirs

    def receive(self, transaction: ServerTransaction, request: Request) -> None:
        """A re-INVITE came."""
        dialog = self._dialog
        if self._theirs is not None:
            transaction.respond(500, f"Retry-After: {1 + crc32(transaction.tag.encode()) % 10}\r\n")
        elif dialog.state != s.CONFIRMED or dialog.unacked or dialog.negotiation != n.STABLE:
            transaction.respond(491)
        else:
            self._take(transaction, request)

    def _take(self, transaction: ServerTransaction, request: Request) -> None:
        dialog = self._dialog
        self._theirs, self._seq = transaction, request.cseq
        transaction.user = self
        transaction.respond(100)
        dialog.refresh_target(request)
        if request.body:
            dialog.negotiate(n.RECEIVE_OFFER)
            dialog.remote_sdp = request.body
        dialog.endpoint.emit(Reoffered(dialog, request.body or None))

    def answer(self, sdp: bytes) -> None:
        """Send the 200."""
        transaction, dialog = self._theirs, self._dialog
        if transaction is None:
            return
        self._theirs = None
        dialog.negotiate(n.SEND_OFFER if dialog.negotiation == n.STABLE else n.SEND_ANSWER)
        dialog.local_sdp = sdp
        transaction.respond(200, dialog.contact_line() + dialog.endpoint.about + _SDP, sdp)
        dialog.await_ack(transaction, self._seq, early=False)

    def decline(self, code: int) -> None:
        """Refuse; what was agreed before holds."""
        transaction, self._theirs = self._theirs, None
        if transaction is not None:
            self._dialog.negotiate(n.ROLL_BACK)
            transaction.respond(code)

    def on_cancel(self) -> None:
        """They took their offer back."""
        self.decline(487)

    def on_ack(self, request: Request) -> None:
        """The ACK of our 200; after an offer of ours it brings the answer."""
        dialog = self._dialog
        if dialog.negotiation != n.LOCAL_OFFER:
            return
        dialog.negotiate(n.RECEIVE_ANSWER if request.body else n.ROLL_BACK)
        dialog.remote_sdp = request.body or dialog.remote_sdp
        dialog.endpoint.emit(Reanswered(dialog, request.body or None))

    def stop(self) -> None:
        """The dialog is over; an offer of theirs that still waits gets 487 (RFC 3261 section 15.1.2)."""
        self.decline(487)
        self._dialog.endpoint.timers.cancel(self._retry_timer)
        self._retry_timer = None

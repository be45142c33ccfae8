"""Changes of the media that the far end asks for: by re-INVITE, UPDATE or PRACK (RFC 3261 section 14.2,
RFC 3311 section 5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.admission import check_body
from engine.sip.errors import RemoteFault
from engine.sip.events import Reanswered, Reoffered
from engine.sip.message import Request
from engine.sip.server import InviteServer, ServerTransaction
from engine.sip.session_timer import Asked, asked_in

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog

_SDP = "Content-Type: application/sdp\r\n"
_UPDATABLE = (s.INVITED, s.ACCEPTED, s.RINGING, s.CONFIRMED)


class Proposed:
    """What the far end asks of one dialog: one thing at a time."""

    __slots__ = ("_asked", "_dialog", "_seq", "_transaction")

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self._transaction: ServerTransaction | None = None
        self._asked: Asked | None = None
        self._seq = 0

    @property
    def open(self) -> bool:
        """True while an offer of theirs waits for our answer."""
        return self._transaction is not None

    def on_invite(self, transaction: ServerTransaction, request: Request) -> None:
        """A re-INVITE came. Raises RemoteFault."""
        dialog = self._dialog
        if self._transaction is not None:
            _later(transaction)
        elif dialog.state != s.CONFIRMED or dialog.unacked or dialog.negotiation != n.STABLE:
            transaction.respond(491)
        else:
            self._asked = asked_in(request, dialog.endpoint.session_interval.least)
            transaction.user = self
            transaction.respond(100)
            self._take(transaction, request)

    def on_update(self, transaction: ServerTransaction, request: Request) -> None:
        """An UPDATE came. Raises RemoteFault."""
        dialog = self._dialog
        if dialog.state not in _UPDATABLE:
            raise RemoteFault("UPDATE of a call that is over", 481)
        if self._transaction is not None:
            _later(transaction)
            return
        asked = asked_in(request, dialog.endpoint.session_interval.least)
        if not request.body:
            dialog.refresh_target(request)
            transaction.respond(200, self._lines(asked))
            return
        check_body(request)
        refusal = n.GLARE.get(dialog.negotiation)
        if refusal == 491:
            transaction.respond(491)
        elif refusal == 500 or dialog.local_sdp is None or dialog.remote_sdp is None:
            _later(transaction)
        else:
            self._asked = asked
            self._take(transaction, request)

    def on_prack(self, transaction: ServerTransaction, request: Request) -> None:
        """A PRACK with an offer of its own. Raises RemoteFault."""
        check_body(request)
        self._asked = None
        self._take(transaction, request)

    def _take(self, transaction: ServerTransaction, request: Request) -> None:
        dialog = self._dialog
        self._transaction, self._seq = transaction, request.cseq
        if self._asked is not None:
            dialog.refresh_target(request)
        if request.body:
            dialog.negotiate(n.RECEIVE_OFFER)
            dialog.remote_sdp = request.body
        dialog.endpoint.emit(Reoffered(dialog, request.body or None))

    def _lines(self, asked: Asked | None) -> str:
        """The header lines of a 2xx. Before the call is answered there is no session to be timed."""
        if asked is None:
            return ""
        dialog = self._dialog
        timed = dialog.session.answer_lines(asked) if dialog.state == s.CONFIRMED else ""
        return dialog.contact_line() + dialog.endpoint.about + timed

    def answer(self, sdp: bytes) -> None:
        """Send the 200."""
        transaction, dialog = self._transaction, self._dialog
        if transaction is None:
            return
        self._transaction = None
        dialog.negotiate(n.SEND_OFFER if dialog.negotiation == n.STABLE else n.SEND_ANSWER)
        dialog.local_sdp = sdp
        transaction.respond(200, self._lines(self._asked) + _SDP, sdp)
        if isinstance(transaction, InviteServer):
            dialog.await_ack(transaction, self._seq, early=False)

    def decline(self, code: int) -> None:
        """Refuse; what was agreed before holds."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self._dialog.negotiate(n.ROLL_BACK)
            transaction.respond(code)

    def on_cancel(self, request: Request) -> None:
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
        """The dialog is over; what still waits gets 487 (RFC 3261 section 15.1.2)."""
        self.decline(487)


def _later(transaction: ServerTransaction) -> None:
    """Two changes of theirs at once: 500, and when to come back."""
    transaction.respond(500, f"Retry-After: {1 + crc32(transaction.tag.encode()) % 10}\r\n")

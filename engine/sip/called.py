"""The life of an INVITE that came in, until it is answered or refused (RFC 3261 section 13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.dialog import Dialog
from engine.sip.errors import RemoteFault
from engine.sip.events import Cancelled, Reanswered
from engine.sip.message import Request
from engine.sip.reliable import Reliable
from engine.sip.server import ServerTransaction
from engine.sip.session_timer import Asked
from engine.sip.uri import parse_uri

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint

_SDP = "Content-Type: application/sdp\r\n"


class Called:
    """The called side of one dialog."""

    __slots__ = (
        "_asked",
        "_dialog",
        "_pending",
        "_record",
        "_reliable",
        "_required",
        "_said",
        "_seq",
        "_supported",
        "_transaction",
    )

    def __init__(
        self, dialog: Dialog, transaction: ServerTransaction, request: Request, asked: Asked
    ) -> None:
        self._dialog, self._transaction, self._seq = dialog, transaction, request.cseq
        self._record = "".join(f"Record-Route: {route}\r\n" for route in request.all("record-route"))
        self._asked = asked
        headers = request.headers
        self._required = "require" in headers and "100rel" in headers["require"].lower()
        self._supported = self._required or "100rel" in headers.get("supported", "").lower()
        self._reliable: Reliable | None = None
        self._pending = False
        self._said = False
        """True once SDP of ours stood in a response that holds."""
        transaction.user = self

    @property
    def unanswered(self) -> bool:
        """True while no final response was sent: not even when `accept` waits for a PRACK."""
        return self._dialog.state == s.INVITED or self._pending

    @property
    def rings_with_offer(self) -> bool:
        """True when the first provisional response must bring our offer (RFC 3262 section 5)."""
        dialog = self._dialog
        return self._required and dialog.negotiation == n.STABLE and dialog.local_sdp is None

    def provisional(self, code: int, sdp: bytes) -> None:
        """Send 180 or 183; reliably when the peer requires it, or supports it and SDP is in it."""
        dialog = self._dialog
        if self._said and sdp == dialog.local_sdp:
            sdp = b""
        if self._required and not sdp and self.rings_with_offer:
            return
        reliably = self._required or bool(sdp and self._supported)
        lines = self._record + dialog.contact_line()
        if sdp:
            dialog.negotiate(n.sent_in(n.RELIABLE if reliably else n.UNRELIABLE, dialog.negotiation))
            dialog.local_sdp = sdp
            lines += _SDP
        if reliably:
            self._said = self._said or bool(sdp)
            self._reliably().send(code, lines + dialog.endpoint.about, sdp)
        else:
            self._transaction.respond(code, lines, sdp)

    def _reliably(self) -> Reliable:
        if self._reliable is None:
            self._reliable = Reliable(self._dialog.endpoint, self._transaction, self._seq, self._on_no_prack)
        return self._reliable

    def accept(self, sdp: bytes) -> None:
        """Send the 200 and wait for its ACK; a 183 with SDP that waits for its PRACK comes first.

        `sdp` is left out when the answer stood in a reliable response before (RFC 6337 section 3.1.1).
        """
        dialog, reliable = self._dialog, self._reliable
        if self._said:
            sdp = b""
        else:
            dialog.negotiate(n.sent_in(n.SUCCESS, dialog.negotiation))
            dialog.local_sdp = sdp
        if reliable is not None and reliable.holds_description:
            self._pending = True
        else:
            self._succeed(sdp)

    def _succeed(self, sdp: bytes) -> None:
        dialog = self._dialog
        self._pending = False
        if self._reliable is not None:
            self._reliable.stop()
        lines = (
            f"{self._record}{dialog.contact_line()}{dialog.endpoint.about}"
            f"{dialog.session.answer_lines(self._asked)}{_SDP if sdp else ''}"
        )
        self._transaction.respond(200, lines, sdp)
        dialog.await_ack(self._transaction, self._seq, early=True)

    def refuse(self, code: int, reason: str | None, lines: str) -> None:
        """Send a final refusal."""
        self._pending = False
        self._dialog.finish()
        self._transaction.respond(code, lines, b"", reason)

    def stop(self) -> None:
        """The dialog is over."""
        if self._reliable is not None:
            self._reliable.stop()

    def on_prack(self, transaction: ServerTransaction, request: Request) -> None:
        """A PRACK, perhaps with the answer to our offer or with an offer. Raises RemoteFault."""
        dialog = self._dialog
        if self._reliable is None:
            raise RemoteFault("PRACK of nothing that was sent reliably", 481)
        self._reliable.take(request)
        if request.body and dialog.negotiation == n.STABLE:
            dialog.proposed.on_prack(transaction, request)
        else:
            transaction.respond(200)
            if request.body and dialog.negotiation == n.LOCAL_OFFER:
                dialog.negotiate(n.RECEIVE_ANSWER)
                dialog.remote_sdp = request.body
                dialog.endpoint.emit(Reanswered(dialog, request.body))
        self._go_on()

    def _go_on(self) -> None:
        assert self._reliable is not None, "only after a PRACK"
        if self._pending and not self._reliable.holds_description:
            self._succeed(b"")
        elif self._dialog.state == s.INVITED or self._pending:
            self._reliable.resume()

    def _on_no_prack(self) -> None:
        """64*T1 went by (RFC 3262 section 3)."""
        if not self.unanswered:
            return
        told = self._dialog.state != s.CLOSING
        self.refuse(504, None, "")
        if told:
            self._dialog.endpoint.emit(Cancelled(self._dialog, "no PRACK"))

    def on_cancel(self, request: Request) -> None:
        """The caller gave up; too late once a final response was sent."""
        self.give_up("CANCEL", request)

    def give_up(self, cause: str, request: Request) -> None:
        """Answer the INVITE with 487 because of that request, if nothing else answered it."""
        if self.unanswered:
            told = self._dialog.state != s.CLOSING
            self.refuse(487, None, "")
            if told:
                self._dialog.endpoint.emit(Cancelled(self._dialog, cause, request))

    def on_ack(self, request: Request) -> None:
        """An ACK that carries the INVITE's branch."""
        self._dialog.on_ack(request)


def called_dialog(
    endpoint: Endpoint, transaction: ServerTransaction, request: Request, asked: Asked
) -> Dialog:
    """The dialog that an INVITE of a new call begins. Raises BadUri."""
    dialog = Dialog(
        endpoint,
        outgoing=False,
        call_id=request.call_id,
        local_tag=transaction.tag,
        sender=f"{request.headers['to'].strip()};tag={transaction.tag}",
        peer=request.headers["from"].strip(),
        home=request.flow,
    )
    dialog.remote_tag, dialog.remote_seq = request.from_tag, request.cseq
    dialog.called = parse_uri(request.uri).user
    dialog.routes = tuple(request.all("record-route"))
    if "contact" not in request.headers:
        dialog.target = dialog.remote_uri
    dialog.refresh_target(request)
    if request.body:
        dialog.negotiate(n.RECEIVE_OFFER)
    dialog.begin_called(Called(dialog, transaction, request, asked))
    return dialog

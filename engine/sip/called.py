"""The life of an INVITE that came in, until it is answered or refused (RFC 3261 section 13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.dialog import Dialog
from engine.sip.events import Cancelled
from engine.sip.message import Request
from engine.sip.server import ServerTransaction
from engine.sip.uri import parse_uri

if TYPE_CHECKING:
    from engine.sip.endpoint import Endpoint


class Called:
    """The called side of one dialog."""

    __slots__ = ("_about", "_dialog", "_record", "_seq", "_transaction")

    def __init__(self, dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
        self._dialog, self._transaction, self._seq = dialog, transaction, request.cseq
        self._record = "".join(f"Record-Route: {route}\r\n" for route in request.all("record-route"))
        self._about = dialog.endpoint.about
        transaction.user = self

    def provisional(self, code: int, sdp: bytes) -> None:
        """Send 180 or 183."""
        dialog = self._dialog
        lines = self._record + dialog.contact_line()
        if sdp:
            dialog.negotiate(n.SEND_PREVIEW)
            dialog.local_sdp = sdp
            lines += "Content-Type: application/sdp\r\n"
        self._transaction.respond(code, lines, sdp)

    def accept(self, sdp: bytes) -> None:
        """Send the 200 and wait for its ACK."""
        dialog = self._dialog
        dialog.negotiate(n.SEND_OFFER if dialog.negotiation == n.STABLE else n.SEND_ANSWER)
        dialog.local_sdp = sdp
        lines = f"{self._record}{dialog.contact_line()}{self._about}Content-Type: application/sdp\r\n"
        self._transaction.respond(200, lines, sdp)
        dialog.await_ack(self._transaction, self._seq, early=True)

    def refuse(self, code: int, reason: str | None, lines: str) -> None:
        """Send a final refusal."""
        self._dialog.finish()
        self._transaction.respond(code, lines, b"", reason)

    def on_cancel(self) -> None:
        """The caller gave up; too late once a final response was sent."""
        if self._dialog.state == s.INVITED:
            self.refuse(487, None, "")
            self._dialog.endpoint.emit(Cancelled(self._dialog))

    def on_ack(self, request: Request) -> None:
        """An ACK that carries the INVITE's branch."""
        self._dialog.on_ack(request)


def called_dialog(endpoint: Endpoint, transaction: ServerTransaction, request: Request) -> Dialog:
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
    dialog.begin_called(Called(dialog, transaction, request))
    return dialog

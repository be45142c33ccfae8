"""Requests that arrive within a dialog (RFC 3261 section 12.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.sip import dialog_states as s
from engine.sip.admission import check_body, check_require
from engine.sip.endpoint import ALLOWED
from engine.sip.errors import RemoteFault
from engine.sip.events import Informed, Refused
from engine.sip.message import Request
from engine.sip.server import ServerTransaction
from engine.sip.writing import header_lines

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog


def answer_inside(dialog: Dialog, request: Request) -> None:
    """Order, extensions, then the method's own doing; a fault of the far end is replied to."""
    endpoint = dialog.endpoint
    transaction = endpoint.serve(request)
    try:
        if request.cseq < dialog.remote_seq:
            raise RemoteFault(f"CSeq {request.cseq} after {dialog.remote_seq}", 500)
        dialog.remote_seq = request.cseq
        check_require(request)
        _METHODS.get(request.method, _not_allowed)(dialog, transaction, request)
    except RemoteFault as fault:
        transaction.respond(fault.code, header_lines(fault.headers))
        endpoint.emit(Refused(request.flow, fault.code, fault.why))


def _bye(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    if dialog.state in (s.CALLING, s.RINGING, s.CANCELLING):
        raise RemoteFault("BYE from the called side before it answered", 481)
    dialog.on_bye(transaction, request)


def _invite(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    check_body(request)
    dialog.reinvites.receive(transaction, request)


def _refer(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    _confirmed(dialog)
    dialog.transfers.on_refer(transaction, request)


def _notify(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    dialog.transfers.on_notify(transaction, request)


def _info(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    transaction.respond(200)
    dialog.endpoint.emit(Informed(dialog, request.content_type, request.body))


def _options(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    transaction.respond(200, f"Accept: application/sdp\r\n{dialog.endpoint.about}")


def _not_allowed(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    raise RemoteFault(f"{request.method[:20]} within a call", 405, (("Allow", ALLOWED),))


def _confirmed(dialog: Dialog) -> None:
    if dialog.state != s.CONFIRMED:
        raise RemoteFault("the call is not answered yet", 403)


_METHODS = {
    "BYE": _bye,
    "INVITE": _invite,
    "REFER": _refer,
    "NOTIFY": _notify,
    "INFO": _info,
    "OPTIONS": _options,
}

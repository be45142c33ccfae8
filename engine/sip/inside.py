"""Requests that arrive within a dialog (RFC 3261 section 12.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.sip import dialog_states as s
from engine.sip.admission import check_body, check_require, check_text
from engine.sip.dtmf_info import TYPES, read_key
from engine.sip.errors import RemoteFault
from engine.sip.events import Informed, Messaged, Refused
from engine.sip.message import Request
from engine.sip.server import ServerTransaction
from engine.sip.writing import header_lines

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog

_PASSED = ("application/media_control+xml",)
"""INFO that means nothing to audio and is let pass: a request for a fresh video picture (RFC 5168)."""


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
    dialog.proposed.on_invite(transaction, request)


def _refer(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    _confirmed(dialog)
    dialog.transfers.on_refer(transaction, request)


def _notify(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    dialog.transfers.on_notify(transaction, request)


def _update(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    dialog.proposed.on_update(transaction, request)


def _prack(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    dialog.on_prack(transaction, request)


def _info(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    """Keys are looked at before the 200; an INFO without a body asks for nothing (RFC 2976)."""
    kind, key = request.content_type, None
    if kind in TYPES:
        key = read_key(kind, request.body)
    elif "info-package" in request.headers:
        raise RemoteFault("an Info-Package that was not agreed on", 469, (("Recv-Info", ""),))
    elif request.body and kind not in _PASSED:
        raise RemoteFault(f"INFO of type {kind[:40]!r}", 415, (("Accept", ", ".join((*TYPES, *_PASSED))),))
    transaction.respond(200)
    dialog.endpoint.emit(Informed(dialog, kind, request.body, key))


def _message(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    check_text(request, dialog.endpoint)
    transaction.respond(202)
    dialog.endpoint.emit(Messaged(None, request, request.content_type, request.body, dialog))


def _options(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    transaction.respond(200, f"Accept: application/sdp\r\n{dialog.endpoint.about}")


def _not_allowed(dialog: Dialog, transaction: ServerTransaction, request: Request) -> None:
    raise RemoteFault(f"{request.method[:20]} within a call", 405, (("Allow", dialog.endpoint.allowed),))


def _confirmed(dialog: Dialog) -> None:
    if dialog.state != s.CONFIRMED:
        raise RemoteFault("the call is not answered yet", 403)


_METHODS = {
    "BYE": _bye,
    "INVITE": _invite,
    "REFER": _refer,
    "NOTIFY": _notify,
    "INFO": _info,
    "UPDATE": _update,
    "PRACK": _prack,
    "MESSAGE": _message,
    "OPTIONS": _options,
}

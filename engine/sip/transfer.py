"""REFER within a call, both ways, and the NOTIFYs that tell how it goes (RFC 3515)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.sip.errors import RemoteFault
from engine.sip.events import Notified, Referred
from engine.sip.header import param
from engine.sip.message import Request, Response
from engine.sip.refer import Replaces, parse_refer_to
from engine.sip.server import ServerTransaction

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.endpoint import Endpoint

LIFE = 180
"""Seconds that we let a transfer's subscription live."""


class Transfers:
    """The REFERs of one dialog."""

    __slots__ = ("_dialog", "_event", "_received")

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self._received = 0
        self._event = "refer"

    def refer(self, refer_to: str) -> None:
        """Ask the far end to call somebody else."""
        dialog = self._dialog
        lines = f"{dialog.contact_line()}Refer-To: {refer_to}\r\n"
        dialog.send("REFER", self._on_outcome, lines)

    def _on_outcome(self, response: Response | None) -> None:
        if response is not None and response.code < 300:
            return
        code, reason = (response.code, response.reason) if response else (408, "Request Timeout")
        self._dialog.endpoint.emit(Notified(self._dialog, f"SIP/2.0 {code} {reason}", True))

    def on_refer(self, transaction: ServerTransaction, request: Request) -> None:
        """The far end asks us. Raises RemoteFault."""
        values = request.all("refer-to")
        if len(values) != 1:
            raise RemoteFault("REFER needs exactly one Refer-To")
        wanted = parse_refer_to(values[0])
        dialog = self._dialog
        self._received += 1
        self._event = "refer" if self._received == 1 else f"refer;id={request.cseq}"
        transaction.respond(202, dialog.contact_line())
        self.notify("SIP/2.0 100 Trying", False)
        joined = find_replaced(dialog.endpoint, wanted.replaces) if wanted.replaces else None
        dialog.endpoint.emit(Referred(dialog, wanted.uri, joined, wanted.replaces))

    def notify(self, fragment: str, final: bool) -> None:
        """Tell the far end how its transfer gets on."""
        dialog = self._dialog
        status = "terminated;reason=noresource" if final else f"active;expires={LIFE}"
        lines = (
            f"{dialog.contact_line()}Event: {self._event}\r\nSubscription-State: {status}\r\n"
            "Content-Type: message/sipfrag;version=2.0\r\n"
        )
        dialog.send("NOTIFY", lambda response: None, lines, (fragment + "\r\n").encode("utf-8", "replace"))

    def on_notify(self, transaction: ServerTransaction, request: Request) -> None:
        """The far end tells us. Raises RemoteFault (489) for what we did not subscribe to."""
        if request.get("event").partition(";")[0].strip().lower() != "refer":
            raise RemoteFault("NOTIFY of an event we did not ask for; allowed is refer", 489)
        transaction.respond(200)
        status = request.get("subscription-state")
        lines = request.body.decode("utf-8", "replace").splitlines()
        ended = status.lower().startswith("terminated") or param(";" + status, "expires") == "0"
        self._dialog.endpoint.emit(Notified(self._dialog, lines[0] if lines else "", ended))


def find_replaced(endpoint: Endpoint, named: Replaces) -> Dialog | None:
    """The dialog of ours that a Replaces names (RFC 3891 section 3)."""
    dialog = endpoint.dialogs.get((named.call_id, named.to_tag))
    return dialog if dialog is not None and dialog.remote_tag == named.from_tag else None

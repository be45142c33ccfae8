"""Acknowledging the reliable provisional responses of others (RFC 3262 section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.sip.errors import BadMessage
from engine.sip.header import number
from engine.sip.message import Response

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog

MOST = 0xFFFFFFFF


def is_reliable(response: Response) -> bool:
    """True for a provisional response that wants a PRACK."""
    return "rseq" in response.headers and "100rel" in response.headers.get("require", "").lower()


class Pracks:
    """Which responses to the INVITEs of one dialog were taken, in each fork."""

    __slots__ = ("_dialog", "_seen")

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self._seen: dict[tuple[str, int], int] = {}

    def take(self, response: Response) -> str:
        """The RAck that the response wants; "" for one to be dropped: repeated, out of order or unreadable."""
        try:
            rseq = number(response.get("rseq"), MOST, "RSeq")
        except BadMessage:
            return ""
        key = response.to_tag, response.cseq
        last = self._seen.get(key)
        if last is not None and rseq != last + 1:
            return ""
        self._seen[key] = rseq
        return f"{rseq} {response.cseq} INVITE"

    def send(self, rack: str, sdp: bytes = b"") -> None:
        """Send the PRACK; the dialog must be that of the response's fork."""
        typed = "Content-Type: application/sdp\r\n" if sdp else ""
        self._dialog.send("PRACK", lambda response: None, f"RAck: {rack}\r\n{typed}", sdp)

"""Changes of the media that we ask for, and our refreshes of the session: by re-INVITE or UPDATE, with their
glare (RFC 3261 section 14.1, RFC 3311 section 5.1, RFC 4028 section 7.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.auth import Responder
from engine.sip.errors import BadMessage, IllegalTransition
from engine.sip.events import Ended, Reanswered
from engine.sip.flow import Flow
from engine.sip.header import number
from engine.sip.message import Response
from engine.sip.prack import Pracks, is_reliable
from engine.sip.session_timer import min_se_of
from engine.sip.transaction import LIFE, ClientTransaction, InviteClient
from engine.sip.writing import Draft

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.timers import Timer

_SDP: Final = "Content-Type: application/sdp\r\n"
TRIES: Final = 5
"""Attempts at one change that meets glare, or is asked to come later."""


class Proposing:
    """What we ask of one dialog: one thing at a time."""

    __slots__ = (
        "_acks",
        "_dialog",
        "_draft",
        "_early_answer",
        "_method",
        "_offer",
        "_pracks",
        "_quiet",
        "_responder",
        "_retry_timer",
        "_tries",
    )

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self._method = "INVITE"
        self._offer = self._early_answer = b""
        self._quiet = False
        self._tries = 0
        self._draft: Draft | None = None
        self._responder: Responder | None = None
        self._pracks: Pracks | None = None
        self._acks: dict[int, tuple[bytes, Flow]] = {}
        self._retry_timer: Timer | None = None

    @property
    def busy(self) -> bool:
        """True while a change or refresh of ours waits for its outcome, or to be tried again."""
        return self._draft is not None or self._retry_timer is not None

    def offer(self, sdp: bytes) -> None:
        """Ask for a change: by re-INVITE, before the call is answered by UPDATE. Raises IllegalTransition while
        another change is under way, and where UPDATE is not possible yet, or not for this peer.
        """
        dialog = self._dialog
        if self.busy or dialog.unsettled:
            raise IllegalTransition("offer/answer", "change under way", n.SEND_OFFER)
        answered = dialog.state == s.CONFIRMED
        agreed = dialog.local_sdp is not None and dialog.remote_sdp is not None
        if not answered and not (agreed and dialog.allows_update):
            raise IllegalTransition("dialog", dialog.state, "send UPDATE")
        self._begin("INVITE" if answered else "UPDATE", sdp, quiet=False)

    def refresh(self) -> None:
        """Refresh the session, by UPDATE if they allow it; let pass while a change is under way, which is
        a refresh too.
        """
        dialog = self._dialog
        idle = not self.busy and not dialog.unsettled and dialog.negotiation == n.STABLE
        if not idle or dialog.state != s.CONFIRMED:
            return
        if dialog.allows_update:
            self._begin("UPDATE", b"", quiet=True)
        elif dialog.local_sdp is not None:
            self._begin("INVITE", dialog.local_sdp, quiet=True)

    def _begin(self, method: str, offer: bytes, quiet: bool) -> None:
        dialog = self._dialog
        self._method, self._offer, self._quiet, self._tries = method, offer, quiet, 0
        self._responder = Responder(dialog.credentials) if dialog.credentials else None
        self._send()

    def _send(self) -> None:
        """As a new attempt, which is an offer made anew if there is one."""
        if self._offer:
            self._dialog.negotiate(n.SEND_OFFER)
        self._tries += 1
        self._transmit("")

    def _transmit(self, more: str) -> None:
        dialog, offer = self._dialog, self._offer
        timed = dialog.session.request_lines() if dialog.state == s.CONFIRMED else ""
        lines = f"{dialog.contact_line()}{dialog.endpoint.about}{timed}{_SDP if offer else ''}{more}"
        self._early_answer = b""
        self._draft = dialog.draft(self._method, lines, offer)
        dialog.endpoint.start(self._draft, dialog.flow, self)

    # -- the outcome

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """Any response to a change or refresh of ours."""
        if response.code < 200:
            self._on_provisional(transaction, response)
        elif response.code < 300:
            self._on_success(transaction, response)
        else:
            self._draft = None
            if self._dialog.state != s.ENDED:
                self._on_refusal(transaction.draft, response)

    def on_failure(self, transaction: ClientTransaction, code: int, why: str) -> None:
        """Silence: the call is over (RFC 3261 section 12.2.1.2)."""
        self._draft = None
        self._give_up_call("unreachable")

    def _on_provisional(self, transaction: ClientTransaction, response: Response) -> None:
        if isinstance(transaction, InviteClient):
            transaction.expire_in(LIFE)  # no person decides here: a peer that falls silent is gone
            if is_reliable(response) and self._dialog.state == s.CONFIRMED:
                self._pracks = self._pracks or Pracks(self._dialog)
                rack = self._pracks.take(response)
                if rack:
                    self._early_answer = response.body or self._early_answer
                    self._pracks.send(rack)

    def _on_success(self, transaction: ClientTransaction, response: Response) -> None:
        dialog, seq = self._dialog, transaction.draft.seq
        if transaction.draft.method == "INVITE" and not self._acknowledge(seq, response):
            return
        self._draft = None
        if dialog.state == s.ENDED:
            return
        dialog.refresh_target(response)
        if dialog.state == s.CONFIRMED:
            dialog.session.agree(response)
        if self._offer:
            self._settle(response.body or self._early_answer)

    def _acknowledge(self, seq: int, response: Response) -> bool:
        """ACK a 2xx; False for one that came before."""
        dialog = self._dialog
        known = self._acks.get(seq)
        if known is not None:
            dialog.endpoint.send(*known)
            return False
        dialog.refresh_target(response)
        lines = self._responder.lines() if self._responder else ""
        self._acks = {seq: dialog.endpoint.send_ack(dialog.draft("ACK", lines, seq=seq), dialog.flow)}
        return True

    def _settle(self, answer: bytes) -> None:
        dialog = self._dialog
        dialog.negotiate(n.RECEIVE_ANSWER)
        dialog.local_sdp = self._offer
        moved = bool(answer) and answer != dialog.remote_sdp
        dialog.remote_sdp = answer or dialog.remote_sdp
        if moved or not self._quiet:
            dialog.endpoint.emit(Reanswered(dialog, answer or None))

    def _on_refusal(self, draft: Draft, response: Response) -> None:
        dialog, code = self._dialog, response.code
        if code in (401, 407) and self._authorize(draft, response):
            return
        if code == 422 and dialog.session.lengthen(min_se_of(response)):
            self._transmit(self._responder.lines() if self._responder else "")
            return
        if code in (408, 481) and dialog.state == s.CONFIRMED:
            self._give_up_call("refresh refused")
            return
        if self._offer:
            dialog.negotiate(n.ROLL_BACK)
        pause = self._pause(response)
        if pause is not None and self._tries < TRIES:
            self._retry_timer = dialog.endpoint.after(pause, self._retry)
        elif not self._quiet:
            dialog.endpoint.emit(Reanswered(dialog, None, code))
        elif self._method == "UPDATE":
            dialog.allows_update = False  # whatever their Allow says
            self.refresh()

    def _authorize(self, draft: Draft, response: Response) -> bool:
        if self._responder is None:
            return False
        lines = self._responder.answer(
            response, draft.uri, draft.method, draft.body, self._dialog.endpoint.token()
        )
        if lines:
            self._transmit(lines)
        return bool(lines)

    def _pause(self, response: Response) -> float | None:
        """Seconds to wait before the next attempt; None when there is none.

        After a glare 2.1..4 for the owner of the Call-ID, else 0..2 (RFC 3261 section 14.1).
        """
        if response.code == 500 and "retry-after" in response.headers:
            try:
                return float(number(response.get("retry-after").split()[0], 10))
            except (BadMessage, IndexError):
                return None
        if response.code != 491:
            return None
        chance = crc32(self._dialog.endpoint.token().encode())
        return 2.1 + chance % 191 / 100 if self._dialog.outgoing else chance % 201 / 100

    def _retry(self) -> None:
        self._retry_timer = None
        dialog = self._dialog
        if dialog.unsettled or dialog.negotiation != n.STABLE:
            self._retry_timer = dialog.endpoint.after(2.0, self._retry)
        else:
            self._send()

    def _give_up_call(self, cause: str) -> None:
        if self._dialog.state == s.CONFIRMED:
            self._dialog.bye()
            self._dialog.endpoint.emit(Ended(self._dialog, cause))

    def stop(self) -> None:
        """The dialog is over."""
        self._dialog.endpoint.timers.cancel(self._retry_timer)
        self._retry_timer = None

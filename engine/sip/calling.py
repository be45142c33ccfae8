"""The life of an INVITE of ours, until it is answered or fails (RFC 3261 sections 13.2 and 9.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.auth import Responder
from engine.sip.errors import BadUri
from engine.sip.events import Answered, EarlyMedia, Event, Failed, Ringing
from engine.sip.flow import Flow
from engine.sip.header import params
from engine.sip.message import Response
from engine.sip.request_user import Nobody
from engine.sip.targets import retry_after
from engine.sip.transaction import LIFE, ClientTransaction, InviteClient
from engine.sip.uri import parse_name_addr
from engine.sip.writing import Draft, reason_of

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.timers import Timer

TIMER_C: Final = 185.0
"""Seconds without a provisional response after which a ringing call is given up (RFC 3261 section 16.8)."""


class Calling:
    """The calling side of one dialog, forks included."""

    __slots__ = (
        "_acks",
        "_dialog",
        "_draft",
        "_flow",
        "_given_up",
        "_others",
        "_previews",
        "_provisional_seen",
        "_responder",
        "_ring_until",
        "_timer",
        "_transaction",
        "_withdrawn",
    )

    _transaction: ClientTransaction

    def __init__(self, dialog: Dialog, draft: Draft, flow: Flow, others: Sequence[Flow] = ()) -> None:
        """`others`: where else the INVITE may go, in order, when nobody serves it at `flow`."""
        self._dialog, self._draft, self._flow, self._others = dialog, draft, flow, others
        self._acks: dict[str, tuple[bytes, Flow]] = {}
        self._previews: dict[str, bytes] = {}
        self._responder = Responder(dialog.credentials) if dialog.credentials else None
        self._provisional_seen = False
        self._given_up = 0
        self._ring_until = 0.0
        self._timer: Timer | None = None
        self._withdrawn: set[str] = set()
        """Branches of what was cancelled because it went to another target meanwhile."""

    def start(self) -> None:
        """Send the INVITE."""
        self._begin(self._draft)

    def _begin(self, draft: Draft) -> None:
        self._provisional_seen = False
        self._dialog.local_seq = draft.seq
        self._transaction = self._dialog.endpoint.start(draft, self._flow, self, self._others)

    def _next_target(self, response: Response | None = None) -> bool:
        """The same INVITE to another target, while there is one."""
        failed = self._transaction
        endpoint = self._dialog.endpoint
        following = None if self._given_up else endpoint.next_target(failed, self, retry_after(response))
        if following is not None:
            self._provisional_seen = False
            self._transaction = following
        return following is not None

    def cancel(self) -> None:
        """Give up: CANCEL at once, or when the first provisional response allows it."""
        if not self._given_up:
            self._given_up = 487
            if self._provisional_seen:
                self._send_cancel()

    def _send_cancel(self) -> None:
        self._cancel(self._transaction)

    def _cancel(self, transaction: ClientTransaction) -> None:
        self._dialog.endpoint.start(transaction.draft.cancel(), transaction.flow, Nobody())
        if isinstance(transaction, InviteClient):
            transaction.expire_in(LIFE)

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """Any response to the INVITE."""
        if transaction is not self._transaction:
            self._on_late(transaction, response)
        elif response.code < 200:
            self._on_provisional(response)
        elif response.code < 300:
            self._on_success(response)
        else:
            self._on_refusal(response)

    def on_failure(self, transaction: ClientTransaction, code: int, why: str) -> None:
        """Silence, or a peer that cannot be reached."""
        if transaction is self._transaction and not self._next_target():
            self._fail(self._given_up or code, why, None)

    def _on_late(self, transaction: ClientTransaction, response: Response) -> None:
        """A target that was silent for so long that the call went to another: it is to end there."""
        known = self._acks.get(response.to_tag)
        if response.code < 200:
            self._withdraw(transaction)
        elif response.code < 300 and known is not None:
            self._dialog.endpoint.send(*known)
        elif response.code < 300:
            self._lost(response)

    def _withdraw(self, transaction: ClientTransaction) -> None:
        if transaction.draft.branch not in self._withdrawn:
            self._withdrawn.add(transaction.draft.branch)
            self._cancel(transaction)

    # -- provisional

    def _on_provisional(self, response: Response) -> None:
        first, self._provisional_seen = not self._provisional_seen, True
        if self._given_up:
            if first:
                self._send_cancel()
            return
        self._wind_timer_c()
        if response.code > 100 and self._dialog.state in (s.CALLING, s.RINGING):
            self._ringing(response)

    def _ringing(self, response: Response) -> None:
        dialog = self._dialog
        dialog.state = s.RINGING
        dialog.remote_tag, dialog.peer = response.to_tag, response.headers["to"].strip()
        if not response.body or response.content_type != "application/sdp":
            dialog.endpoint.emit(Ringing(dialog, response.code))
            return
        dialog.negotiate(n.RECEIVE_PREVIEW)
        self._previews[response.to_tag] = dialog.remote_sdp = response.body
        dialog.endpoint.emit(EarlyMedia(dialog, response.code, response.body))

    def _wind_timer_c(self) -> None:
        endpoint = self._dialog.endpoint
        self._ring_until = endpoint.now + TIMER_C
        if self._timer is None:
            self._timer = endpoint.after(TIMER_C, self._on_timer_c)

    def _on_timer_c(self) -> None:
        endpoint = self._dialog.endpoint
        self._timer = None
        if self._ring_until > endpoint.now + 0.001:
            self._timer = endpoint.timers.at(self._ring_until, self._on_timer_c)
            return
        self._dialog.state = s.CANCELLING
        self._given_up = 408
        self._send_cancel()

    # -- success

    def _on_success(self, response: Response) -> None:
        known = self._acks.get(response.to_tag)
        if known is not None:
            self._dialog.endpoint.send(*known)
        elif self._dialog.state in (s.CALLING, s.RINGING):
            self._won(response)
        elif self._dialog.state == s.CANCELLING:
            self._crossed(response)
        else:
            self._lost(response)

    def _won(self, response: Response) -> None:
        dialog = self._dialog
        self._stop_timer()
        dialog.confirm(response)
        dialog.state = s.CONFIRMED
        sdp = response.body or self._previews.get(response.to_tag)
        if sdp is not None:
            dialog.negotiate(n.RECEIVE_ANSWER)
            dialog.remote_sdp = sdp
        self._acknowledge(dialog)
        dialog.endpoint.emit(Answered(dialog, sdp))

    def _crossed(self, response: Response) -> None:
        """A 200 crossed our CANCEL: it is a call now, and is cleared as one."""
        self._dialog.confirm(response)
        self._acknowledge(self._dialog)
        self._dialog.bye()
        self._report(Failed(self._dialog, self._given_up, "answered after the call was given up", response))

    def _lost(self, response: Response) -> None:
        """Another fork was answered as well: ACK and BYE, unheard by the engine (RFC 3261 section
        13.2.2.4).
        """
        fork = self._dialog.fork(response)
        self._acknowledge(fork)
        fork.bye()

    def _acknowledge(self, dialog: Dialog) -> None:
        lines = self._responder.lines() if self._responder else ""
        draft = dialog.draft("ACK", lines, seq=self._transaction.draft.seq)
        self._acks[dialog.remote_tag] = dialog.endpoint.send_ack(draft, dialog.flow)

    # -- failure

    def _on_refusal(self, response: Response) -> None:
        if response.code in (401, 407) and not self._given_up and self._retry(response):
            return
        if response.code == 503 and self._next_target(response):
            return
        self._fail(response.code if self._given_up != 408 else 408, response.reason, response)

    def _retry(self, response: Response) -> bool:
        if self._responder is None:
            return False
        first = self._draft
        lines = self._responder.answer(
            response, first.uri, first.method, first.body, self._dialog.endpoint.token()
        )
        if lines:
            asked = self._transaction  # who asked for credentials gets them, whichever target it was
            self._flow, self._others = asked.flow, asked.others
            self._begin(first.again(self._dialog.local_seq + 1, lines))
        return bool(lines)

    def _fail(self, code: int, reason: str, response: Response | None) -> None:
        if self._dialog.state == s.ENDED:
            return
        self._dialog.finish()
        contacts = redirections(response) if response is not None and 300 <= response.code < 400 else ()
        self._report(Failed(self._dialog, code, reason or reason_of(code), response, contacts))

    def _report(self, event: Event) -> None:
        self._stop_timer()
        self._dialog.endpoint.emit(event)

    def _stop_timer(self) -> None:
        self._dialog.endpoint.timers.cancel(self._timer)
        self._timer = None


def redirections(response: Response) -> tuple[str, ...]:
    """Where a 3xx sends us, the most preferred first; contacts that cannot be read are left out."""
    found: list[tuple[float, str]] = []
    for value in response.all("contact"):
        try:
            contact = parse_name_addr(value)
        except BadUri:
            continue
        text = params(contact.params).get("q", "")
        plain = len(text) < 8 and text.isascii() and text.replace(".", "", 1).isdigit()
        found.append((-float(text) if plain else -1.0, contact.uri))
    return tuple(uri for _, uri in sorted(found, key=lambda pair: pair[0]))

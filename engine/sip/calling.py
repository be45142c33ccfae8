"""The life of an INVITE of ours, until it is answered or fails (RFC 3261 sections 13.2 and 9.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from engine.sip import dialog_states as s
from engine.sip import negotiation as n
from engine.sip.auth import Responder
from engine.sip.events import Answered, EarlyMedia, Event, Failed, Offered, Ringing
from engine.sip.flow import Flow
from engine.sip.forks import Forks, early_of, take
from engine.sip.message import Response
from engine.sip.prack import Pracks, is_reliable
from engine.sip.reason import ELSEWHERE
from engine.sip.redirects import Redirects, redirections
from engine.sip.request_user import Nobody
from engine.sip.session_timer import min_se_of
from engine.sip.targets import retry_after
from engine.sip.transaction import LIFE, ClientTransaction, InviteClient
from engine.sip.writing import Draft, header_lines, reason_of

if TYPE_CHECKING:
    from engine.sip.dialog import Dialog
    from engine.sip.timers import Timer

TIMER_C: Final = 185.0
"""Seconds without a provisional response after which a ringing call is given up (RFC 3261 section 16.8)."""
_SDP: Final = "Content-Type: application/sdp\r\n"
_ELSEWHERE: Final = header_lines((ELSEWHERE,))


class Calling:
    """The calling side of one dialog, forks included."""

    __slots__ = (
        "_acks",
        "_dialog",
        "_draft",
        "_flow",
        "_forks",
        "_given_up",
        "_others",
        "_owed",
        "_pracks",
        "_provisional_seen",
        "_redirects",
        "_responder",
        "_ring_until",
        "_timer",
        "_transaction",
        "_withdrawn",
    )

    _transaction: ClientTransaction

    def __init__(
        self,
        dialog: Dialog,
        draft: Draft,
        flow: Flow,
        others: Sequence[Flow] = (),
        redirects: Redirects | None = None,
    ) -> None:
        """`others`: where else the INVITE may go, in order, when nobody serves it at `flow`."""
        self._dialog, self._draft, self._redirects = dialog, draft, redirects
        self._flow, self._others = flow, others
        self._acks: dict[str, tuple[bytes, Flow]] = {}
        self._responder = Responder(dialog.credentials) if dialog.credentials else None
        self._provisional_seen = False
        self._given_up = 0
        self._ring_until = 0.0
        self._timer: Timer | None = None
        self._withdrawn: set[str] = set()
        """Branches of what was cancelled because it went to another target meanwhile."""
        self._pracks: Pracks | None = None
        self._forks: Forks | None = None
        self._owed: Response | str | None = None
        """The 200, or the RAck of the reliable response, whose offer waits for our answer."""

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
        cancel = transaction.draft.cancel()
        cancel.extra = self._dialog.closing_lines
        self._dialog.endpoint.start(cancel, transaction.flow, Nobody())
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
        if transaction is not self._transaction or self._next_target():
            return
        if self._given_up or not self._try_next():
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
        dialog, rack = self._dialog, ""
        if "rseq" in response.headers and is_reliable(response):
            if self._pracks is None:
                self._pracks = Pracks(dialog)
            rack = self._pracks.take(response)
            if not rack:
                return
        dialog.state = s.RINGING
        if response.to_tag != dialog.remote_tag:
            self.turn_to(response.to_tag, response.headers["to"].strip())
        if rack:
            dialog.confirm(response)
        sdp = response.body
        if sdp and response.content_type != "application/sdp":
            sdp = b""
        operation = self._carried(n.RELIABLE if rack else n.UNRELIABLE) if sdp else None
        if operation is not None:
            dialog.negotiate(operation)
            dialog.remote_sdp = sdp
        if operation == n.RECEIVE_OFFER:
            self._owed = rack
            dialog.endpoint.emit(Offered(dialog, sdp))
            return
        if rack and self._pracks is not None:
            self._pracks.send(rack)
        dialog.endpoint.emit(
            EarlyMedia(dialog, response.code, sdp) if operation else Ringing(dialog, response.code)
        )

    def turn_to(self, tag: str, peer: str | None = None) -> bool:
        """Give the fork with that To tag the floor; False for one that is unknown, unless `peer` is given."""
        dialog = self._dialog
        if tag == dialog.remote_tag:
            return True
        if peer is not None and not (dialog.remote_tag and tag):
            dialog.remote_tag, dialog.peer = tag or dialog.remote_tag, peer
            return True
        if self._forks is None:
            if peer is None or dialog.state not in (s.CALLING, s.RINGING, s.CANCELLING):
                return False
            fresh = early_of(dialog)._replace(
                target=self._draft.uri,
                routes=(),
                remote_seq=-1,
                allows_update=False,
                negotiation=n.LOCAL_OFFER if self._draft.body else n.STABLE,
                local_sdp=self._draft.body or None,
                remote_sdp=None,
            )
            self._forks = Forks(dialog, fresh)
        return self._forks.turn_to(tag, peer)

    def _carried(self, message: str) -> str | None:
        """What SDP in a response means now; None for what says nothing new."""
        dialog = self._dialog
        key = message, dialog.negotiation
        late = not self._draft.body and dialog.local_sdp is None
        return n.LATE.get(key) if late else n.CARRIED.get(key)

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
        elif not (isinstance(self._owed, Response) and self._owed.to_tag == response.to_tag):
            self._lost(response)

    def _won(self, response: Response) -> None:
        dialog = self._dialog
        self._stop_timer()
        if response.to_tag != dialog.remote_tag:
            self.turn_to(response.to_tag, response.headers["to"].strip())
        dialog.confirm(response)
        self._forks = None
        dialog.state = s.CONFIRMED
        dialog.session.agree(response)
        sdp = response.body or (dialog.remote_sdp if dialog.negotiation == n.REMOTE_PREVIEW else None)
        operation = self._carried(n.SUCCESS) if sdp else None
        if sdp and operation is not None:
            dialog.negotiate(operation)
            dialog.remote_sdp = sdp
        if sdp and operation == n.RECEIVE_OFFER:
            self._owed = response
            dialog.endpoint.emit(Offered(dialog, sdp))
        elif not self._draft.body and dialog.remote_sdp is None:
            self._clear(488, "the 200 has no offer", response)
        else:
            self._acknowledge(dialog)
            dialog.endpoint.emit(Answered(dialog, dialog.remote_sdp))

    def _crossed(self, response: Response) -> None:
        """A 200 crossed our CANCEL: it is a call now, and is cleared as one."""
        self._dialog.confirm(response)
        self._clear(self._given_up, "answered after the call was given up", response)

    def _clear(self, code: int, why: str, response: Response) -> None:
        self._acknowledge(self._dialog)
        self._dialog.bye()
        self._report(Failed(self._dialog, code, why, response))

    def _lost(self, response: Response) -> None:
        """Another fork was answered as well: ACK and BYE, unheard by the engine (RFC 3261 section
        13.2.2.4).
        """
        fork = self._dialog.fork(response)
        self._acknowledge(fork)
        fork.closing_lines = _ELSEWHERE
        fork.bye()

    def _acknowledge(self, dialog: Dialog, sdp: bytes = b"") -> None:
        lines = self._responder.lines() if self._responder else ""
        draft = dialog.draft("ACK", lines + _SDP if sdp else lines, sdp, self._transaction.draft.seq)
        self._acks[dialog.remote_tag] = dialog.endpoint.send_ack(draft, dialog.flow)

    # -- their offer, where ours was left out

    @property
    def owes_answer(self) -> bool:
        """True while their offer waits for our answer."""
        return self._owed is not None

    def answer(self, sdp: bytes) -> None:
        """Send it: in the ACK, or in the PRACK."""
        dialog = self._dialog
        owed, self._owed = self._owed, None
        dialog.negotiate(n.SEND_ANSWER)
        dialog.local_sdp = sdp
        if isinstance(owed, str) and self._pracks is not None:
            self._pracks.send(owed, sdp)
        else:
            self._acknowledge(dialog, sdp)
            dialog.endpoint.emit(Answered(dialog, dialog.remote_sdp))

    def before_bye(self) -> None:
        """A 200 whose offer we do not take is ACKed all the same."""
        if isinstance(self._owed, Response):
            self._owed = None
            self._acknowledge(self._dialog)

    # -- failure

    def _on_refusal(self, response: Response) -> None:
        if response.code == 503 and self._next_target(response):
            return
        if not self._given_up and self._try_again(response):
            return
        self._fail(response.code if self._given_up != 408 else 408, response.reason, response)

    def _try_again(self, response: Response) -> bool:
        code = response.code
        if code in (401, 407):
            return self._authorize(response)
        if code == 422:
            return self._lengthen(response)
        if self._redirects is not None and code < 400:
            self._redirects.add(response)
        return code < 600 and self._try_next()

    def _authorize(self, response: Response) -> bool:
        if self._responder is None:
            return False
        first = self._draft
        lines = self._responder.answer(
            response, first.uri, first.method, first.body, self._dialog.endpoint.token()
        )
        if lines:
            self._stay()
            self._begin(first.again(self._dialog.local_seq + 1, lines))
        return bool(lines)

    def _stay(self) -> None:
        """Whichever target asks for something gets it."""
        self._flow, self._others = self._transaction.flow, self._transaction.others

    def _lengthen(self, response: Response) -> bool:
        """422: the same with the interval that they want (RFC 4028 section 7.3)."""
        timer, first = self._dialog.session, self._draft
        before = timer.interval.lines()
        if not timer.lengthen(min_se_of(response)):
            return False
        first.extra = first.extra.replace(before, timer.interval.lines())
        self._stay()
        self._begin(
            first.again(self._dialog.local_seq + 1, self._responder.lines() if self._responder else "")
        )
        return True

    def _try_next(self) -> bool:
        """The next target of a redirected call, as a new call would be sent, but for its Call-ID and tag."""
        target = self._redirects.next() if self._redirects is not None else None
        if target is None:
            return False
        uri, flow, proxy = target
        dialog, first, contact = self._dialog, self._draft, self._dialog.endpoint.contact
        self._draft = first.again(dialog.local_seq + 1, "")
        self._draft.extra = first.extra.replace(contact(self._flow), contact(flow))
        self._draft.route = f"Route: <{uri};lr>\r\n" if proxy else ""
        self._draft.uri = first.uri if proxy else uri
        self._flow = dialog.home = flow
        self._others = ()
        self._responder = self._forks = None  # credentials are for whom we were told to call first
        dialog.state, dialog.remote_tag = s.CALLING, ""
        negotiation = n.LOCAL_OFFER if first.body else n.STABLE
        fresh = early_of(dialog)._replace(
            peer=first.to, target=self._draft.uri, routes=(), negotiation=negotiation, remote_sdp=None
        )
        take(dialog, fresh)
        self._begin(self._draft)
        return True

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
        if self._timer is not None:
            self._dialog.endpoint.timers.cancel(self._timer)
            self._timer = None

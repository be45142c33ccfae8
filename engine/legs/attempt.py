"""One INVITE of a leg, either way: its dialog, and the media row whose address our SDP names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from structlog.typing import FilteringBoundLogger as BoundLogger

from engine.facts import Cause, LegEnd
from engine.legs.negotiation import stream
from engine.legs.sound import RowEvent, Sound
from engine.sip import offer
from engine.sip.dialog import Dialog
from engine.sip.errors import RemoteFault
from engine.sip.events import (
    Answered,
    Cancelled,
    Ended,
    Established,
    Event,
    Failed,
    Informed,
    Reanswered,
    Referred,
    Reoffered,
    Ringing,
)
from engine.sip.flow import Flow
from engine.sip.hop import next_hop
from engine.sip.offer import Agreed, LocalMedia
from engine.sip.reason import cause_of
from engine.transports.driver import Driver
from media.control import Digit, MediaLost, RecordingEnded, RowRef

SAME_PRESS = 1.0
"""Seconds within which a key by INFO and the same key in the sound are one press."""
ENDS = {
    "no ACK": LegEnd.NO_ACK,
    "no PRACK": LegEnd.NO_ACK,
    "session expired": LegEnd.LOST,
    "unreachable": LegEnd.LOST,
    "refresh refused": LegEnd.LOST,
}
"""How a dialog's end is told of a leg; anything else is a party that hung up."""


class AttemptOwner(Protocol):
    """The leg, as its attempts see it."""

    @property
    def log(self) -> BoundLogger: ...

    def rang(self, attempt: Attempt) -> None: ...

    def answered(self, attempt: Attempt) -> None: ...

    def confirmed(self, attempt: Attempt) -> None: ...

    def failed(self, attempt: Attempt, code: int | None, cause: Cause | None = None) -> None: ...

    def finished(self, attempt: Attempt, end: LegEnd, cause: Cause | None = None) -> None: ...

    def heard(self, event: Digit | RecordingEnded) -> None: ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where an INVITE goes and what it says of who calls."""

    uri: str
    flow: Flow
    caller: str
    """name-addr for From."""
    to: str
    """name-addr for To."""
    path: tuple[str, ...] = ()
    """Route values in front of a phone behind a proxy (RFC 3327)."""


@dataclass(slots=True)
class Plant:
    """What every attempt of a node works with."""

    driver: Driver
    sound: Sound
    codecs: tuple[str, ...]
    """Encoding names we speak, best first."""
    external_address: str | None
    """What SDP names in place of the row's own address (behind a NAT)."""
    attempts: dict[Dialog, Attempt] = field(default_factory=dict)
    """Who gets the events of a dialog."""


class Attempt:
    """A dialog and its row. Reports to its leg; gives both back on `close`."""

    def __init__(self, plant: Plant, owner: AttemptOwner, label: str, beside: RowRef | None = None) -> None:
        """Opens the row; raises NoRow when the plane is full."""
        self._plant = plant
        self.owner = owner
        self._closed = False
        self.dialog: Dialog | None = None
        self._target: Target | None = None
        self._offer: bytes | None = None
        """The far end's offer that is still to be answered."""
        self._last_key = ("", False, 0.0)
        """The key that was heard last, whether by INFO, and when."""
        self.row = plant.sound.open(label, self._on_row, beside=beside)
        host, port = self.row.address
        self._local = LocalMedia(plant.external_address or host, port, codecs=plant.codecs)

    @classmethod
    def incoming(
        cls, plant: Plant, owner: AttemptOwner, label: str, dialog: Dialog, offer: bytes | None
    ) -> Attempt:
        """Somebody's INVITE, still unanswered."""
        attempt = cls(plant, owner, label)
        attempt._offer = offer
        attempt._bind(dialog)
        return attempt

    @classmethod
    def outgoing(
        cls, plant: Plant, owner: AttemptOwner, label: str, target: Target, beside: RowRef | None = None
    ) -> Attempt:
        """An INVITE of ours, sent by `start`."""
        attempt = cls(plant, owner, label, beside)
        attempt._target = target
        return attempt

    # -- what the leg asks for

    def start(self) -> None:
        target = self._target
        assert target is not None, "only an outgoing attempt is started"
        with self._plant.driver.turn() as now:
            dialog = self._plant.driver.stack.invite(
                target.uri,
                flow=target.flow,
                caller=target.caller,
                to=target.to,
                offer=offer.make_offer(self._local),
                headers=[("Route", hop) for hop in target.path],
                follow=self._follow,
                now=now,
            )
        self._bind(dialog)

    def ring(self) -> None:
        """180; with our offer for a caller who made none and wants it now."""
        sdp = offer.make_offer(self._local) if self._dialog.rings_with_offer else b""
        with self._plant.driver.turn() as now:
            self._dialog.ring(now, sdp)

    def accept(self) -> None:
        """200 with our answer, or our offer where the INVITE had none. RemoteFault has the code to refuse by."""
        sdp = self._answer(self._offer)
        with self._plant.driver.turn() as now:
            self._dialog.accept(sdp, now)

    def refuse(self, code: int) -> None:
        with self._plant.driver.turn() as now:
            self._dialog.refuse(code, now)

    def hang_up(self, *headers: tuple[str, str]) -> None:
        """BYE, CANCEL or a refusal, whatever its state asks for; Reason among the headers tells them why."""
        if self.dialog is not None and not self._closed:
            with self._plant.driver.turn() as now:
                self.dialog.hang_up(now, headers)

    def press(self, key: str, milliseconds: int = 160) -> None:
        """Send the party a key by INFO."""
        with self._plant.driver.turn() as now:
            self._dialog.press(key, milliseconds, now)

    def close(self) -> None:
        """Give the row back and hear no more of the dialog. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self.dialog is not None:
            self._plant.attempts.pop(self.dialog, None)
        self.row.close()

    # -- what the dialog reports

    def on_event(self, event: Event) -> None:
        match event:
            case Ringing():
                self.owner.rang(self)
            case Answered(_, sdp):
                self._on_answered(sdp)
            case Failed(_, code, _, response):
                self.owner.failed(self, code, cause_of(response))
            case Established(_, sdp):
                self._on_established(sdp)
            case Ended(_, cause, request):
                self.owner.finished(self, ENDS.get(cause, LegEnd.HUNG_UP), cause_of(request))
            case Cancelled(_, cause, request):
                self.owner.finished(self, ENDS.get(cause, LegEnd.HUNG_UP), cause_of(request))
            case Reoffered(_, theirs):
                self._on_reoffered(theirs)
            case Reanswered(_, sdp) if sdp is not None:
                self._settled(sdp)
            case Referred(_, refer_to):
                self._on_referred(refer_to)
            case Informed(_, _, _, key) if key is not None:
                self._on_key(Digit(self.row.ref, key.key, key.milliseconds), by_info=True)
            case _:
                pass  # early media and the progress of transfers mean nothing to a leg yet

    def _on_answered(self, sdp: bytes | None) -> None:
        if self._settled(sdp):
            self.owner.answered(self)
        else:
            self.hang_up()
            self.owner.failed(self, 488)

    def _on_established(self, sdp: bytes | None) -> None:
        if sdp is None or self._settled(sdp):
            self.owner.confirmed(self)
        else:
            self.hang_up()
            self.owner.finished(self, LegEnd.FAILED)

    def _on_reoffered(self, theirs: bytes | None) -> None:
        """Hold, resume, a new address, or a session timer's refresh: a description of ours that says nothing new
        keeps its version.
        """
        driver, before = self._plant.driver, self._dialog.local_sdp
        try:
            if self._described(theirs)[0] != before:
                self._local = replace(self._local, version=self._local.version + 1)
            sdp = self._answer(theirs)
        except RemoteFault as fault:
            self.owner.log.warning("reoffer_refused", code=fault.code, why=fault.why)
            with driver.turn() as now:
                self._dialog.decline(fault.code, now)
            return
        with driver.turn() as now:
            self._dialog.answer(sdp, now)

    def _on_referred(self, refer_to: str) -> None:
        """Transfer by REFER comes later; the phone is told so and the call goes on."""
        self.owner.log.warning("transfer_refused", refer_to=refer_to)
        with self._plant.driver.turn() as now:
            self._dialog.notify("SIP/2.0 603 Declined", now, final=True)

    # -- inside

    def _answer(self, theirs: bytes | None) -> bytes:
        """Our answer to their offer, with the row aimed; or our offer, where they want one."""
        sdp, agreed = self._described(theirs)
        if agreed is not None:
            self.row.aim(stream(agreed))
        return sdp

    def _described(self, theirs: bytes | None) -> tuple[bytes, Agreed | None]:
        """What `_answer` says, and what it settles."""
        if theirs is None:
            return offer.make_offer(self._local), None
        answered = offer.answer(theirs, self._local)
        return answered.sdp, answered.agreed

    def _settled(self, answer: bytes | None) -> bool:
        """Aim the row as their answer to our offer says; False when it cannot be used."""
        try:
            self.row.aim(stream(offer.settle(self._local, answer or b"")))
        except RemoteFault as fault:
            self.owner.log.warning("answer_unusable", code=fault.code, why=fault.why)
            return False
        return True

    @property
    def _dialog(self) -> Dialog:
        assert self.dialog is not None, "not started"
        return self.dialog

    def _bind(self, dialog: Dialog) -> None:
        self.dialog = dialog
        self._plant.attempts[dialog] = self

    def _follow(self, uri: str) -> Flow | None:
        """Where a 3xx may send this call: to the host that we called anyway, by whatever of its addresses. What
        leaves it would be a call that no trunk's rules were asked about.
        """
        assert self._target is not None, "only outgoing calls are redirected"
        home = self._target.flow
        hop = next_hop(uri, home)
        return hop if hop.host == home.host and uri.lower().startswith("sip:") else None

    def _on_row(self, event: RowEvent) -> None:
        if isinstance(event, MediaLost):
            self.hang_up()
            self.owner.finished(self, LegEnd.MEDIA_LOST)
        elif isinstance(event, Digit):
            self._on_key(event, by_info=False)
        else:
            self.owner.heard(event)

    def _on_key(self, digit: Digit, by_info: bool) -> None:
        """A phone that sends a press both in its sound and by INFO is heard once."""
        now = self._plant.driver.clock.monotonic()
        key, way, when = self._last_key
        if key == digit.key and way != by_info and now - when < SAME_PRESS:
            self._last_key = ("", by_info, now)
            return
        self._last_key = (digit.key, by_info, now)
        self.owner.heard(digit)

"""One INVITE of a leg, either way: its dialog, and the media row whose address our SDP names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from engine.facts import LegEnd
from engine.legs import negotiation
from engine.legs.sound import RowEvent, Sound
from engine.sip.dialog import Dialog
from engine.sip.events import (
    Answered,
    Cancelled,
    Ended,
    Established,
    Event,
    Failed,
    Reanswered,
    Referred,
    Reoffered,
    Ringing,
)
from engine.sip.stack import Flow
from engine.transports.driver import Driver
from media.control import Digit, MediaLost, RecordingEnded, RowRef

log = structlog.get_logger()


class AttemptOwner(Protocol):
    """The leg, as its attempts see it."""

    def rang(self, attempt: Attempt) -> None: ...

    def answered(self, attempt: Attempt) -> None: ...

    def confirmed(self, attempt: Attempt) -> None: ...

    def failed(self, attempt: Attempt, code: int | None) -> None: ...

    def finished(self, attempt: Attempt, end: LegEnd) -> None: ...

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


@dataclass(slots=True)
class Plant:
    """What every attempt of a node works with."""

    driver: Driver
    sound: Sound
    codecs: tuple[str, ...]
    """Encoding names we speak, best first."""
    attempts: dict[Dialog, Attempt]
    """Who gets the events of a dialog."""


class Attempt:
    """A dialog and its row. Reports to its leg; gives both back on `close`."""

    def __init__(self, plant: Plant, owner: AttemptOwner, label: str, beside: RowRef | None = None) -> None:
        """Opens the row; raises NoRow when the plane is full."""
        self._plant = plant
        self._owner = owner
        self._closed = False
        self.dialog: Dialog | None = None
        self._target: Target | None = None
        self._offer: bytes | None = None
        """The far end's offer that is still to be answered."""
        self.row = plant.sound.open(label, self._on_row, beside=beside)

    @classmethod
    def incoming(cls, plant: Plant, owner: AttemptOwner, label: str, dialog: Dialog, offer: bytes | None) -> Attempt:
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
        offer = negotiation.our_offer(self.row.address, self._plant.codecs)
        with self._plant.driver.turn() as now:
            dialog = self._plant.driver.stack.invite(
                target.uri, flow=target.flow, caller=target.caller, to=target.to, offer=offer, now=now
            )
        self._bind(dialog)

    def ring(self) -> None:
        with self._plant.driver.turn() as now:
            self._dialog.ring(now)

    def accept(self) -> None:
        """200 with our answer, or with our offer where the INVITE had none. Raises NotAcceptable (488)."""
        if self._offer is None:
            sdp = negotiation.our_offer(self.row.address, self._plant.codecs)
        else:
            sdp, stream = negotiation.our_answer(self._offer, self.row.address, self._plant.codecs)
            self.row.aim(stream)
        with self._plant.driver.turn() as now:
            self._dialog.accept(sdp, now)

    def refuse(self, code: int) -> None:
        with self._plant.driver.turn() as now:
            self._dialog.refuse(code, now)

    def hang_up(self) -> None:
        if self.dialog is not None and not self._closed:
            with self._plant.driver.turn() as now:
                self.dialog.hang_up(now)

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
        react = _REACTIONS.get(type(event))
        if react is not None:
            react(self, event)

    def _on_ringing(self, event: Ringing) -> None:
        self._owner.rang(self)

    def _on_answered(self, event: Answered) -> None:
        try:
            self.row.aim(negotiation.settled(self._dialog.local_sdp, event.sdp, self._plant.codecs))
        except negotiation.NotAcceptable as error:
            log.warning("answer_unusable", why=str(error))
            self.hang_up()
            self._owner.failed(self, 488)
            return
        self._owner.answered(self)

    def _on_failed(self, event: Failed) -> None:
        self._owner.failed(self, event.code)

    def _on_established(self, event: Established) -> None:
        if event.sdp:
            try:
                self.row.aim(negotiation.settled(self._dialog.local_sdp, event.sdp, self._plant.codecs))
            except negotiation.NotAcceptable as error:
                log.warning("answer_unusable", why=str(error))
                self.hang_up()
                self._owner.finished(self, LegEnd.FAILED)
                return
        self._owner.confirmed(self)

    def _on_ended(self, event: Ended) -> None:
        self._owner.finished(self, LegEnd.NO_ACK if event.cause == "no-ack" else LegEnd.HUNG_UP)

    def _on_cancelled(self, event: Cancelled) -> None:
        self._owner.finished(self, LegEnd.HUNG_UP)

    def _on_reoffered(self, event: Reoffered) -> None:
        """A re-INVITE: hold, resume, a new address, or a session timer's refresh."""
        driver = self._plant.driver
        try:
            sdp, stream = negotiation.our_answer(event.offer, self.row.address, self._plant.codecs)
        except negotiation.NotAcceptable as error:
            log.warning("reoffer_refused", why=str(error))
            with driver.turn() as now:
                self._dialog.decline(488, now)
            return
        self.row.aim(stream)
        with driver.turn() as now:
            self._dialog.answer(sdp, now)

    def _on_reanswered(self, event: Reanswered) -> None:
        self.row.aim(negotiation.settled(self._dialog.local_sdp, event.sdp, self._plant.codecs))

    # -- inside

    @property
    def _dialog(self) -> Dialog:
        assert self.dialog is not None, "not started"
        return self.dialog

    def _bind(self, dialog: Dialog) -> None:
        self.dialog = dialog
        self._plant.attempts[dialog] = self

    def _on_row(self, event: RowEvent) -> None:
        if isinstance(event, MediaLost):
            self._owner.finished(self, LegEnd.MEDIA_LOST)
        else:
            self._owner.heard(event)


_REACTIONS: dict[type, Callable[[Attempt, Event], None]] = {
    Ringing: Attempt._on_ringing,
    Answered: Attempt._on_answered,
    Failed: Attempt._on_failed,
    Established: Attempt._on_established,
    Ended: Attempt._on_ended,
    Cancelled: Attempt._on_cancelled,
    Reoffered: Attempt._on_reoffered,
    Reanswered: Attempt._on_reanswered,
}  # type: ignore[dict-item]

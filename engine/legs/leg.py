"""A party's seat in a conversation: whatever dialogs and rows it takes to reach them, one after or beside another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import anyio
import structlog
from anyio.lowlevel import checkpoint_if_cancelled
from structlog.typing import FilteringBoundLogger as BoundLogger

from engine.facts import Answer, Cause, LegEnd, Outcome, Party
from engine.legs.attempt import Attempt, AttemptOwner
from engine.legs.sound import Clip, Row
from engine.sip.errors import SipError
from engine.sip.reason import ELSEWHERE
from media.control import Digit, RecordingEnded
from media.quality import Quality

_log = structlog.get_logger()

OUTCOMES = {486: Answer.BUSY, 600: Answer.BUSY, 603: Answer.REJECTED, 480: Answer.UNREACHABLE,
            404: Answer.UNREACHABLE, 408: Answer.UNREACHABLE, 503: Answer.UNREACHABLE}  # fmt: skip
"""What a final status says of the person called; any other refusal is FAILED."""


class Leg(AttemptOwner):
    """One party. Stories borrow it; the conversation that made it frees it.

    A leg may ring several contacts at once (one attempt each); the first that answers takes the seat and the others
    are called off. `replace` puts another dialog into the seat without the party losing a word.
    """

    def __init__(self, leg_id: str, party: Party, conversation: str) -> None:
        self.id = leg_id
        self.conversation = conversation
        """The one that owns it at the moment."""
        self.party = party
        self.end: LegEnd | None = None
        self.cause: Cause | None = None
        """What the network gave as the reason of the end, where it did."""
        self.attempts: list[Attempt] = []
        self.seated: Attempt | None = None
        """The attempt whose dialog and row carry the conversation."""
        self.on_digit: Callable[[Digit], None] | None = None
        """Who hears of this party's keys."""
        self.on_recorded: Callable[[RecordingEnded], None] | None = None
        """Who hears that this party's recording is whole."""
        self.on_replaced: Callable[[], None] | None = None
        """Who hears that another dialog has taken the seat."""
        self.on_measured: Callable[[Quality], None] | None = None
        """Who hears how well the party was heard and heard, as a dialog leaves the seat for good."""
        self._on_end: list[Callable[[], None]] = []
        self._hears: Clip | tuple[Leg, ...] | None = None
        self._audience: list[Leg] = []
        """Legs that hear this one."""
        self._settled = asyncio.Event()
        self._confirmed = asyncio.Event()
        self._rang = False
        self._refusals: list[tuple[int | None, Cause | None]] = []

    def sit(self, attempt: Attempt) -> None:
        """A caller takes their own seat: the dialog is theirs, not yet answered."""
        self.attempts.append(attempt)
        self.seated = attempt

    # -- for the stories

    @property
    def row(self) -> Row:
        """The party's sound. Only while somebody is seated."""
        return self.seat.row

    @property
    def seat(self) -> Attempt:
        """The attempt that carries the conversation. Only while somebody is seated."""
        assert self.seated is not None, "nobody is seated"
        return self.seated

    @property
    def log(self) -> BoundLogger:
        """Lines about this party carry its conversation and its own id."""
        return cast(BoundLogger, _log.bind(conversation=self.conversation, leg=self.id))

    @property
    def up(self) -> bool:
        return self.end is None and self.seated is not None

    async def answer(self) -> None:
        """Accept the party's call; returns when their side has confirmed it (ACK). Raises RemoteFault."""
        self.seat.accept()
        await self._confirmed.wait()
        await checkpoint_if_cancelled()

    def ring(self) -> None:
        """Tell the caller that it rings."""
        self.seat.ring()

    def refuse(self, code: int) -> None:
        self.seat.refuse(code)
        self.ended(LegEnd.RELEASED)

    async def dial(self, attempts: Sequence[Attempt], seconds: float) -> Outcome:
        """Ring every attempt at once; the first answer takes the seat. Calls all off after so many seconds."""
        if not attempts:
            return Outcome(Answer.UNREACHABLE)
        self.attempts.extend(attempts)
        for attempt in attempts:
            self._start(attempt)
        try:
            with anyio.move_on_after(seconds):
                await self._settled.wait()
            await checkpoint_if_cancelled()
        finally:
            self._call_off()
        return self._outcome()

    async def play(
        self,
        clips: Clip | Sequence[Clip],
        *,
        every: float = 0.0,
        times: int | None = 1,
        interrupt: str = "",
    ) -> str | None:
        """Play clips above what the party hears: see Row.play. Returns the key of `interrupt` that ended it, or
        None; cancelling stops it.
        """
        return await self.row.play(clips, every=every, times=times, interrupt=interrupt)

    def hear(self, source: Clip | Leg | tuple[Leg, ...] | None) -> None:
        """What the party hears from now on: music, another party, several but for itself, or silence."""
        for leg in self._voices():
            leg._audience.remove(self)
        self._hears = (source,) if isinstance(source, Leg) else source
        for leg in self._voices():
            leg._audience.append(self)
        self._tune()

    def record(self, path: Path) -> None:
        self.row.record(path)

    def hang_up(self) -> None:
        """End it from our side, whatever state it is in, and give everything back. Safe to call twice."""
        self.ended(LegEnd.RELEASED)

    def replace(self, attempt: Attempt) -> None:
        """Put an answered attempt into the seat; the dialog that sat there is ended after that, never before.

        What the party hears, and who hears the party, stays as it was.
        """
        before, self.seated = self.seat, attempt
        self._tune()
        for listener in self._audience:
            listener._tune()
        if self.on_replaced is not None:
            self.on_replaced()
        self._measure(before)
        before.hang_up()
        before.close()
        self.attempts.remove(before)

    def on_end(self, call: Callable[[], None]) -> None:
        """Call this when the leg ends; at once if it has ended."""
        if self.end is not None:
            call()
        else:
            self._on_end.append(call)

    def forget(self, call: Callable[[], None]) -> None:
        if call in self._on_end:
            self._on_end.remove(call)

    # -- what the attempts report

    def rang(self, attempt: Attempt) -> None:
        self._rang = True

    def answered(self, attempt: Attempt) -> None:
        if self.seated is not None or self.end is not None:
            attempt.hang_up(*self._parting)  # somebody else was quicker, or we have given up
            return
        self.seated = attempt
        self._settled.set()

    def confirmed(self, attempt: Attempt) -> None:
        if attempt is self.seated:
            self._confirmed.set()
        elif self.end is None:
            self.replace(attempt)

    def failed(self, attempt: Attempt, code: int | None, cause: Cause | None = None) -> None:
        """A phone will not answer; with 6xx the person will not, whatever their other phones do (RFC 3261 21.6)."""
        self._refusals.append((code, cause))
        self._drop(attempt)
        if code is not None and code >= 600:
            self._settled.set()

    def finished(self, attempt: Attempt, end: LegEnd, cause: Cause | None = None) -> None:
        """A dialog is over: the leg is, if it was the one seated."""
        if attempt is self.seated:
            self.cause = self.cause or cause
            self.ended(end)
        elif attempt in self.attempts:
            self._drop(attempt)

    def heard(self, event: Digit | RecordingEnded) -> None:
        listener = self.on_digit if isinstance(event, Digit) else self.on_recorded
        if listener is not None:
            listener(event)  # type: ignore[arg-type]

    def ended(self, end: LegEnd) -> None:
        if self.end is not None:
            return
        self.end = end
        if self.seated is not None:
            self._measure(self.seated)
        for attempt in self.attempts:
            attempt.hang_up()
            attempt.close()
        self._settled.set()
        calls, self._on_end = self._on_end, []
        for call in calls:
            call()

    def _measure(self, attempt: Attempt) -> None:
        if self.on_measured is not None:
            self.on_measured(attempt.row.quality())

    def _tune(self) -> None:
        """Tell the row what the party hears."""
        if not self.up:
            return
        voices = self._voices()
        there = [leg for leg in voices if leg.up]
        if isinstance(self._hears, tuple) and len(there) > 1:
            self.row.hear(tuple(leg.row.ref for leg in self._hears if leg.up))
        elif there:
            self.row.hear(there[0].row.ref)
        elif not voices:
            self.row.hear(None if isinstance(self._hears, tuple) else self._hears)

    def _voices(self) -> list[Leg]:
        """Whom the party hears."""
        return [leg for leg in self._hears if leg is not self] if isinstance(self._hears, tuple) else []

    def _start(self, attempt: Attempt) -> None:
        """A contact that cannot be called is a phone that does not answer."""
        try:
            attempt.start()
        except SipError as error:
            self.log.warning("not_callable", why=str(error))
            self.failed(attempt, None)

    def _drop(self, attempt: Attempt) -> None:
        self.attempts.remove(attempt)
        attempt.close()
        if not self.attempts:
            self._settled.set()

    def _call_off(self) -> None:
        for attempt in self.attempts[:]:
            if attempt is not self.seated:
                attempt.hang_up(*self._parting)
                attempt.close()
                self.attempts.remove(attempt)

    @property
    def _parting(self) -> tuple[tuple[str, str], ...]:
        """What a phone that is called off is told: it is no missed call when another one answered."""
        return (ELSEWHERE,) if self.seated is not None else ()

    def _outcome(self) -> Outcome:
        if self.seated is not None:
            return Outcome(Answer.ANSWERED, 200, rang=True)
        coded = [(code, cause) for code, cause in self._refusals if code is not None]
        if not coded:
            return Outcome(Answer.NO_ANSWER, None, self._rang)
        best, cause = min(coded, key=lambda refusal: (refusal[0] not in OUTCOMES, refusal[0]))
        return Outcome(OUTCOMES.get(best, Answer.FAILED), best, self._rang, cause)

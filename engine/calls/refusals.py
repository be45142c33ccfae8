"""Saying who was turned away, without letting a flood of them fill the log."""

from __future__ import annotations

import structlog

from engine.facts import Clock
from engine.sip.events import Refused

MOST = 20
"""Lines in `WINDOW` seconds; what is refused beyond that is only counted."""
WINDOW = 10.0

log = structlog.get_logger()


class Refusals:
    """A line for each refusal while they are few; under a flood the first ones, and later how many more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = 0.0
        self._said = 0
        self._unsaid = 0

    def add(self, refused: Refused) -> None:
        now = self._clock.monotonic()
        if now - self._began >= WINDOW:
            self._begin(now)
        if self._said >= MOST:
            self._unsaid += 1
            return
        self._said += 1
        flow = refused.flow
        log.warning("sip_refused", source=f"{flow.host}:{flow.port}", code=refused.code, why=refused.why)

    def _begin(self, now: float) -> None:
        if self._unsaid:
            log.warning("sip_refused_unsaid", count=self._unsaid, seconds=round(now - self._began))
        self._began, self._said, self._unsaid = now, 0, 0

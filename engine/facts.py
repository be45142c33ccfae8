"""What happened, in words every room shares. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks of a node. Passed in, never read from a module, so that flows can run in virtual time."""

    monotonic: Callable[[], float]
    """Seconds, never going back: timers, waits, idle times."""
    wall: Callable[[], float]
    """Seconds since 1970 UTC: file names, journal, opening hours."""

"""How long callers waited until an agent answered, in steps."""

from __future__ import annotations

from bisect import bisect_left

STEPS = (1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Seconds; the last step has no end."""


class Waits:
    """A histogram of waits."""

    def __init__(self) -> None:
        self.counts = [0] * (len(STEPS) + 1)
        """Waits of at most each step and more than the one before."""
        self.total = 0.0
        """Seconds of all waits."""

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(STEPS, seconds)] += 1
        self.total += seconds

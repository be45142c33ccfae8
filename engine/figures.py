"""Figures that are watched from outside: how often something was how much."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable


class Histogram:
    """Counts by step. The last count is of what was beyond the last step."""

    def __init__(self, steps: Iterable[float]) -> None:
        """`steps` are upper bounds, rising."""
        self.steps = tuple(steps)
        self.counts = [0] * (len(self.steps) + 1)
        """Of at most each step and more than the one before."""
        self.total = 0.0
        """Sum of all that was added."""

    def add(self, value: float | None) -> None:
        """None is not known, and not counted."""
        if value is not None:
            self.counts[bisect_left(self.steps, value)] += 1
            self.total += value

    def add_all(self, counts: Iterable[int], total: float) -> None:
        """What somebody else has counted by the same steps."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, counts, strict=True)]
        self.total += total

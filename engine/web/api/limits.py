"""How often somebody may ask: a bucket of allowance for each name, filled as time passes."""

from __future__ import annotations

import math
from collections import OrderedDict

from engine.web.api.problem import Problem

MOST_NAMES = 10_000
"""Buckets that are remembered; the one that was unused longest is forgotten, and was full by then or will be."""


class Limit:
    """At most `rate` a second, and `burst` at once, for each name."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Name to what was left, and when."""

    def wait(self, name: str, now: float) -> float:
        """Seconds until this name may ask; 0 at once."""
        return max(0.0, (1 - self._allowance(name, now)) / self.rate)

    def take(self, name: str, now: float) -> None:
        """Count one. Raises Problem 429 with Retry-After when nothing is left."""
        self.check(name, now)
        self._left[name] = (self._allowance(name, now) - 1, now)
        self._left.move_to_end(name)
        if len(self._left) > MOST_NAMES:
            self._left.popitem(last=False)

    def check(self, name: str, now: float) -> None:
        """Raises Problem 429 when nothing is left; counts nothing."""
        seconds = self.wait(name, now)
        if seconds > 0:
            raise Problem(
                429,
                "too many requests",
                allowed=f"{self.rate:g} a second, {self.burst:g} at once",
                headers={"Retry-After": str(max(1, math.ceil(seconds)))},
            )

    def _allowance(self, name: str, now: float) -> float:
        left, then = self._left.get(name, (self.burst, now))
        return min(self.burst, left + (now - then) * self.rate)

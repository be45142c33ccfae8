"""One heap of timers for the whole stack, with lazy cancel."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

MAX_DEAD = 4096
"""Cancelled timers that may stay in the heap before it is cleaned."""


class Timer:
    """Something to be done at a time; `callback` is None once it was done or cancelled."""

    __slots__ = ("callback",)

    callback: Callable[[], None] | None


class Timers:
    """Timers by monotonic seconds."""

    __slots__ = ("_dead", "_heap", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._number = count()
        self._dead = 0

    def at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back once at `when` or soon after."""
        timer = Timer()  # no __init__: timers are many
        timer.callback = callback
        heappush(self._heap, (when, next(self._number), timer))
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Forget a timer; done or cancelled ones and None are taken too."""
        if timer is None or timer.callback is None:
            return
        timer.callback = None
        self._dead += 1
        if self._dead > MAX_DEAD and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapify(self._heap)
            self._dead = 0

    def run(self, now: float) -> None:
        """Call everything that is due."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            timer = heappop(heap)[2]
            callback, timer.callback = timer.callback, None
            if callback is None:
                self._dead -= 1
            else:
                callback()
                heap = self._heap

    def due(self) -> float | None:
        """When `run` has something to do next; None when there is nothing."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heappop(heap)
            self._dead -= 1
        return heap[0][0] if heap else None

    def __len__(self) -> int:
        return len(self._heap) - self._dead

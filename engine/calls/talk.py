"""A talk is heard, not polled: whatever happens to its legs, in order, one thing at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from engine.legs.leg import Leg
from media.control import Digit


@dataclass(frozen=True, slots=True)
class LegEnded:
    leg: Leg


@dataclass(frozen=True, slots=True)
class Pressed:
    leg: Leg
    key: str


Heard = LegEnded | Pressed


class Talk:
    """Two or more legs that speak with each other. Use as a context manager: leaving it stops listening."""

    def __init__(self, *legs: Leg) -> None:
        self.legs = legs
        self._heard: deque[Heard] = deque()
        self._news = asyncio.Event()
        self._on_end = [(leg, partial(self._tell, LegEnded(leg))) for leg in legs]

    def __enter__(self) -> Talk:
        for leg, on_end in self._on_end:
            leg.on_end(on_end)
            leg.on_digit = partial(self._pressed, leg)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for leg, on_end in self._on_end:
            leg.forget(on_end)
            leg.on_digit = None

    async def next(self) -> Heard:
        """The next thing that happened."""
        while not self._heard:
            self._news = asyncio.Event()
            await self._news.wait()
        return self._heard.popleft()

    def _pressed(self, leg: Leg, digit: Digit) -> None:
        self._tell(Pressed(leg, digit.key))

    def _tell(self, heard: Heard) -> None:
        self._heard.append(heard)
        self._news.set()

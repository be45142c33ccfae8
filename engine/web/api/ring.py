"""The last events, numbered, for whoever listens now or comes back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from engine.facts import Clock

ROOM = 10_000
"""Events that are kept."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    number: int
    """From 1, without gaps."""
    type: str
    body: bytes
    """JSON: type, at, data."""


class Ring:
    """A bounded ring of past events. A slow listener holds up nobody: what it missed is gone."""

    def __init__(self, clock: Clock, epoch: str, room: int = ROOM) -> None:
        """`epoch` tells this run of the engine from those before it."""
        self._clock = clock
        self.epoch = epoch
        self._past: deque[Told] = deque(maxlen=room)
        self._news = asyncio.Event()
        self.last = 0
        """Number of the latest event."""
        self.closed = False
        self.on_told: list[Callable[[Told], None]] = []
        """Called with each event as it happens."""

    def tell(self, type: str, data: Any) -> None:
        """Something happened. Never waits."""
        self.last += 1
        at = datetime.fromtimestamp(self._clock.wall(), UTC)
        body = msgspec.json.encode({"type": type, "at": at, "data": data})
        told = Told(self.last, type, body)
        self._past.append(told)
        for keep in self.on_told:
            keep(told)
        self._news.set()
        self._news = asyncio.Event()

    def after(self, number: int) -> list[Told] | None:
        """What happened after an event; None when some of that is forgotten or it never was."""
        if not self.forgotten <= number <= self.last:
            return None
        return list(islice(self._past, number - self.forgotten, None))

    @property
    def forgotten(self) -> int:
        """Number of the last event that is not kept any more; 0 when all are."""
        return self.last - len(self._past)

    async def news(self, number: int) -> None:
        """Returns once there is an event after this one, or the ring is closed."""
        while self.last <= number and not self.closed:
            await self._news.wait()

    def close(self) -> None:
        """Let every listener go."""
        self.closed = True
        self._news.set()

    def id_of(self, number: int) -> str:
        """An event's number as Last-Event-ID carries it."""
        return f"{self.epoch}-{number}"

    def number_of(self, id: str) -> int | None:
        """The same backwards; None for one of another run, or none at all."""
        epoch, _, number = id.rpartition("-")
        return int(number) if epoch == self.epoch and number.isascii() and number.isdigit() else None

"""Events for those who are told by POST: kept in the store until each of them has taken them, over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from engine.store.records import EventsTaken, EventTold, Position
from engine.store.store import Store, StoreDown
from engine.web.api.ring import Ring, Told

log = structlog.get_logger()
A = TypeVar("A")
T = TypeVar("T")

PAGE = 100
"""Events that are read from the store at once."""
MOST = 100_000
"""Events that are kept for a receiver that takes none; the oldest go first, and it hears so by a reset."""
RETRY = 1.0
"""Seconds between tries while the store is down."""


class Outbox:
    """The events of a node, of its present life and of those before.

    Positions are written behind the events they are of, and flushed: after a crash a receiver may get again the
    one event that was under way, by the same id, and no other.
    """

    def __init__(self, ring: Ring, store: Store, node: str, epoch: int) -> None:
        self._ring = ring
        self._store = store
        self._node = node
        self._epoch = epoch
        self._positions: dict[str, Position] = {}
        self._dropped: Position = (0, 0)
        self.types: frozenset[str] = frozenset()
        """Types of events that anybody wants: only these are kept."""
        ring.on_told.append(self._keep)

    @property
    def now(self) -> Position:
        """The position behind everything so far."""
        return self._epoch, self._ring.last

    @property
    def closed(self) -> bool:
        """No event comes any more."""
        return self._ring.closed

    def close(self) -> None:
        self._ring.on_told.remove(self._keep)

    async def join(self, receiver: str, new: Position) -> Position:
        """Where a receiver goes on; `new` is where one that was never there before begins."""
        known = await insistent(self._known, receiver)
        position = known or new
        self._positions[receiver] = position
        if known is None:
            self._store.write(EventsTaken(self._node, receiver, *new))
        return position

    def leave(self, receiver: str) -> None:
        """Nothing is kept for this one any more."""
        self._positions.pop(receiver, None)

    async def after(self, position: Position) -> Sequence[EventTold] | None:
        """The next events, once there are some; None when some of them had to be dropped: go on from `oldest`."""
        while not self.closed:
            if position < self._dropped:
                return None
            epoch, number = position
            if epoch == self._epoch and (told := self._ring.after(number)) is not None:
                if told:
                    return [self._as_kept(one) for one in told]
                await self._ring.news(number)
                continue
            if kept := await insistent(self._stored, position):
                return kept
            position = (self._epoch, self._ring.forgotten if epoch == self._epoch else 0)
        return []

    @property
    def oldest(self) -> Position:
        """The position behind what was dropped."""
        return self._dropped

    async def taken(self, receiver: str, event: EventTold) -> None:
        """A receiver is through with an event; a crash from now on does not bring it again."""
        self._positions[receiver] = (event.epoch, event.number)
        self._store.write(EventsTaken(self._node, receiver, event.epoch, event.number))
        try:
            await self._store.flush()
        except StoreDown:
            return  # the position is spooled, and written when the store is back

    async def tidy(self) -> None:
        """Drop what every receiver has taken, and what is too old to wait for the slowest."""
        epoch, last = self.now
        least = min(self._positions.values(), default=self.now)
        if (epoch, last - MOST) > least:
            least = self._dropped = (epoch, last - MOST)
            log.error("webhook_events_dropped", kept=MOST, until=f"{epoch}-{last - MOST}")
        try:
            await self._store.flush()
            await self._store.forget_events(self._node, least)
        except StoreDown:
            return  # the next time

    def _keep(self, told: Told) -> None:
        if told.type in self.types:
            self._store.write(self._as_kept(told))

    def _as_kept(self, told: Told) -> EventTold:
        id = self._ring.id_of(told.number)
        return EventTold(self._node, self._epoch, told.number, id, told.type, told.body.decode())

    async def _known(self, receiver: str) -> Position | None:
        return (await self._store.positions(self._node)).get(receiver)

    async def _stored(self, position: Position) -> Sequence[EventTold]:
        await self._store.flush()
        return await self._store.events(self._node, position, PAGE)


async def insistent(ask: Callable[[A], Awaitable[T]], about: A) -> T:
    """Ask the store until it answers."""
    while True:
        try:
            return await ask(about)
        except StoreDown:
            await asyncio.sleep(RETRY)

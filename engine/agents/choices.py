"""What agents chose to be, available or away, kept for the next start."""

from __future__ import annotations

import structlog

from engine.agents.agent import Status
from engine.agents.floor import Floor
from engine.facts import Clock
from engine.store.records import PresenceChosen
from engine.store.store import Store, StoreDown

log = structlog.get_logger()


class Choices:
    """Between the floor and the store."""

    def __init__(self, store: Store, floor: Floor, clock: Clock) -> None:
        self._store = store
        self._floor = floor
        self._clock = clock

    async def restore(self) -> None:
        """Put in force what was chosen before the start; call it before the first call. Raises StoreDown."""
        await self._store.flush()
        self._floor.remember({id: Status(status) for id, status in (await self._store.presences()).items()})

    async def choose(self, agent: str, status: Status) -> None:
        """The agent is available, or away, from now on, and after a restart.

        Stored when this returns; while the store is down it is spooled and stored once that is back.
        """
        chosen = PresenceChosen(agent, status.value, self._clock.wall())
        self._floor.choose(agent, status)
        try:
            await self._store.commit([chosen])
        except StoreDown as down:
            log.warning("presence_spooled", agent=agent, reason=str(down))
            self._store.write(chosen)

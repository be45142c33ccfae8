"""What agents chose to be, available or away: kept for the next start, and heard of by the other nodes."""

from __future__ import annotations

import structlog

from engine.agents.agent import Status
from engine.agents.floor import Floor
from engine.facts import Clock
from engine.store.records import PresenceChosen
from engine.store.store import Store, StoreDown

log = structlog.get_logger()

OVERLAP = 10.0
"""Seconds that are looked back over again: a choice may be stored after a later one, and clocks differ a little."""


class Choices:
    """Between the floor and the store."""

    def __init__(self, store: Store, floor: Floor, clock: Clock) -> None:
        self._store = store
        self._floor = floor
        self._clock = clock
        self._seen: dict[str, float] = {}
        """Wall time of the latest choice that is known of each agent."""
        self._latest = 0.0

    async def restore(self) -> None:
        """Put in force what was chosen before the start; call it before the first call. Raises StoreDown."""
        await self._store.flush()
        chosen = await self._store.presences()
        for one in chosen:
            self._note(one)
        self._floor.remember({one.agent: Status(one.status) for one in chosen})

    async def choose(self, agent: str, status: Status) -> None:
        """The agent is available, or away, from now on, and after a restart.

        Stored when this returns; while the store is down it is spooled and stored once that is back.
        """
        chosen = PresenceChosen(agent, status.value, self._clock.wall())
        self._note(chosen)
        self._floor.choose(agent, status)
        try:
            await self._store.commit([chosen])
        except StoreDown as down:
            log.warning("presence_spooled", agent=agent, reason=str(down))
            self._store.write(chosen)

    async def catch_up(self) -> None:
        """Put in force what was chosen at other nodes meanwhile. Raises StoreDown."""
        for one in await self._store.presences(self._latest - OVERLAP):
            if one.wall > self._seen.get(one.agent, 0.0):
                self._note(one)
                self._floor.learn(one.agent, Status(one.status))

    def _note(self, chosen: PresenceChosen) -> None:
        self._seen[chosen.agent] = chosen.wall
        self._latest = max(self._latest, chosen.wall)

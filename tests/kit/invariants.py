"""What holds in a contact centre at every moment, whatever its callers, agents and network do."""

from __future__ import annotations

import asyncio
from collections import Counter

from engine.agents.agent import Doing
from engine.agents.floor import Hold
from engine.app import Engine
from engine.conversations.conversation import Conversation
from engine.facts import Phase
from engine.legs.leg import Leg
from engine.queues.dispatcher import Dispatcher
from engine.queues.place import Place
from tests.kit.sound import FakeSound

BUSY = (Doing.PRESENTED, Doing.TALKING)


class Invariants:
    """Looked at after every change. A breach is an exception in the loop, which fails the flow."""

    def __init__(self, engine: Engine, sound: FakeSound) -> None:
        self._engine, self._sound = engine, sound
        self._due = False
        self.looks = 0
        engine.book.on_change.append(self._soon)
        engine.floor.on_change.append(lambda agent: self._soon())

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.look)

    def look(self) -> None:
        self._due = False
        self.looks += 1
        self._calls_reconcile()
        self._queues_reconcile()
        self._each_agent_has_one_call()
        self._rows_belong_to_calls()

    def _calls_reconcile(self) -> None:
        book = self._engine.book
        assert book.offered == sum(book.ends.values()) + len(book.live)
        assert book.tasks == len(book.live)
        assert all(call.phase is not Phase.ENDED for call in book.live.values())

    def _queues_reconcile(self) -> None:
        for queue in self._engine.dispatcher.queues.values():
            counts = queue.counts
            gone = counts.answered + counts.abandoned + counts.gave_up + counts.dropped
            assert counts.offered == gone + len(queue)
        places = list(self._engine.dispatcher.waiting())
        assert len(places) == sum(map(len, self._engine.dispatcher.queues.values()))
        assert {place.conversation for place in places} <= self._engine.book.live.keys()

    def _each_agent_has_one_call(self) -> None:
        live = self._engine.book.live
        seats = Counter(leg.party.number for call in live.values() for leg in agent_legs(call))
        assert all(len(agent_legs(call)) <= 1 for call in live.values())
        for agent in self._engine.floor.agents.values():
            assert seats[agent.id] <= (agent.held_by is not None)
            assert (agent.held_by is not None) == (agent.doing in BUSY)
            assert agent.held_by is None or agent.held_by in live
        held = [agent.held_by for agent in self._engine.floor.agents.values() if agent.held_by]
        assert len(held) == len(set(held))

    def _rows_belong_to_calls(self) -> None:
        legs = [leg for call in self._engine.book.live.values() for leg in call.legs if leg.end is None]
        attempts = [attempt for leg in legs for attempt in leg.attempts]
        assert {attempt.row for attempt in attempts} == set(self._sound.rows)
        assert set(self._engine.desk.plant.attempts.values()) <= set(attempts)


def agent_legs(call: Conversation) -> list[Leg]:
    return [leg for leg in call.legs if leg.party.role == "agent" and leg.end is None]


def first_come_first_served(place: Place, hold: Hold) -> None:
    """To be asked as an agent is assigned: of those who want one in this queue, nobody came before."""
    assert place.conversation == next(iter(place.queue.unassigned())).id
    assert hold.agent.id in place.queue.agents


def no_one_waits_in_vain(dispatcher: Dispatcher) -> None:
    """To be asked after a dispatch: who is free and who wants an agent are never both there."""
    for queue in dispatcher.queues.values():
        free, waiting = list(queue.idle()), list(queue.unassigned())
        assert not free or not waiting

"""From who waits and who is free to who takes whom: keeps the indices, asks the policy, applies the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from engine.agents.agent import Agent
from engine.agents.floor import Floor
from engine.facts import Clock
from engine.policy.assignment import assign
from engine.queues.place import Place
from engine.queues.queue import Queue, Turn

Soon = Callable[[Callable[[], None]], object]
"""Call a function once what is running now has finished (the event loop's call_soon)."""


class Dispatcher:
    """Every queue of this node."""

    def __init__(self, floor: Floor, clock: Clock, soon: Soon) -> None:
        self._floor = floor
        self._clock = clock
        self._soon = soon
        self._due = False
        self._arrivals = count()
        self._places: dict[str, Place] = {}
        self.queues: dict[str, Queue] = {}
        self._of_agent: dict[str, list[Queue]] = {}
        floor.on_change.append(self._agent_changed)

    def open(self, queues: Iterable[Queue]) -> None:
        """Take these queues into service, in the order of their priority (1 first)."""
        for queue in sorted(queues, key=lambda queue: queue.priority):
            self.queues[queue.name] = queue
            for agent in queue.agents:
                self._of_agent.setdefault(agent, []).append(queue)

    def replace(self, queues: Iterable[Queue]) -> None:
        """Another deployment's queues. Who waits keeps their turn, in a queue that is no more until it is empty."""
        before, self.queues, self._of_agent = self.queues, {}, {}
        fresh = [before.pop(queue.name).become(queue) if queue.name in before else queue for queue in queues]
        for queue in before.values():
            queue.closing = True
        self.open([*fresh, *(queue for queue in before.values() if len(queue))])
        free = {agent.id: agent.since for agent in self._floor.agents.values() if agent.free}
        for queue in self.queues.values():
            queue.serve({agent: since for agent, since in free.items() if agent in queue.agents})

    def enter(self, queue: str, conversation: str) -> Place:
        """A place at the end of a queue."""
        turn = Turn(next(self._arrivals), self._clock.monotonic(), conversation)
        place = Place(turn, self.queues[queue], self._left)
        self._places[conversation] = place
        self.queues[queue].enter(turn)
        return place

    def waiting(self) -> Iterable[Place]:
        """Every place that is taken, first come first."""
        return self._places.values()

    def changed(self) -> None:
        """Decide again, once, when what is running now is done."""
        if not self._due:
            self._due = True
            self._soon(self._dispatch)

    def _left(self, place: Place) -> None:
        del self._places[place.conversation]
        queue = place.queue
        queue.waits[place.how].add(place.facts(self._clock.monotonic()).waited)
        if queue.closing and not len(queue) and self.queues.get(queue.name) is queue:
            del self.queues[queue.name]

    def _agent_changed(self, agent: Agent) -> None:
        for queue in self._of_agent.get(agent.id, ()):
            queue.agent_changed(agent.id, agent.since if agent.free else None)

    def _dispatch(self) -> None:
        self._due = False
        for chosen in list(assign(self.queues.values())):
            hold = self._floor.reserve(chosen.agent, chosen.place)
            if hold is not None:
                self._places[chosen.place].assigned(hold, new_round=chosen.new_round)

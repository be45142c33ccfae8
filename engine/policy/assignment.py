"""Who takes which work item next. Decides only; the dispatcher carries it out (after httpcore's pool)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Protocol


class PlaceView(Protocol):
    """A work item's turn, as far as assignment looks."""

    @property
    def id(self) -> str: ...

    @property
    def tried(self) -> Set[str]:
        """Agents this item was presented to in this round, in vain."""
        ...


class QueueView(Protocol):
    """A queue's indices, kept up to date by the queue so that a decision costs the same however long it is."""

    def unassigned(self) -> Iterable[PlaceView]:
        """Work items that want an agent and have none, first come first."""
        ...

    def idle(self) -> Iterable[str]:
        """Agents of this queue who can take a call now, longest idle first."""
        ...


@dataclass(frozen=True, slots=True)
class Assignment:
    place: str
    agent: str
    new_round: bool
    """Everybody free was tried before: the item starts again from the first."""


def assign(queues: Iterable[QueueView]) -> Iterator[Assignment]:
    """Longest idle, first come first served within a queue, queues in the order given (their priority).

    Nobody is given twice in one pass. An agent who did not answer an item is passed over for it while another is
    free; when all who are free were tried, the round starts again.
    """
    taken: set[str] = set()
    for queue in queues:
        pool = _Pool(agent for agent in queue.idle() if agent not in taken)
        for place in queue.unassigned():
            agent, new_round = pool.choose(place.tried)
            if agent is None:
                break
            taken.add(agent)
            yield Assignment(place.id, agent, new_round)


class _Pool:
    """The idle agents of one queue, longest idle first, drawn from the index only as far as needed."""

    def __init__(self, idle: Iterator[str]) -> None:
        self._rest = idle
        self._seen: deque[str] = deque()

    def choose(self, tried: Set[str]) -> tuple[str | None, bool]:
        for i, agent in enumerate(self._seen):
            if agent not in tried:
                del self._seen[i]
                return agent, False
        for agent in self._rest:
            if agent not in tried:
                return agent, False
            self._seen.append(agent)
        return (self._seen.popleft(), True) if self._seen else (None, False)

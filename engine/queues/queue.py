"""A queue's indices: who waits in which order, and who could take the next one."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from engine.figures import Histogram
from engine.policy.waiting import WaitingRules
from engine.queues.waits import How, no_waits


@dataclass(slots=True, order=True)
class Turn:
    """A work item as the indices see it, ordered by arrival."""

    number: int
    entered: float = field(compare=False)
    """Monotonic time of entering the queue."""
    id: str = field(compare=False)
    tried: set[str] = field(compare=False, default_factory=set)


@dataclass(slots=True)
class Counts:
    """Since the start. offered = answered + abandoned + gave_up + dropped + those still waiting, at any moment."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    gave_up: int = 0
    dropped: int = 0
    """Taken out by the engine itself: stopped, or a defect."""


@dataclass(slots=True)
class Queue:
    """One queue of the deployment."""

    name: str
    priority: int
    agents: frozenset[str]
    rules: WaitingRules
    changed: Callable[[], None]
    """Something an assignment could depend on is different."""
    answer_within: float
    """Seconds of the service level."""
    counts: Counts = field(default_factory=Counts)
    waits: dict[How, Histogram] = field(default_factory=no_waits)
    closing: bool = False
    """The deployment has it no more: it goes when the last one who waits has left."""
    _waiting: dict[str, Turn] = field(default_factory=dict)
    _unassigned: list[Turn] = field(default_factory=list)
    _idle: list[tuple[float, str]] = field(default_factory=list)
    """Since when, and who: the longest idle first."""
    _since: dict[str, float] = field(default_factory=dict)
    """The same by agent."""

    def become(self, other: Queue) -> Queue:
        """Take over another deployment's rules; who waits keeps their turn."""
        self.priority, self.rules, self.answer_within = other.priority, other.rules, other.answer_within
        self.agents, self.closing = other.agents, False
        return self

    def serve(self, idle: Mapping[str, float]) -> None:
        """Who could take a call, and since when (monotonic): the index anew."""
        self._since = dict(idle)
        self._idle = sorted((since, agent) for agent, since in idle.items())
        self.changed()

    def enter(self, turn: Turn) -> None:
        self._waiting[turn.id] = turn
        self.counts.offered += 1
        self.changed()

    def leave(self, turn: Turn) -> None:
        del self._waiting[turn.id]
        self.have_agent(turn)
        self.changed()

    def want_agent(self, turn: Turn) -> None:
        """The item is to be presented (again); it stands where its arrival puts it."""
        insort(self._unassigned, turn)
        self.changed()

    def have_agent(self, turn: Turn) -> None:
        at = bisect_left(self._unassigned, turn)
        if at < len(self._unassigned) and self._unassigned[at] is turn:
            del self._unassigned[at]

    def agent_changed(self, agent: str, idle_since: float | None) -> None:
        """Somebody could take a call since then (monotonic), or can take none."""
        before = self._since.pop(agent, None)
        if before is not None:
            del self._idle[bisect_left(self._idle, (before, agent))]
        if idle_since is not None:
            self._since[agent] = idle_since
            insort(self._idle, (idle_since, agent))
            self.changed()

    def unassigned(self) -> Iterable[Turn]:
        return self._unassigned

    def idle(self) -> Iterable[str]:
        return (agent for _, agent in self._idle)

    def __len__(self) -> int:
        return len(self._waiting)

    def first_entered(self) -> float | None:
        """When who has waited longest entered (monotonic); None when nobody waits."""
        first = next(iter(self._waiting.values()), None)
        return first.entered if first is not None else None

    @property
    def free_agents(self) -> int:
        return len(self._idle)

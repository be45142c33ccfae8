"""What a wallboard shows, and who tells it: the only thing the pages know of the engine.

All times but durations are monotonic seconds, as `Clock.monotonic` gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Totals:
    """The engine's calls today, and right now."""

    offered: int
    """Calls that reached this node today."""
    answered: int
    """Of those, how many an agent spoke to."""
    abandoned: int
    """Of those, how many callers left before an agent answered."""
    waiting: int
    """Callers without an agent at this moment."""
    in_call: int
    """Callers speaking to an agent at this moment."""


@dataclass(frozen=True, slots=True)
class CallLine:
    """One live conversation."""

    id: str
    phase: str
    """Where the call is: lower-case words joined by `_`, such as `waiting`, `presented`, `talking`."""
    caller: str
    """Number or display name, as the network gave it: not to be trusted."""
    number: str
    """The number that was called."""
    queue: str
    """Empty when the call is in no queue."""
    agent: str
    """Name of the agent it is presented to or speaks to; empty when there is none."""
    since: float
    """When this phase began."""
    started: float
    """When the call began; what a waiting caller has been waiting from."""


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One queue: now, and today."""

    name: str
    waiting: int
    longest_wait: float
    """Seconds the first in line had waited when the board was taken; 0 when nobody waits."""
    agents_free: int
    agents_logged_in: int
    answered: int
    abandoned: int
    answer_within: float | None = None
    """Seconds of the queue's service level: a longer wait is marked as late. None marks nothing."""


@dataclass(frozen=True, slots=True)
class AgentLine:
    """One agent of the deployment, logged in or not."""

    id: str
    name: str
    status: str
    """The agent's own choice: `available`, `away`, `offline`, or one the deployment defines."""
    phase: str
    """What a call makes of them: `idle`, `presented`, `talking`, `wrap_up`, `paused` ..."""
    since: float
    """When status or phase last changed."""
    talking_to: str
    """Caller's number or name; empty when they speak to nobody."""
    phones: int
    """Phones registered for this agent; with none they cannot be rung."""
    calls: int
    """Calls answered today."""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the wall at one moment."""

    name: str
    """The organisation's."""
    taken_at: float
    totals: Totals
    calls: tuple[CallLine, ...]
    queues: tuple[QueueLine, ...]
    agents: tuple[AgentLine, ...]


class BoardSource(Protocol):
    """The engine, as the wallboard sees it."""

    def board(self) -> Board:
        """The present board. Cheap enough for four times a second, and never waits."""
        ...

    async def changed(self) -> None:
        """Return once something has changed since this last returned; at once if it already has.

        One task at a time waits here. Whoever changes something only leaves a mark and never waits for it.
        """

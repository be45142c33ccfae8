"""A person who takes calls: their status, what they are doing, and since when."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """A person's choice, as far as their phone allows one."""

    AVAILABLE = "available"
    AWAY = "away"
    """Not to be rung. A call they have goes on."""
    OFFLINE = "offline"
    """No phone of theirs is registered."""


class Doing(StrEnum):
    """Where the agent is in a call."""

    IDLE = "idle"
    PRESENTED = "presented"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"
    """A short rest after a call that was not taken, so that a rejecting phone is not rung in a tight loop."""
    ELSEWHERE = "elsewhere"
    """Another node has them for a call, or may have."""


@dataclass(slots=True)
class Agent:
    """One person. Changed by the floor alone; everybody else reads."""

    id: str
    name: str
    queues: tuple[str, ...]
    wrap_up: float
    """Seconds of wrap-up after a call; 0 for none."""
    status: Status = Status.OFFLINE
    doing: Doing = Doing.IDLE
    since: float = 0.0
    """Monotonic time of the last change of status or doing."""
    talking_to: str = ""
    chosen: Status = Status.AVAILABLE
    """What they want to be while a phone of theirs is registered: available or away."""
    phones: int = 0
    """Contacts registered now."""
    calls: int = 0
    """Calls answered since the start."""
    misses: int = 0
    """Calls presented and not taken, in a row."""
    held_by: str | None = field(default=None)
    """The conversation that holds this agent's one voice call."""

    @property
    def free(self) -> bool:
        return self.status is Status.AVAILABLE and self.doing is Doing.IDLE

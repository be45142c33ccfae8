"""What a waiting caller's next step is. Pure: facts and rules in, one step out."""

from __future__ import annotations

from dataclasses import dataclass

SHORTEST = 0.001
"""Seconds below which there is nothing left to wait for: added to a clock's reading so little may vanish."""


@dataclass(frozen=True, slots=True)
class WaitingRules:
    """A waiting strategy, resolved for one queue."""

    max_wait: float | None
    """Seconds from entering the queue; None waits for ever."""


@dataclass(frozen=True, slots=True)
class WaitingFacts:
    """One caller, this instant."""

    waited: float
    """Seconds since the caller entered the queue."""
    greeted: bool
    agent: str | None
    """The agent reserved for this caller, who is to be rung now."""


@dataclass(frozen=True, slots=True)
class Greet:
    """Play the greeting to its end; only then is the caller presented to agents."""


@dataclass(frozen=True, slots=True)
class Connect:
    agent: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Hear music until an agent is reserved, or for so long."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The maximum wait is over."""


Step = Greet | Connect | Wait | GiveUp


def next_step(facts: WaitingFacts, rules: WaitingRules) -> Step:
    """An agent in hand outranks the clock; the greeting is always heard in full (it may carry a legal notice)."""
    if not facts.greeted:
        return Greet()
    if facts.agent is not None:
        return Connect(facts.agent)
    if rules.max_wait is None:
        return Wait(None)
    left = rules.max_wait - facts.waited
    return Wait(left) if left > SHORTEST else GiveUp()

"""Whether a call is recorded (feature H1)."""

from __future__ import annotations

from typing import Literal

Direction = Literal["inbound", "outbound"]
Directions = Literal["never", "inbound", "outbound", "both"]


def wanted(
    direction: Direction, *, enabled: bool, directions: Directions, agent: Directions | None = None
) -> bool:
    """Decide for one call, at its start and again when an agent answers.

    `enabled` is the switch at the top: off is off for everybody. `directions` is the deployment's choice,
    `agent` that of the agent who takes the call, which wins over it; None: no agent yet, or no own one.
    """
    chosen = directions if agent is None else agent
    return enabled and chosen in (direction, "both")

"""How long callers waited, by how their wait came to its end."""

from __future__ import annotations

from typing import Final, Literal

from engine.figures import Histogram

STEPS: Final = (1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Seconds; the last step has no end."""
How = Literal["answered", "abandoned", "gave_up", "dropped"]
HOWS: Final[tuple[How, ...]] = ("answered", "abandoned", "gave_up", "dropped")
"""An agent took it, the caller hung up, the maximum wait was over, the engine stopped or failed."""


def no_waits() -> dict[How, Histogram]:
    """A histogram for each way to leave."""
    return {how: Histogram(STEPS) for how in HOWS}

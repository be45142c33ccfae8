"""calls, transfer and dispositions: what holds for every call in progress."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from config.faults import Wrong
from config.prompts import RepeatedPrompt
from config.scalars import Flag, Music, duration, seconds
from config.section import Reads, Section

Ringing = Annotated[float, seconds(3, 60)]
Blocks = Literal["always", "never"] | float


def _blocks(value: Any, folder: Path) -> Blocks:
    if value in ("always", "never"):
        return "always" if value == "always" else "never"
    allowed = "always, never, or 1m to 60m"
    length = duration(value, allowed)
    if not 60 <= length <= 3600:
        raise Wrong(f"{value} is out of range", allowed)
    return length


_BLOCKS = {
    "anyOf": [
        {"enum": ["always", "never"]},
        {"type": "number"},
        {"type": "string", "pattern": "^[0-9.]+[smh]$"},
    ]
}


class Ring(Section):
    """How long somebody is rung before it counts as no answer (feature D4)."""

    agent: Ringing = Field(30.0, description="An agent's phone.")
    customer: Ringing = Field(30.0, description="A customer that we call.")


class WrapUp(Section):
    """The agent's time after a call (feature D5)."""

    enabled: Flag = Field(True, description="Whether there is any.")
    time: Annotated[float, seconds(0, 3600)] = Field(
        10.0, description="How long, unless the agent has a time of their own."
    )
    extension: Flag = Field(False, description='Whether agents may take "10 seconds more".')
    blocks: Annotated[Blocks, Reads(_blocks, _BLOCKS)] = Field(
        "always", description="How long it keeps capacity: always, never, or for 1 to 60 minutes."
    )


class Calls(Section):
    """Ringing, wrap-up, and calls that go wrong."""

    ring: Ring = Field(Ring(), description="Ringing times.")
    wrap_up: WrapUp = Field(WrapUp(), description="After a call.")
    missed: Literal["leave_open", "close"] = Field(
        "leave_open", description="What becomes of a missed conversation."
    )
    stranded: Literal["requeue_first", "requeue_last", "end"] = Field(
        "requeue_first", description="What becomes of a customer whose agent's phone died."
    )


class Transfer(Section):
    """What customers hear and what is allowed when a call is passed on (features F2 to F4)."""

    music: Music = Field("builtin:transfer", description="Heard while transferring.")
    message: RepeatedPrompt | None = Field(None, description="Said while transferring, every so often.")
    manual_entry: Flag = Field(False, description="Whether agents may transfer to a number that they type.")
    early_media: Flag = Field(
        True, description="Whether the customer hears the network's sound before the answer."
    )
    bridged: Flag = Field(
        True, description="true: the call stays with us; false: REFER, and we are out of it."
    )
    record: Flag = Field(True, description="Whether recording goes on in a bridged transfer.")


class Disposition(Section):
    """A code with which an agent says how a call went."""

    category: Literal["right_party", "not_right_party", "opt_out"] = Field(
        description="What it means to engagements."
    )

"""agents, ai_agents, capacity_profiles and presence: who takes calls, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from config.faults import Broken
from config.recordings import Direction
from config.scalars import (
    CapacityName,
    Flag,
    Name,
    Named,
    QueueName,
    Secret,
    Text,
    WebSocketUrl,
    matching,
    seconds,
    whole,
)
from config.section import Frozen, Refers, Section, Unique

if TYPE_CHECKING:
    from config.settings import Settings

STATUSES = ("available", "busy", "away", "offline")
Level = Annotated[int, whole(1, 100)]
InboundName = Annotated[Name, Refers("profiles", "inbound")]
OutboundName = Annotated[Name, Refers("profiles", "outbound")]


class Agent(Section):
    """A person who takes calls; the key is the user of their phone's SIP address."""

    name: Text = Field(description="Shown to colleagues and on recordings.")
    password: Secret = Field(description="Registers the agent's phone and opens the agent's page.")
    queues: Annotated[tuple[QueueName, ...], Unique] = Field(
        (), description="Queues whose calls ring the agent."
    )
    skills: Named[Level] = Field(default_factory=Frozen, description="Skill to level, 1 to 100.")
    capacity: Annotated[tuple[CapacityName, ...], Unique] = Field(
        (), description="Capacity profiles; all must have room. None: one call at a time."
    )
    inbound_profile: InboundName | None = Field(
        None, description="Profile of calls to the agent's own number."
    )
    outbound_profile: OutboundName | None = Field(None, description="Profile of calls that the agent dials.")
    role: Literal["agent", "supervisor", "admin"] = Field(
        "agent", description="What pages and API let them do."
    )
    wrap_up: Annotated[float, seconds(0, 3600)] | None = Field(None, description="Own wrap-up time.")
    record: Literal["never"] | Direction | None = Field(
        None, description="Which of their calls are recorded."
    )


class AiAgent(Section):
    """A voice bot that is reached by WebSocket (feature K1)."""

    url: WebSocketUrl = Field(description="ws:// or wss:// address of the bot.")
    failure_timeout: Annotated[float, seconds(0.5, 60)] = Field(
        3.0, description="Silence after which it has failed."
    )


class CapacityProfile(Section):
    """How many work items of a kind an agent holds at once."""

    limit: Annotated[int, whole(1, 100)] = Field(1, description="Work items at once.")
    reset: Literal["immediate", "end_of_day"] = Field(
        "immediate", description="When used capacity comes back."
    )
    blocking: Flag = Field(True, description="Whether a full profile stops further assignment.")


class Misses(Section):
    """What calls that an agent lets pass do to their status."""

    status: Literal["available", "away"] = Field("available", description="The status they are set to.")
    after: Annotated[int, whole(1, 100)] = Field(3, description="How many in a row.")
    delay: Annotated[float, seconds(0, 3600)] = Field(
        0.0, description="Time between the last one and the change."
    )


class Presence(Section):
    """What agents can be, beside on a call."""

    missed: Misses = Field(Misses(), description="Calls that rang out.")
    rejected: Misses = Field(Misses(), description="Calls that were refused.")
    custom: Annotated[
        tuple[
            Annotated[
                str, matching(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}", "1-40 letters, digits, spaces, _ or -")
            ],
            ...,
        ],
        Unique,
    ] = Field((), description="Further kinds of being away, such as lunch.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        for index, status in enumerate(self.custom):
            if status in STATUSES:
                yield Broken(
                    ("custom", index), f"{status} exists without it", f"other than {', '.join(STATUSES)}"
                )

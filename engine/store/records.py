"""What is written down: the words between the engine and its store.

All times are wall times, seconds since 1970 UTC, as `Clock.wall` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Detail = Mapping[str, "str | int | float | bool | None"]


@dataclass(frozen=True, slots=True)
class ConversationStarted:
    """A conversation exists."""

    id: str
    node: str
    """The node that owns its legs."""
    direction: str
    """`inbound` or `outbound`."""
    number: str
    """Our number: called, or shown."""
    caller: str
    """The other side's number."""
    started: float


@dataclass(frozen=True, slots=True)
class PhaseEntered:
    """A conversation moved on. None leaves what the conversation's row says as it is."""

    conversation: str
    seq: int
    """Place in the conversation's journal, phases and events counted together."""
    wall: float
    phase: str
    queue: str | None = None
    agent: str | None = None
    answered: float | None = None
    """When an agent first spoke to the customer."""
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventNoted:
    """Something worth telling happened, and the phase stays."""

    conversation: str
    seq: int
    wall: float
    event: str
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConversationEnded:
    """Nothing comes after this."""

    id: str
    ended: float
    end: str
    """How it finished: `completed`, `abandoned` ..."""


@dataclass(frozen=True, slots=True)
class RecordingWhole:
    """A leg's recording is finished and can be played, or came to nothing and says why."""

    conversation: str
    leg: str
    path: str
    """The sound file, relative to the working folder; empty when there is none."""
    started: float
    seconds: float
    gaps: int
    """20 ms frames that never came and are silence in the file."""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class PresenceChosen:
    """An agent chose what to be: `available` or `away`. The latest choice counts."""

    agent: str
    status: str
    wall: float


@dataclass(frozen=True, slots=True)
class EventTold:
    """An event for those who are told of events, kept until all of them have taken it."""

    node: str
    epoch: int
    """The life of the node in which it happened."""
    number: int
    """From 1 in each life."""
    id: str
    """As receivers know it."""
    type: str
    body: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class EventsTaken:
    """A receiver has taken all events of a node up to this one. The furthest counts."""

    node: str
    receiver: str
    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class ChangeMade:
    """Somebody changed something."""

    id: str
    node: str
    wall: float
    who: str
    """The name of their token."""
    role: str
    address: str
    """Where they asked from."""
    action: str
    """`agent.presence`, `conversation.hang_up` ..."""
    target: str
    """What was changed."""
    detail: Detail = field(default_factory=dict)


Record = (
    ConversationStarted
    | PhaseEntered
    | EventNoted
    | ConversationEnded
    | RecordingWhole
    | PresenceChosen
    | EventTold
    | EventsTaken
    | ChangeMade
)
Position = tuple[int, int]
"""The life and the number of an event: a place among a node's events."""


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as the store knows it."""

    id: str
    node: str
    direction: str
    number: str
    caller: str
    started: float
    queue: str = ""
    agent: str = ""
    answered: float | None = None
    ended: float | None = None
    end: str | None = None
    phase: str = ""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One line of a conversation's story."""

    conversation: str
    seq: int
    wall: float
    kind: str
    """`phase` or `event`."""
    name: str
    """Which one."""
    detail: Detail


@dataclass(frozen=True, slots=True)
class Tally:
    """Whether what began also ended: when nothing is live, `started` is the sum of `ends`."""

    started: int
    ends: Mapping[str, int]
    """Conversations by how they finished."""

    @property
    def open(self) -> int:
        """Conversations without an end: live, or cut off by a crash."""
        return self.started - sum(self.ends.values())


def first_row(record: ConversationStarted) -> ConversationRow:
    """The conversation's row as it begins."""
    return ConversationRow(
        id=record.id,
        node=record.node,
        direction=record.direction,
        number=record.number,
        caller=record.caller,
        started=record.started,
    )


def journal_row(record: PhaseEntered | EventNoted) -> JournalRow:
    """The line a record leaves in the journal; a phase's queue and agent go into its detail."""
    if isinstance(record, EventNoted):
        return JournalRow(
            record.conversation, record.seq, record.wall, "event", record.event, dict(record.detail)
        )
    who = {"queue": record.queue, "agent": record.agent}
    detail = {name: value for name, value in who.items() if value} | dict(record.detail)
    return JournalRow(record.conversation, record.seq, record.wall, "phase", record.phase, detail)


def changes(record: PhaseEntered | ConversationEnded) -> dict[str, str | float]:
    """What a record changes in its conversation's row, by column."""
    named: dict[str, str | float | None]
    if isinstance(record, ConversationEnded):
        named = {"ended": record.ended, "end": record.end, "phase": "ended"}
    else:
        named = {
            "phase": record.phase,
            "queue": record.queue,
            "agent": record.agent,
            "answered": record.answered,
        }
    return {column: value for column, value in named.items() if value is not None}

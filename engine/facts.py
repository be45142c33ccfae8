"""What happened and what comes next, in words every room shares. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks of a node. Passed in, never read from a module, so that flows can run in virtual time."""

    monotonic: Callable[[], float]
    """Seconds, never going back: timers, waits, idle times."""
    wall: Callable[[], float]
    """Seconds since 1970 UTC: file names, journal, opening hours."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who sits in a leg."""

    role: str
    """"customer" or "agent"."""
    number: str
    """E.164 number, or the user part of the address of record."""
    name: str = ""
    """Display name; from the network for a customer, so never trusted as text for a page."""

    @property
    def label(self) -> str:
        return self.name or self.number or "unknown"


class Phase(StrEnum):
    """Where a conversation is. Every change is written to the journal."""

    ARRIVING = "arriving"
    GREETING = "greeting"
    WAITING = "waiting"
    PRESENTED = "presented"
    TALKING = "talking"
    ENDED = "ended"


class Reason(StrEnum):
    """How a conversation finished. Bounded: every exit names one, and the counts reconcile."""

    COMPLETED = "completed"
    """Caller and agent spoke; one of them hung up."""
    ABANDONED = "abandoned"
    """The caller hung up before an agent had answered."""
    MAX_WAIT = "max_wait"
    """Nobody became free within the waiting strategy's maximum."""
    REFUSED = "refused"
    """We turned the call away before answering: no route, no common codec, draining, full."""
    MEDIA_LOST = "media_lost"
    """The sound of the call could not be brought back."""
    NO_ACK = "no_ack"
    """The caller's side never confirmed our answer."""
    LOST = "lost"
    """A party's phone vanished: it answered nothing any more, or did not refresh its session (RFC 4028)."""
    RELEASED = "released"
    """Somebody with the right to do so ended it from outside: by the API."""
    STOPPED = "stopped"
    """The engine was stopped while the call was up."""
    RESTARTED = "restarted"
    """The engine was killed while the call was up."""
    FAULT = "fault"
    """A defect of ours ended it; the log has the trace."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The last word of a conversation's stories."""

    reason: Reason
    by: str = "engine"
    """Who brought it about: "customer", "agent" or "engine"."""
    code: int | None = None
    """SIP status sent or received with it, where there was one."""
    detail: str = ""


class Kept(Protocol):
    """Something handed over to the next story, which must use it or give it back."""

    def give_back(self) -> None: ...


@dataclass(frozen=True, slots=True)
class WaitInQueue:
    """Next: keep the caller company until an agent has answered."""

    place: Kept


@dataclass(frozen=True, slots=True)
class Converse:
    """Next: caller and agent speak until one of them leaves."""

    agent: Kept
    """The agent's answered leg with the hold on the person."""


Next = WaitInQueue | Converse | Ended
"""What a story returns: another story with what it needs, or the end."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a network says a call ended (RFC 3326)."""

    protocol: str
    """"Q.850", "SIP" or what else the far end named."""
    code: int
    """Of that protocol: 17 is busy in Q.850, 486 in SIP."""
    text: str = ""
    """The far end's words; never trusted as text for a page."""

    def __str__(self) -> str:
        return f"{self.protocol} {self.code} {self.text}".rstrip()


class LegEnd(StrEnum):
    """Why a party's seat became empty."""

    HUNG_UP = "hung_up"
    """The party hung up (BYE, or CANCEL before our answer)."""
    RELEASED = "released"
    """We hung up."""
    NO_ACK = "no_ack"
    LOST = "lost"
    """The far end vanished: no answer to a request in the call, or no refresh of its session (RFC 4028)."""
    MEDIA_LOST = "media_lost"
    FAILED = "failed"
    """Dialing them came to nothing (the Outcome says why), or what they want for sound cannot be had."""
    FAULT = "fault"
    """A defect of ours; the log has the trace."""


class Answer(StrEnum):
    """What dialing somebody came to."""

    ANSWERED = "answered"
    BUSY = "busy"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What dialing produced."""

    answer: Answer
    code: int | None = None
    """The final SIP status, None when there was none (timed out while ringing)."""
    rang: bool = False
    cause: Cause | None = None
    """What the network gave as the reason, where it did."""

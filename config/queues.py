"""queues: who gets which call, and what happens when there are too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, Tag

from config.faults import Broken
from config.recordings import Keep
from config.scalars import HoursName, Name, WaitingName, seconds, whole
from config.section import Refers, Section, by_form
from config.targets import BeforeAction, QueuedAction, ToQueue

if TYPE_CHECKING:
    from config.settings import Settings


class WaitingItems(Section):
    waiting_items: Annotated[int, whole(1, 100)] = Field(description="True when more than this many wait.")


class AverageWait(Section):
    average_wait: Annotated[float, seconds(30, 3600)] = Field(
        description="True when the estimated wait is longer; an unknown one is not."
    )


class Waited(Section):
    waited: Annotated[float, seconds(60, 3600)] = Field(description="True when the caller has waited longer.")


Condition = Annotated[
    Annotated[Literal["out_of_hours"], Tag("<word>")]
    | Annotated[WaitingItems, Tag("<waiting_items>")]
    | Annotated[AverageWait, Tag("<average_wait>")],
    by_form(
        word="out_of_hours", waiting_items="{waiting_items: 1-100}", average_wait="{average_wait: 30s-60m}"
    ),
]


class BeforeRule(Section):
    """Checked once, when a call comes to the queue (feature D9)."""

    when: Condition = Field(description="What makes it apply.")
    then: BeforeAction = Field(description="What happens to the call.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.when == "out_of_hours" and self.then == "direct_callback":
            allowed = "assign, end, voicemail, {queue: NAME}, {external: NUMBER}"
            yield Broken(("then",), "out of hours nobody is there for a direct callback", allowed)


class QueuedRule(Section):
    """Checked while a call waits (feature D10)."""

    when: Waited = Field(description="What makes it apply.")
    then: QueuedAction = Field(description="What happens to the call.")


class Overflow(Section):
    """Rules in order; the first that applies is followed."""

    before: tuple[BeforeRule, ...] = Field((), description="Checked once before queueing, hours first.")
    queued: tuple[QueuedRule, ...] = Field((), description="Checked while queued.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """A second rule with the same condition is never reached."""
        whens = [rule.when for rule in self.before]
        for index, when in enumerate(whens):
            if when in whens[:index]:
                yield Broken(
                    ("before", index, "when"), "an earlier rule has the same condition", "each condition once"
                )
        queued = [rule.when for rule in self.queued]
        for index, waited in enumerate(queued):
            if waited in queued[:index]:
                yield Broken(
                    ("queued", index, "when"), "an earlier rule has the same condition", "each condition once"
                )

    def returning_to(self, queue: str, *at: str | int) -> Iterator[Broken]:
        """Rules that send a call to the queue that it is in."""
        rules: list[tuple[str, int, BeforeRule | QueuedRule]] = []
        rules += [("before", index, rule) for index, rule in enumerate(self.before)]
        rules += [("queued", index, rule) for index, rule in enumerate(self.queued)]
        for part, index, rule in rules:
            if isinstance(rule.then, ToQueue) and rule.then.queue == queue:
                key = (*at, part, index, "then", "queue")
                yield Broken(key, f"queue {queue} would be sent to itself", "another queue")


class SkillMatch(Section):
    """How a call's skills choose among agents."""

    match: Literal["exact", "closest", "none"] = Field(
        "none", description="exact: all; closest: most; none: not looked at."
    )
    relax_after: Annotated[float, seconds(1, 3600)] | None = Field(
        None, description="Wait after which skills are no longer asked for (feature D1b)."
    )


class ServiceLevel(Section):
    answer_within: Annotated[float, seconds(1, 3600)] = Field(
        20.0, description="The wait that counts as good."
    )


class Queue(Section):
    """One queue."""

    assignment: Literal["longest_idle", "round_robin", "highest_capacity"] = Field(
        "longest_idle", description="Which free agent is rung first."
    )
    skills: SkillMatch = Field(SkillMatch(), description="How skills are matched.")
    priority: Annotated[int, whole(1, 1000)] = Field(
        1, description="Lower first, when an agent serves several queues."
    )
    hours: HoursName | None = Field(None, description="Opening hours; none = always open.")
    waiting: WaitingName | None = Field(
        None, description="What callers hear; music for up to 30 minutes when left out."
    )
    on_hold: Annotated[Name, Refers("on_hold_messages")] | None = Field(
        None, description="What customers on hold hear; the message called default when left out."
    )
    recordings_keep: Keep | None = Field(
        None, description="How long its recordings are kept; recordings.keep."
    )
    service_level: ServiceLevel = Field(ServiceLevel(), description="What statistics count as good.")
    overflow: Overflow = Field(Overflow(), description="What happens when there are too many calls.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        for name, queue in deployment.queues.items():
            if queue is self:
                yield from self.overflow.returning_to(name, "overflow")

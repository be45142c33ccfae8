"""The parts of an engagement: how it dials, whom, when, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, Tag

from config.compliance import Since
from config.faults import Broken
from config.prompts import Prompt
from config.scalars import (
    AiAgentName,
    DigitKey,
    DispositionName,
    Flag,
    Name,
    NumberRef,
    Text,
    number,
    seconds,
    whole,
)
from config.section import Filled, Refers, Section, Unique, by_form, by_shape
from config.times import QuietSpan

if TYPE_CHECKING:
    from config.settings import Settings

Share = Annotated[float, number(0, 1)]
NumberType = Literal["mobile", "business", "home"]
Reason = Literal["no_answer", "busy", "failed", "answering_machine"]
OUTCOMES: tuple[Reason, ...] = ("no_answer", "busy", "failed", "answering_machine")
Wait = Annotated[float, seconds(60, 30 * 86400)]


class Preview(Section):
    """The agent sees the contact first (feature G5)."""

    start: Literal["automatic", "manual"] = Field("automatic", description="Who starts the call.")
    countdown: Annotated[float, seconds(1, 300)] = Field(10.0, description="Before an automatic start.")


class Predictive(Section):
    """Pacing by model (feature G7)."""

    pacing: Literal["marginal", "published"] = Field("marginal", description="The model.")
    min_attempts: Annotated[int, whole(1, 10_000)] = Field(
        50, description="Dials before it exceeds progressive."
    )


class FailureRate(Section):
    rate: Annotated[float, number(1, 5)] = Field(1.0, description="Percent of calls that the bot may fail.")


OnFailure = Annotated[
    Annotated[Literal["stop"], Tag("<word>")] | Annotated[FailureRate, Tag("<rate>")],
    by_form(word="stop", rate="{rate: 1-5}"),
]


class Ai(Section):
    """What a voice bot does (feature G8)."""

    agent: AiAgentName | None = Field(None, description="The bot; the workstream's when left out.")
    max_concurrent: Annotated[int, whole(1, 500)] = Field(50, description="Calls at once (copilot).")
    per_agent: Annotated[int, whole(1, 5)] = Field(1, description="Calls for each agent (progressive).")
    outside_hours: Flag = Field(False, description="Whether it dials while the queue is closed (copilot).")
    on_failure: OnFailure = Field("stop", description="stop at once, or go on up to {rate: 1-5} percent.")


class Rules(Section):
    """What makes an engagement hold back (feature G11)."""

    abandonment: Share | None = Field(None, description="Rate of abandoned calls.")
    queue_share: Annotated[float, number(0, 1, above=True)] | None = Field(
        None, description="Share of the queue's agents."
    )
    average_wait: Annotated[float, seconds(1, 3600)] | None = Field(None, description="Wait for an agent.")
    escalations: Annotated[int, whole(1, 100_000)] | None = Field(
        None, description="Calls handed to agents, in all."
    )
    open_escalations: Annotated[int, whole(1, 10_000)] | None = Field(None, description="The same, at once.")


class MachineAction(Section):
    """What is done when a machine answers (feature G9)."""

    action: Literal["end", "voicemail"] = Field(
        "end", description="Hang up, or leave the message after the beep."
    )
    message: Prompt | None = Field(None, description="What is left.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.action == "voicemail" and self.message is None:
            yield Broken(("action",), "there is no message to leave", "with a message, or action: end")


class Abandoned(Section):
    """Live answers for which there is no agent (feature G10); what is left out is as the pack has it."""

    after: Annotated[float, seconds(1, 60)] | None = Field(
        None, description="Wait that makes it abandoned; 2s."
    )
    since: Since | None = Field(None, alias="from", description="What the wait is counted from; answer.")
    treatment: Literal["message", "voicemail", "queue", "hang_up"] | None = Field(
        None, description="What the callee gets; the message when there is one, else hang_up."
    )
    message: Prompt | None = Field(None, description="What the callee hears: who called, and on what number.")
    opt_out_key: DigitKey | None = Field(None, description="The key with which the callee opts out.")
    rate: Share | None = Field(
        None, description="Highest share of live answers; beyond it the engagement is suspended."
    )
    window: Annotated[float, seconds(3600, 90 * 86400)] | None = Field(
        None, description="Time that the rate is taken over."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.treatment == "message" and self.message is None:
            yield Broken(
                ("treatment",), "there is no message", "with a message, or voicemail, queue, hang_up"
            )


class DisplayRule(Section):
    """A number for contacts whose field fits the one condition given."""

    field: Name = Field(description="A column of the contact, such as State.")
    equals: Text | None = Field(None, description="The field is this.")
    starts_with: Text | None = Field(None, description="The field begins with this.")
    ends_with: Text | None = Field(None, description="The field ends with this.")
    contains: Text | None = Field(None, description="The field has this in it.")
    number: NumberRef = Field(description="The number that is shown.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        given = self.model_fields_set & {"equals", "starts_with", "ends_with", "contains"}
        if len(given) != 1:
            yield Broken(
                (),
                f"has {len(given) or 'no'} condition{'s' if given else ''}",
                "one of equals, starts_with, ends_with, contains",
            )


class DisplayNumbers(Section):
    """Which numbers calls show (feature G12); the workstream's when left out."""

    numbers: Annotated[tuple[NumberRef, ...], Unique] = Field((), description="Numbers that are rotated.")
    distribution: Literal["automated"] = Field("automated", description="Even, pseudo-random rotation.")
    rules: tuple[DisplayRule, ...] = Field((), description="Up to 5; the first that fits.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if len(self.rules) > 5:
            yield Broken(("rules",), f"{len(self.rules)} rules", "at most 5")
        if bool(self.numbers) == bool(self.rules):
            yield Broken((), "has both numbers and rules, or neither", "either numbers or rules")

    @property
    def shown(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every number with its key here."""
        for index, key in enumerate(self.numbers):
            yield ("numbers", index), key
        for index, rule in enumerate(self.rules):
            yield ("rules", index, "number"), rule.number


class WaitByOutcome(Section):
    """A wait of its own for each outcome."""

    no_answer: Wait | None = Field(None, description="Rang out.")
    busy: Wait | None = Field(None, description="Was busy.")
    failed: Wait | None = Field(None, description="Could not be reached.")
    answering_machine: Wait | None = Field(None, description="A machine answered.")


WaitForm = Annotated[
    Annotated[Wait, Tag("<word>")] | Annotated[WaitByOutcome, Tag("<map>")], by_shape("a duration")
]


class Reattempts(Section):
    """Dialling again (feature G13)."""

    outcomes: Annotated[tuple[Reason, ...], Unique] = Field(
        (), description="Outcomes after which it is tried again."
    )
    dispositions: Annotated[tuple[DispositionName, ...], Unique] = Field(
        (), description="The same, by agents' codes."
    )
    attempts: Annotated[int, whole(0, 20)] = Field(0, description="Attempts after the first.")
    wait: WaitForm = Field(86400.0, description="Before the next: one duration, or one for each outcome.")
    priority: Literal["same", "higher", "lower"] = Field("same", description="Beside contacts not yet tried.")
    sms: Annotated[Name, Refers("messaging", "outbound")] | None = Field(
        None, description="Sent when all were tried."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """People who opted out are not called again; each outcome that is tried again has a wait."""
        for index, name in enumerate(self.dispositions):
            disposition = deployment.dispositions.get(name)
            if disposition is not None and disposition.category == "opt_out":
                yield Broken(
                    ("dispositions", index), f"{name} means that they opted out", "codes of another category"
                )
        if isinstance(self.wait, WaitByOutcome):
            for outcome in self.outcomes:
                if getattr(self.wait, outcome) is None:
                    yield Broken(("wait",), f"has no wait for {outcome}", "a wait for each of outcomes")

    def wait_after(self, outcome: Reason) -> float:
        """Seconds before the next attempt; the longest given where the map names none."""
        if not isinstance(self.wait, WaitByOutcome):
            return self.wait
        own: float | None = getattr(self.wait, outcome)
        given = [wait for name in OUTCOMES if (wait := getattr(self.wait, name)) is not None]
        return own if own is not None else max(given, default=86400.0)


class Frequency(Section):
    """How often a contact may be reached over all channels (feature G14)."""

    per_day: Annotated[int, whole(1, 100)] | None = Field(None, description="In a day.")
    per_week: Annotated[int, whole(1, 700)] | None = Field(None, description="In a week.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.per_day is not None and self.per_week is not None and self.per_week < self.per_day:
            yield Broken(("per_week",), f"{self.per_week} is less than per_day", f"{self.per_day} or more")


class NumberTimes(Section):
    """When one type of number is not called."""

    quiet: Annotated[tuple[QuietSpan, ...], Filled] = Field(description="Spans in which it is not dialled.")


class Schedule(Section):
    """Quiet hours of each type of number, and the order of types (feature G14)."""

    mobile: NumberTimes | None = Field(None, description="Mobile numbers.")
    business: NumberTimes | None = Field(None, description="Numbers at work.")
    home: NumberTimes | None = Field(None, description="Numbers at home.")
    order: Annotated[tuple[NumberType, ...], Filled, Unique] = Field(
        ("mobile",), description="Types that are used, in order."
    )
    time_zone: Literal["contact", "utc"] = Field(
        "contact", description="Whose clock; UTC where a contact has none."
    )

    def times(self, type_: NumberType) -> NumberTimes | None:
        """The quiet hours of one type."""
        times: NumberTimes | None = getattr(self, type_)
        return times

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        for index, type_ in enumerate(self.order):
            if self.times(type_) is None:
                yield Broken(
                    ("order", index),
                    f"{type_} has no quiet hours",
                    f'{type_}: {{quiet: ["21:00-08:00"]}} beside it',
                )

"""engagements: outbound campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from config.compliance import PACKS, Pack, Since
from config.dialing import (
    Abandoned,
    Ai,
    DisplayNumbers,
    Frequency,
    MachineAction,
    Predictive,
    Preview,
    Reattempts,
    Rules,
    Schedule,
)
from config.faults import Broken, choice
from config.scalars import AgentName, Name, QueueName, Text, seconds, spell
from config.section import Refers, Section, Unique
from config.times import uncovered
from config.workstreams import InboundWorkstream, OutboundWorkstream

if TYPE_CHECKING:
    from config.settings import Settings

Mode = Literal["copilot", "preview", "progressive", "predictive"]


@dataclass(frozen=True, slots=True)
class Abandonment:
    """What holds for abandoned calls once the compliance pack has filled in what the YAML leaves out."""

    after: float
    since: Since
    rate: float
    window: float


class Engagement(Section):
    """One campaign (section G of the feature contract)."""

    name: Text = Field(description="Shown to agents.")
    description: Text | None = Field(None, description="Shown to agents.")
    owner: AgentName | None = Field(None, description="Who answers for it.")
    workstream: Annotated[Name, Refers("workstreams")] = Field(description="An outbound workstream.")
    channel: Literal["voice", "sms"] = Field("voice", description="How contacts are reached.")
    led_by: Literal["agents", "ai"] = Field("agents", description="Who talks to them.")
    identifier: Name = Field(
        "contactid", description="contactid, or an attribute of contacts that is unique."
    )
    queue: QueueName | None = Field(
        None, description="Whose agents; the workstream's fallback queue when left out."
    )
    fallback_queue: QueueName | None = Field(None, description="Takes over when the queue cannot.")
    skills: Annotated[tuple[Name, ...], Unique] = Field((), description="Skills that agents must have.")
    priority: Literal["normal", "high", "critical"] = Field(
        "normal", description="Strict between engagements."
    )
    order: Literal["earliest_end", "lifo", "fifo", "priority_ascending", "priority_descending"] = Field(
        "fifo", description="Which contact is next."
    )
    mode: Mode = Field("preview", description="How many calls are launched, and when.")
    ring: Annotated[float, seconds(3, 60)] = Field(30.0, description="How long a contact is rung.")
    preview: Preview = Field(Preview(), description="Of mode preview.")
    predictive: Predictive = Field(Predictive(), description="Of mode predictive.")
    ai: Ai | None = Field(None, description="Of engagements led by AI.")
    rules: Rules = Field(Rules(), description="What makes it hold back.")
    answering_machine: MachineAction = Field(MachineAction(), description="When a machine answers.")
    abandoned: Abandoned = Field(Abandoned(), description="Live answers without an agent.")
    display_numbers: DisplayNumbers | None = Field(
        None, description="Numbers shown; the workstream's when left out."
    )
    reattempts: Reattempts = Field(Reattempts(), description="Dialling again.")
    frequency: Frequency = Field(Frequency(), description="How often a contact may be reached.")
    schedule: Schedule | None = Field(None, description="Quiet hours and order of number types.")
    compliance: Literal["none", "us", "uk"] = Field(
        "none", description="The law that fixes limits and defaults."
    )

    @property
    def pack(self) -> Pack:
        """The limits of the law."""
        return PACKS[self.compliance]

    @property
    def abandonment(self) -> Abandonment:
        """Limits on abandoned calls, complete."""
        given, pack, free = self.abandoned, self.pack, self.compliance == "none"
        return Abandonment(
            after=given.after if given.after is not None else min(2.0, pack.after),
            since=given.since or ("answer" if free else pack.since),
            rate=given.rate if given.rate is not None else min(0.03, pack.rate),
            window=given.window if given.window is not None else pack.window,
        )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Who leads, the workstream, numbers, schedule, and the law."""
        yield from self._leading()
        yield from self._rules()
        yield from self._reaching(deployment)
        yield from self._display_numbers(deployment)
        yield from self._schedule()
        yield from self._law()

    def _leading(self) -> Iterator[Broken]:
        if self.mode == "copilot" and self.led_by != "ai":
            yield Broken(
                ("mode",), "copilot is led by AI", "preview, progressive or predictive, or led_by: ai"
            )
        if self.mode == "preview" and self.led_by != "agents":
            yield Broken(
                ("mode",), "preview is led by agents", "copilot, progressive or predictive, or led_by: agents"
            )

    def _rules(self) -> Iterator[Broken]:
        only_ai = ("average_wait", "escalations", "open_escalations")
        for key in only_ai:
            if getattr(self.rules, key) is not None and self.led_by != "ai":
                yield Broken(
                    ("rules", key), f"{key} is a rule of engagements led by AI", "abandonment, queue_share"
                )
            elif key != "average_wait" and getattr(self.rules, key) is not None and self.mode != "copilot":
                yield Broken(("rules", key), f"{key} is a rule of mode copilot", "abandonment, average_wait")
        if self.rules.queue_share is not None and self.led_by == "ai" and self.mode != "predictive":
            yield Broken(
                ("rules", "queue_share"),
                "led by AI it is a rule of mode predictive",
                "abandonment, average_wait",
            )

    def _reaching(self, deployment: Settings) -> Iterator[Broken]:
        workstream = deployment.workstreams.get(self.workstream)
        if isinstance(workstream, InboundWorkstream):
            yield Broken(
                ("workstream",), f"{self.workstream} is inbound", "a workstream with direction: outbound"
            )
        if isinstance(workstream, OutboundWorkstream):
            if self.queue is None and workstream.fallback_queue is None:
                yield Broken(
                    (),
                    "has no queue, nor has its workstream",
                    "queue: NAME, or fallback_queue in the workstream",
                )
            if (
                self.led_by == "ai"
                and workstream.ai_agent is None
                and (self.ai is None or self.ai.agent is None)
            ):
                yield Broken(
                    ("led_by",), "no AI agent is named", "ai: {agent: NAME}, or ai_agent in the workstream"
                )
        attribute = deployment.contacts.attributes.get(self.identifier)
        if self.identifier != "contactid" and (attribute is None or not attribute.unique):
            unique = [name for name, known in deployment.contacts.attributes.items() if known.unique]
            message = f"{self.identifier} is not an attribute of contacts marked unique"
            yield Broken(("identifier",), message, choice(self.identifier, ["contactid", *unique]))

    def _display_numbers(self, deployment: Settings) -> Iterator[Broken]:
        workstream = deployment.workstreams.get(self.workstream)
        if self.display_numbers is None or not isinstance(workstream, OutboundWorkstream):
            return
        own = deployment.numbers.get(workstream.number)
        for at, key in self.display_numbers.shown:
            number = deployment.numbers.get(key)
            if number is None:
                continue
            where = ("display_numbers", *at)
            if number.use != "shared" or not number.outbound:
                yield Broken(
                    where, f"{key} is not a shared number enabled for outbound", "use: shared, outbound: true"
                )
            if own is not None and number.kind != own.kind:
                yield Broken(
                    where,
                    f"{key} is {number.kind}, the workstream's number {own.kind}",
                    f"{own.kind} numbers",
                )
            for name, other in deployment.workstreams.items():
                if name != self.workstream and key in numbers_of(other):
                    yield Broken(
                        where, f"workstream {name} uses {key}", "numbers that no other workstream uses"
                    )

    def _schedule(self) -> Iterator[Broken]:
        order = self.schedule.order if self.schedule else ()
        for index, type_ in enumerate(order):
            if self.channel == "sms" and type_ != "mobile":
                yield Broken(("schedule", "order", index), f"SMS cannot reach a {type_} number", "mobile")

    def _law(self) -> Iterator[Broken]:
        pack, given, whose = self.pack, self.abandoned, f"compliance: {self.compliance}"
        if self.ring < pack.ring:
            yield Broken(
                ("ring",), f"{spell(self.ring)} is too short under {whose}", f"{spell(pack.ring)} to 60s"
            )
        if self.compliance == "none":
            return
        if given.rate is not None and given.rate > pack.rate:
            yield Broken(
                ("abandoned", "rate"), f"{given.rate:g} is too high under {whose}", f"0 to {pack.rate:g}"
            )
        if given.window is not None and given.window != pack.window:
            yield Broken(
                ("abandoned", "window"), f"{spell(given.window)} is not that of {whose}", spell(pack.window)
            )
        if given.after is not None and given.after > pack.after:
            yield Broken(
                ("abandoned", "after"),
                f"{spell(given.after)} is too long under {whose}",
                f"1s to {spell(pack.after)}",
            )
        if given.since == "greeting_end" and pack.since == "answer":
            yield Broken(("abandoned", "from"), f"greeting_end is too late under {whose}", "answer")
        yield from self._treatment(pack, whose)
        yield from self._quiet(pack, whose)

    def _treatment(self, pack: Pack, whose: str) -> Iterator[Broken]:
        may_abandon = self.channel == "voice" and self.mode != "preview"
        if not may_abandon:
            return
        if pack.message and self.abandoned.message is None:
            yield Broken(
                ("abandoned",),
                f"has no message, which {whose} asks for",
                "message: {say: who called and on what number}",
            )
        if self.abandoned.treatment == "hang_up":
            yield Broken(
                ("abandoned", "treatment"),
                f"hang_up is silent, which {whose} forbids",
                "message, voicemail, queue",
            )
        if pack.opt_out and self.abandoned.opt_out_key is None:
            yield Broken(
                ("abandoned",),
                f"has no opt_out_key, which {whose} asks for",
                'opt_out_key: "9" or another key',
            )

    def _quiet(self, pack: Pack, whose: str) -> Iterator[Broken]:
        if pack.quiet is None:
            return
        if self.schedule is None:
            yield Broken(
                (), f"has no schedule, which {whose} asks for", f'a schedule with quiet: ["{pack.quiet}"]'
            )
            return
        if pack.local_time and self.schedule.time_zone != "contact":
            yield Broken(("schedule", "time_zone"), f"{whose} counts by the contact's clock", "contact")
        for type_ in self.schedule.order:
            times = self.schedule.times(type_)
            open_at = None if times is None else uncovered(times.quiet, pack.quiet)
            if open_at is not None:
                said = f"calls at {open_at // 60:02}:{open_at % 60:02} are against {whose}"
                yield Broken(("schedule", type_, "quiet"), said, f'all of "{pack.quiet}" quiet')


def numbers_of(workstream: InboundWorkstream | OutboundWorkstream) -> tuple[str, ...]:
    """The numbers that a workstream uses."""
    return workstream.numbers if isinstance(workstream, InboundWorkstream) else (workstream.number,)

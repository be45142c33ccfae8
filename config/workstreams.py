"""workstreams: from a called number to a queue, and from an engagement to a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, Tag

from config.faults import Broken
from config.profiles import Templates
from config.queues import Overflow
from config.recordings import Transcribing
from config.scalars import AiAgentName, HoursName, Language, NumberPattern, NumberRef, QueueName, Text, tagged
from config.section import AnyNamed, Filled, Frozen, Section, Unique, by_word

if TYPE_CHECKING:
    from config.settings import Settings


DIRECTIONS = ("inbound", "outbound")


class When(Section):
    """What must hold for a route; all that is given."""

    number: NumberPattern | None = Field(None, description="The number that was called.")
    caller: NumberPattern | None = Field(None, description="The caller's number.")
    hours: HoursName | None = Field(None, description="Opening hours that it is within.")
    language: Language | None = Field(None, description="The caller's language.")
    attributes: AnyNamed[Text] = Field(
        default_factory=Frozen, description="Attributes of the contact and their values."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        for name in self.attributes:
            if name not in deployment.contacts.attributes:
                known = ", ".join(deployment.contacts.attributes) or "none: contacts.attributes is empty"
                yield Broken(("attributes", name), "contacts have no such attribute", known)
        if not self.model_fields_set:
            yield Broken(
                (),
                "names no condition",
                "no when at all, or one of number, caller, hours, language, attributes",
            )


class Route(Section):
    """A queue for the calls that fit."""

    when: When | None = Field(None, description="Which calls; all when left out.")
    queue: QueueName = Field(description="The queue.")
    overflow: Overflow | None = Field(None, description="Rules instead of the queue's own.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.overflow is not None:
            yield from self.overflow.returning_to(self.queue, "overflow")


class WorkstreamBase(Section):
    """What both directions share."""

    language: Language | None = Field(
        None, description="Language of its calls; the organisation's when left out."
    )
    recording: Transcribing = Field(
        "transcription_and_recording", description="What is kept of what is said."
    )
    fallback_queue: QueueName | None = Field(None, description="Takes calls that nothing else takes.")
    templates: Templates = Field(Templates(), description="Notifications by occasion.")


class InboundWorkstream(WorkstreamBase):
    """Routes called numbers to queues (feature C5)."""

    direction: Annotated[Literal["inbound"], tagged("inbound", *DIRECTIONS)] = Field(
        description="Calls come in."
    )
    numbers: Annotated[tuple[NumberRef, ...], Filled, Unique] = Field(description="The called numbers.")
    routes: Annotated[tuple[Route, ...], Filled] = Field(
        description="First match wins; no match is the fallback queue's."
    )

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Shared inbound numbers, each in one workstream; no route behind one that takes all."""
        for index, key in enumerate(self.numbers):
            number = deployment.numbers.get(key)
            if number is not None and (number.use != "shared" or not number.inbound):
                message = f"{key} is not a shared number that is enabled for inbound"
                yield Broken(("numbers", index), message, "a number with use: shared, inbound: true")
            for name, other in deployment.workstreams.items():
                if other is not self and isinstance(other, InboundWorkstream) and key in other.numbers:
                    message = f"{key} is also in workstream {name}"
                    yield Broken(("numbers", index), message, "each number in one inbound workstream")
        catch_all = next((i for i, route in enumerate(self.routes) if route.when is None), len(self.routes))
        for index in range(catch_all + 1, len(self.routes)):
            yield Broken(
                ("routes", index),
                f"never reached: route {catch_all} takes every call",
                "the route without when last",
            )


class OutboundWorkstream(WorkstreamBase):
    """What the calls of engagements show and where they go."""

    direction: Annotated[Literal["outbound"], tagged("outbound", *DIRECTIONS)] = Field(
        description="Calls go out."
    )
    number: NumberRef = Field(description="The number that calls show.")
    ai_agent: AiAgentName | None = Field(None, description="The voice bot of AI-led engagements.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        number = deployment.numbers.get(self.number)
        if number is not None and (number.use != "shared" or not number.outbound):
            message = f"{self.number} is not a shared number that is enabled for outbound"
            yield Broken(("number",), message, "a number with use: shared, outbound: true")
        for name, other in deployment.workstreams.items():
            if other is not self and isinstance(other, OutboundWorkstream) and other.number == self.number:
                yield Broken(
                    ("number",), f"{self.number} is also workstream {name}'s", "each number in one workstream"
                )


Workstream = Annotated[
    Annotated[InboundWorkstream, Tag("<inbound>")] | Annotated[OutboundWorkstream, Tag("<outbound>")],
    by_word("direction", *DIRECTIONS),
]

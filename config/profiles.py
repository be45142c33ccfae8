"""profiles and notification_templates: what agents may do in direct calls, and what they are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from config.faults import Broken
from config.recordings import Transcribing
from config.scalars import (
    CapacityName,
    Flag,
    Language,
    Music,
    Named,
    NumberRef,
    QueueName,
    TemplateName,
    Text,
    matching,
)
from config.section import Filled, Frozen, Section, Unique

if TYPE_CHECKING:
    from config.settings import Settings

DEFAULT = "default"
"""The profile of agents who have none; it exists whether the YAML has it or not."""
_DOTTED = r"[a-z_]+(\.[A-Za-z_]+)*"


class Templates(Section):
    """Notifications by occasion."""

    session: TemplateName | None = Field(None, description="A call comes.")
    consult: TemplateName | None = Field(None, description="A colleague asks.")
    transfer: TemplateName | None = Field(None, description="A colleague passes a call on.")


class Profile(Section):
    """What inbound and outbound profiles share."""

    queue: QueueName | None = Field(None, description="The queue that its calls count for.")
    capacity: Annotated[tuple[CapacityName, ...], Unique] = Field(
        (), description="Capacity profiles that its calls use."
    )
    hold_music: Music = Field("builtin:hold", description="Heard on hold.")
    wait_music: Music = Field("builtin:wait", description="Heard before the agent answers.")
    transfer_external: Flag = Field(False, description="Whether calls may be transferred outside.")
    consult: Flag = Field(True, description="Whether colleagues may be asked during a call.")
    recording: Transcribing = Field("none", description="What is kept of what is said.")
    start: Literal["automatic", "manual"] = Field("automatic", description="Who starts recording.")
    pause: Flag = Field(True, description="Whether the agent may pause and resume it.")
    templates: Templates = Field(Templates(), description="Notifications by occasion.")

    def missing(self, *keys: str) -> Iterator[Broken]:
        """Keys that a profile must have, and the default one need not."""
        for key in keys:
            if not getattr(self, key):
                yield Broken((), f"has no {key}", f"{key}: ... in every profile but default")


class InboundProfile(Profile):
    """Direct calls to an agent's own number (feature C1)."""

    number: NumberRef | None = Field(None, description="The personal number; default has none.")
    language: Language | None = Field(
        None, description="Language of its calls; the organisation's when left out."
    )

    def rules(self, name: str, deployment: Settings) -> Iterator[Broken]:
        """Exactly one personal, geographic, inbound number that belongs to an agent of the profile."""
        if name == DEFAULT:
            for key in ("number", "language"):
                if getattr(self, key) is not None:
                    yield Broken(
                        (key,),
                        f"the default profile has no {key} of its own",
                        "nothing (see profiles.language)",
                    )
            return
        yield from self.missing("number", "queue", "capacity")
        yield from self._number(name, deployment)

    def _number(self, name: str, deployment: Settings) -> Iterator[Broken]:
        number = deployment.numbers.get(self.number or "")
        if number is None:
            return
        if number.use != "personal" or number.kind != "geographic" or not number.inbound:
            message = f"{self.number} is not a personal geographic number that is enabled for inbound"
            yield Broken(("number",), message, "a number with use: personal, kind: geographic, inbound: true")
            return
        agent = deployment.agents.get(number.agent or "")
        if agent is not None and agent.inbound_profile != name:
            message = f"{self.number} belongs to {number.agent}, whose inbound_profile is not {name}"
            yield Broken(("number",), message, "a number of an agent with this inbound_profile")


class OutboundProfile(Profile):
    """Calls that agents dial (feature C3)."""

    numbers: Annotated[tuple[NumberRef, ...], Unique] = Field(
        (), description="Shared numbers that calls may show."
    )
    label: Text | None = Field(None, description="What the number is called to the agent; the number's name.")

    def rules(self, name: str, deployment: Settings) -> Iterator[Broken]:
        """Numbers that are shared and enabled for outbound."""
        if name != DEFAULT:
            yield from self.missing("numbers", "queue", "capacity")
        for index, key in enumerate(self.numbers):
            number = deployment.numbers.get(key)
            if number is not None and (number.use != "shared" or not number.outbound):
                message = f"{key} is not a shared number that is enabled for outbound"
                yield Broken(("numbers", index), message, "a number with use: shared, outbound: true")


class Profiles(Section):
    """Inbound and outbound profiles by name."""

    language: Language | None = Field(
        None, description="Of both default profiles; the organisation's when left out."
    )
    inbound: Named[InboundProfile] = Field(default_factory=Frozen, description="Profiles of direct calls.")
    outbound: Named[OutboundProfile] = Field(default_factory=Frozen, description="Profiles of dialled calls.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """Each profile's rules, which depend on its name."""
        for name, inbound in self.inbound.items():
            for rule in inbound.rules(name, deployment):
                yield Broken(("inbound", name, *rule.at), rule.message, rule.allowed)
        for name, outbound in self.outbound.items():
            for rule in outbound.rules(name, deployment):
                yield Broken(("outbound", name, *rule.at), rule.message, rule.allowed)


class NotificationTemplate(Section):
    """What an agent is told about a call."""

    title: Text = Field(description="The headline; {customer.name}, {queue.name} and the like are filled in.")
    fields: (
        Annotated[
            tuple[Annotated[str, matching(_DOTTED, "a field such as customer.number")], ...], Filled, Unique
        ]
        | None
    ) = Field(None, description="Fields shown below it.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        for found in re.findall(r"\{[^{}]*\}|[{}]", self.title):
            if not re.fullmatch(rf"\{{{_DOTTED}\}}", found):
                yield Broken(
                    ("title",), f"the placeholder {found} cannot be filled in", "such as {customer.name}"
                )

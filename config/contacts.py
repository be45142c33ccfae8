"""contacts, suppressions and do_not_call: who is called, and who is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from config.faults import Broken
from config.scalars import Flag, InputFile, Name, Named, Text, matching
from config.section import Frozen, Refers, Section
from config.times import Day

if TYPE_CHECKING:
    from config.settings import Settings

EngagementName = Annotated[Name, Refers("engagements")]


class Attribute(Section):
    """Something that is known about contacts beside name and numbers."""

    type: Literal["text", "number", "date", "flag"] = Field("text", description="What its values are.")
    unique: Flag = Field(False, description="Whether no two contacts have the same value.")


class Contacts(Section):
    """The people that engagements reach."""

    attributes: Named[Attribute] = Field(default_factory=Frozen, description="Attributes by name.")


class Suppression(Section):
    """Deliveries that are not dialled; all filters must fit (feature G16)."""

    engagement: EngagementName | None = Field(None, description="Of this engagement.")
    country: Annotated[str, matching(r"[A-Z]{2}", "two capital letters (ISO 3166), such as US")] | None = (
        Field(None, description="In this country.")
    )
    state: Text | None = Field(None, description="In this state.")
    postal_code: Text | None = Field(None, description="With this postal code.")
    until: Day | None = Field(None, description="Last day; without it what is queued now is cancelled.")
    comment: Text | None = Field(None, description="Why.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if not any((self.engagement, self.country, self.state, self.postal_code)):
            yield Broken((), "has no filter", "one or more of engagement, country, state, postal_code")


class DoNotCall(Section):
    """Numbers that are never dialled."""

    file: InputFile = Field(description="A list of numbers, one to a line.")

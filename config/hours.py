"""hours: when queues are open, and what callers hear when they are not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from config.faults import Broken
from config.prompts import Prompt, ResponseCode, keys_used_twice
from config.scalars import Text, Zone, seconds
from config.section import Section
from config.targets import AwayAction
from config.times import Day, OpenSpan, overlapping

if TYPE_CHECKING:
    from config.settings import Settings

Weekdays = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Spans = tuple[OpenSpan, ...]


class Week(Section):
    """Spans of each day; a day that is not named is closed."""

    mon: Spans = Field((), description="Monday.")
    tue: Spans = Field((), description="Tuesday.")
    wed: Spans = Field((), description="Wednesday.")
    thu: Spans = Field((), description="Thursday.")
    fri: Spans = Field((), description="Friday.")
    sat: Spans = Field((), description="Saturday.")
    sun: Spans = Field((), description="Sunday.")

    def day(self, weekday: int) -> Spans:
        """The spans of a day; Monday is 0, as datetime.weekday() counts."""
        spans: Spans = getattr(self, Weekdays[weekday])
        return spans

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        for weekday, name in enumerate(Weekdays):
            pair = overlapping(self.day(weekday))
            if pair is not None:
                yield Broken((name,), f"{pair[0]} and {pair[1]} overlap", "spans that do not")


OFFICE_WEEK = Week.model_validate({day: ["08:00-17:00"] for day in Weekdays[:5]})


class Holiday(Section):
    """Days on which it is closed all day."""

    name: Text | None = Field(None, description="What is celebrated.")
    first: Day = Field(alias="from", description="First day, YYYY-MM-DD.")
    last: Day | None = Field(None, alias="to", description="Last day; the first when left out.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        if self.last is not None and self.last < self.first:
            yield Broken(("to",), f"{self.last} is before {self.first}", f"{self.first} or later")

    def holds(self, day: date) -> bool:
        """Whether a day is part of it."""
        return self.first <= day <= (self.last or self.first)


class Away(Section):
    """What callers hear when it is closed."""

    message: Prompt | None = Field(None, description="What they hear.")
    response_codes: tuple[ResponseCode, ...] = Field(
        (), description="Keys that do something after the message."
    )
    wait_for_response: Annotated[float, seconds(1, 60)] = Field(
        5.0, description="How long a key is waited for."
    )
    then: AwayAction = Field("end", description="What happens when the queue has no out_of_hours rule.")

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        yield from keys_used_twice(self.response_codes, "response_codes")


class Hours(Section):
    """One set of opening hours."""

    time_zone: Zone | None = Field(None, description="IANA time zone; the organisation's when left out.")
    week: Week = Field(
        OFFICE_WEEK, description="Open spans of each day; Monday to Friday 08:00-17:00 when left out."
    )
    holidays: tuple[Holiday, ...] = Field((), description="Days on which it is closed.")
    away: Away = Field(Away(), description="What callers hear when it is closed.")

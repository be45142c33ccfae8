"""Spans of a day."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated

from config.faults import Wrong
from config.scalars import words
from config.section import shown


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Wrong(f"{shown(text)} is not a day", "YYYY-MM-DD") from error


Day = Annotated[date, words(_day, "YYYY-MM-DD", {"type": "string", "format": "date"}, str)]
DAY = 24 * 60
_SPAN = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Span:
    """From one minute of the day to another, the second not included; 24:00 is 1440."""

    start: int
    """Minutes after midnight on the wall clock."""
    end: int
    """Smaller than start when the span runs over midnight."""

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day lies in the span."""
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def _span(text: str) -> Span:
    allowed = 'HH:MM-HH:MM between 00:00 and 24:00, in quotes, such as "08:00-17:00"'
    match = _SPAN.fullmatch(text)
    if match is None:
        raise Wrong(f"{shown(text)} is not a span of a day", allowed)
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if start >= DAY or end > DAY or start == end:
        raise Wrong(f"{shown(text)} is not a span of a day", allowed)
    return Span(start, end)


def _opening(text: str) -> Span:
    span = _span(text)
    if span.end < span.start:
        raise Wrong(
            f"{shown(text)} ends before it starts",
            'two spans, one up to "24:00" and one from "00:00" the next day',
        )
    return span


_SCHEMA = {
    "type": "string",
    "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
    "examples": ["08:00-17:00"],
}
_WHAT = 'a span such as "08:00-17:00"'
OpenSpan = Annotated[Span, words(_opening, _WHAT, _SCHEMA, str)]
"""Within one day."""
QuietSpan = Annotated[Span, words(_span, _WHAT, _SCHEMA, str)]
"""May run over midnight."""


def uncovered(spans: Iterable[Span], wanted: Span) -> int | None:
    """The first minute of `wanted` that no span holds; None when all are held."""
    every = list(spans)
    minutes = range(DAY)
    return next((m for m in minutes if wanted.holds(m) and not any(span.holds(m) for span in every)), None)


def overlapping(spans: Iterable[Span]) -> tuple[Span, Span] | None:
    """Two spans of one day that share a minute."""
    ordered = sorted(spans, key=lambda span: span.start)
    return next(((one, two) for one, two in pairwise(ordered) if two.start < one.end), None)

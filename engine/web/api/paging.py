"""Pages of a list: a limit, a cursor that says what came last, the next one; and the words that lists are asked in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypedDict, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")
Row = TypeVar("Row")

Word = Annotated[str, Meta(max_length=128, pattern=r"^[^\x00-\x1f]*$")]
"""A value to look for."""
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its time zone.")]
PageLimit = Annotated[int, Meta(ge=1, le=200, description="Entries of a page.")]
ABOUT = "`next` of the page before."
NameCursor = Annotated[str, Meta(max_length=128, pattern=r"^[^\x00-\x1f]*$", description=ABOUT)]

TimeCursor = Annotated[
    str, Meta(max_length=96, pattern=r"^[0-9]{1,10}(\.[0-9]{1,9})?,[!-~]{1,64}$", description=ABOUT)
]
"""When the last entry of a page was, in seconds since 1970, and its id."""


def cursor_at(wall: float, id: str) -> str:
    """A place in a list that is in the order of times."""
    return f"{wall:.9f}".rstrip("0").rstrip(".") + f",{id}"


def place_of(cursor: str) -> tuple[float, str]:
    """The place that a cursor stands for."""
    wall, _, id = cursor.partition(",")
    return float(wall), id


class Paging(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every list can be asked."""

    limit: PageLimit = 50
    cursor: NameCursor | None = None


class TimePaging(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every list in the order of times can be asked; the newest come first."""

    limit: PageLimit = 50
    cursor: TimeCursor | None = None
    since: Moment | None = None
    """Then or later."""
    until: Moment | None = None
    """Before."""

    def window(self) -> Window:
        """The same for the store, with one entry more, which tells whether another page follows."""
        return {
            "limit": self.limit + 1,
            "after": place_of(self.cursor) if self.cursor is not None else None,
            "since": self.since.timestamp() if self.since else None,
            "until": self.until.timestamp() if self.until else None,
        }


class Window(TypedDict):
    """The fields that every search in the order of times has."""

    limit: int
    after: tuple[float, str] | None
    since: float | None
    until: float | None


class Page(msgspec.Struct, Generic[T]):
    """Some entries of a list."""

    items: list[T]
    next: str | None
    """Cursor of the page after this one; null when this is the last."""


def page_by_name(entries: Iterable[T], name: Callable[[T], str], asked: Paging) -> Page[T]:
    """A page of what has a name, in the order of names. The last one's name is the cursor."""
    after = asked.cursor
    rest = sorted((entry for entry in entries if after is None or name(entry) > after), key=name)
    items = rest[: asked.limit]
    return Page(items, name(items[-1]) if len(rest) > len(items) else None)


def page_by_time(
    rows: Sequence[Row], asked: TimePaging, key: Callable[[Row], tuple[float, str]], seen: Callable[[Row], T]
) -> Page[T]:
    """A page of what a search by `asked.window()` found; `key` is what it is ordered by."""
    items, more = rows[: asked.limit], len(rows) > asked.limit
    return Page([seen(row) for row in items], cursor_at(*key(items[-1])) if more else None)

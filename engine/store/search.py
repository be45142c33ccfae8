"""Looking conversations up: newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, or_, select

from engine.store.records import ChangeMade, ConversationRow
from engine.store.tables import audit, conversations

EXACT = ("queue", "agent", "number", "caller", "direction", "phase", "end")
"""Fields that are compared as they are."""


TOLD = ("who", "action", "target")
"""Fields of a change that are compared as they are."""


def storable(text: str) -> bool:
    """Whether a database can hold a text: no NUL (PostgreSQL), no lone surrogates. What it cannot, it has not."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(frozen=True, slots=True)
class Search:
    """Which conversations; None asks for nothing. Times are wall times."""

    limit: int
    after: tuple[float, str] | None = None
    """Start and id of the last one seen: only what stands behind it."""
    live: bool | None = None
    """True: without an end; False: with one."""
    since: float | None = None
    """Started then or later."""
    until: float | None = None
    """Started before."""
    queue: str | None = None
    agent: str | None = None
    number: str | None = None
    caller: str | None = None
    direction: str | None = None
    phase: str | None = None
    end: str | None = None

    def takes(self, row: ConversationRow) -> bool:
        """Whether a conversation is one of those asked for."""
        wanted = all(getattr(self, name) in (None, getattr(row, name)) for name in EXACT)
        live = self.live is None or self.live == (row.ended is None)
        since = self.since is None or row.started >= self.since
        until = self.until is None or row.started < self.until
        return wanted and live and since and until and (self.after is None or self.key(row) < self.after)

    def texts(self) -> Iterator[str]:
        """Every text in it."""
        yield from (text for name in EXACT if (text := getattr(self, name)) is not None)
        if self.after is not None:
            yield self.after[1]

    @staticmethod
    def key(row: ConversationRow) -> tuple[float, str]:
        """What pages are ordered by, the greatest first."""
        return row.started, row.id

    def query(self) -> Select[Any]:
        """The same as a statement."""
        column = conversations.c
        chosen = select(conversations).order_by(column.started.desc(), column.id.desc()).limit(self.limit)
        for name in EXACT:
            if (value := getattr(self, name)) is not None:
                chosen = chosen.where(column[name] == value)
        if self.live is not None:
            chosen = chosen.where(column.ended.is_(None) if self.live else column.ended.is_not(None))
        if self.since is not None:
            chosen = chosen.where(column.started >= self.since)
        if self.until is not None:
            chosen = chosen.where(column.started < self.until)
        if self.after is not None:
            started, id = self.after
            behind = or_(column.started < started, and_(column.started == started, column.id < id))
            chosen = chosen.where(behind)
        return chosen


@dataclass(frozen=True, slots=True)
class Changes:
    """Which changes of those that people made; None asks for nothing. Times are wall times."""

    limit: int
    after: tuple[float, str] | None = None
    """Time and id of the last one seen: only what stands behind it."""
    since: float | None = None
    until: float | None = None
    """Before."""
    who: str | None = None
    action: str | None = None
    target: str | None = None

    def takes(self, made: ChangeMade) -> bool:
        """Whether a change is one of those asked for."""
        wanted = all(getattr(self, name) in (None, getattr(made, name)) for name in TOLD)
        since = self.since is None or made.wall >= self.since
        until = self.until is None or made.wall < self.until
        return wanted and since and until and (self.after is None or self.key(made) < self.after)

    def texts(self) -> Iterator[str]:
        """Every text in it."""
        yield from (text for name in TOLD if (text := getattr(self, name)) is not None)
        if self.after is not None:
            yield self.after[1]

    @staticmethod
    def key(made: ChangeMade) -> tuple[float, str]:
        """What pages are ordered by, the greatest first."""
        return made.wall, made.id

    def query(self) -> Select[Any]:
        """The same as a statement."""
        column = audit.c
        chosen = select(audit).order_by(column.wall.desc(), column.id.desc()).limit(self.limit)
        for name in TOLD:
            if (value := getattr(self, name)) is not None:
                chosen = chosen.where(column[name] == value)
        if self.since is not None:
            chosen = chosen.where(column.wall >= self.since)
        if self.until is not None:
            chosen = chosen.where(column.wall < self.until)
        if self.after is not None:
            wall, id = self.after
            chosen = chosen.where(or_(column.wall < wall, and_(column.wall == wall, column.id < id)))
        return chosen

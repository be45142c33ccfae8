"""The store of flows in virtual time: nothing waits, nothing lasts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.store.records import (
    ConversationEnded,
    ConversationRow,
    ConversationStarted,
    EventNoted,
    JournalRow,
    PhaseEntered,
    Record,
    RecordingWhole,
    Tally,
    changes,
    first_row,
    journal_row,
)
from engine.store.reservations import Held, Reservation
from engine.store.search import Search


class MemoryStore:
    """A Store whose writes are done when `write` returns. What was written is there to look at."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        """`wall` is the clock by which reservations expire."""
        self._wall = wall
        self.held = Held()
        """The reservations, for who cannot wait."""
        self.written: list[Record] = []
        """Every record, in order."""
        self._conversations: dict[str, ConversationRow] = {}
        self._journals: dict[str, dict[int, JournalRow]] = {}
        self._recordings: dict[str, dict[tuple[str, float], RecordingWhole]] = {}

    def write(self, record: Record) -> None:
        self.written.append(record)
        match record:
            case ConversationStarted():
                self._conversations.setdefault(record.id, first_row(record))
            case PhaseEntered():
                self._note(record)
                self._change(record.conversation, record)
            case EventNoted():
                self._note(record)
            case ConversationEnded():
                self._change(record.id, record)
            case RecordingWhole():
                of_call = self._recordings.setdefault(record.conversation, {})
                of_call.setdefault((record.leg, record.started), record)

    async def flush(self) -> None:
        """Nothing is ever outstanding."""

    async def commit(self, records: Sequence[Record]) -> None:
        for record in records:
            self.write(record)

    async def conversation(self, id: str) -> ConversationRow | None:
        return self._conversations.get(id)

    async def unended(self, node: str) -> list[ConversationRow]:
        rows = (row for row in self._conversations.values() if row.node == node and row.ended is None)
        return sorted(rows, key=lambda row: (row.started, row.id))

    async def conversations(self, search: Search) -> list[ConversationRow]:
        rows = (row for row in self._conversations.values() if search.takes(row))
        return sorted(rows, key=search.key, reverse=True)[: search.limit]

    async def last_lines(self, node: str) -> dict[str, JournalRow]:
        journals = {row.id: await self.journal(row.id) for row in await self.unended(node)}
        return {id: lines[-1] for id, lines in journals.items() if lines}

    async def tally(self, node: str) -> Tally:
        rows = [row for row in self._conversations.values() if row.node == node]
        return Tally(len(rows), dict(Counter(row.end for row in rows if row.end is not None)))

    async def journal(self, conversation: str) -> list[JournalRow]:
        return sorted(self._journals.get(conversation, {}).values(), key=lambda row: row.seq)

    async def recordings(self, conversation: str) -> list[RecordingWhole]:
        of_call = self._recordings.get(conversation, {}).values()
        return sorted(of_call, key=lambda whole: (whole.started, whole.leg))

    async def reserve(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        return self.held.reserve(Reservation(kind, id, node, epoch, expires), self._wall())

    async def renew(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        return self.held.renew(Reservation(kind, id, node, epoch, expires), self._wall())

    async def release(self, kind: str, id: str, node: str, epoch: int) -> bool:
        return self.held.release(kind, id, node, epoch)

    async def reservations(self, node: str) -> list[Reservation]:
        return self.held.of(node)

    def _note(self, record: PhaseEntered | EventNoted) -> None:
        self._journals.setdefault(record.conversation, {}).setdefault(record.seq, journal_row(record))

    def _change(self, id: str, record: PhaseEntered | ConversationEnded) -> None:
        if (row := self._conversations.get(id)) is not None:
            self._conversations[id] = replace(row, **changes(record))  # type: ignore[arg-type]

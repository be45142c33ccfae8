"""The store of flows in virtual time: nothing waits, nothing lasts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from engine.store.records import (
    ChangeMade,
    ConversationEnded,
    ConversationRow,
    ConversationStarted,
    EventNoted,
    EventsTaken,
    EventTold,
    JournalRow,
    PhaseEntered,
    Position,
    PresenceChosen,
    Record,
    RecordingWhole,
    Tally,
    changes,
    first_row,
    journal_row,
)
from engine.store.reservations import Held, Reservation
from engine.store.search import Changes, Search
from engine.store.store import Fenced


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
        self._presences: dict[str, PresenceChosen] = {}
        self._events: dict[str, dict[Position, EventTold]] = {}
        self._positions: dict[str, dict[str, Position]] = {}
        self._changes: dict[str, ChangeMade] = {}

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
            case PresenceChosen():
                before = self._presences.get(record.agent)
                if before is None or record.wall >= before.wall:
                    self._presences[record.agent] = record
            case EventTold():
                place = (record.epoch, record.number)
                self._events.setdefault(record.node, {}).setdefault(place, record)
            case EventsTaken():
                of_node = self._positions.setdefault(record.node, {})
                before_it = of_node.get(record.receiver, (0, 0))
                of_node[record.receiver] = max(before_it, (record.epoch, record.number))
            case ChangeMade():
                self._changes.setdefault(record.id, record)

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

    async def changes(self, asked: Changes) -> list[ChangeMade]:
        made = (record for record in self._changes.values() if asked.takes(record))
        return sorted(made, key=asked.key, reverse=True)[: asked.limit]

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

    async def presences(self, since: float = 0.0) -> list[PresenceChosen]:
        return [chosen for _, chosen in sorted(self._presences.items()) if chosen.wall >= since]

    async def positions(self, node: str) -> dict[str, Position]:
        return dict(self._positions.get(node, {}))

    async def events(self, node: str, after: Position, limit: int) -> list[EventTold]:
        of_node = self._events.get(node, {})
        return [of_node[place] for place in sorted(of_node) if place > after][:limit]

    async def forget_events(self, node: str, until: Position) -> None:
        of_node = self._events.get(node, {})
        self._events[node] = {place: event for place, event in of_node.items() if place > until}

    async def begin(self, node: str) -> int:
        return self.held.begin(node, self._wall())

    async def still_here(self, node: str, epoch: int, since: float) -> frozenset[str]:
        if not self.held.still_here(node, epoch, self._wall()):
            raise Fenced(f"a later life of node {node} has begun")
        return self.held.others(node, since)

    async def reserve(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        return self.held.reserve(Reservation(kind, id, node, epoch, expires), self._wall())

    async def renew(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        return self.held.renew(Reservation(kind, id, node, epoch, expires), self._wall())

    async def release(self, kind: str, id: str, node: str, epoch: int) -> bool:
        return self.held.release(kind, id, node, epoch)

    async def reserve_all(
        self, kind: str, ids: Iterable[str], node: str, epoch: int, expires: float
    ) -> frozenset[str]:
        return frozenset([id for id in ids if await self.reserve(kind, id, node, epoch, expires)])

    async def renew_all(
        self, kind: str, ids: Iterable[str], node: str, epoch: int, expires: float
    ) -> frozenset[str]:
        return frozenset([id for id in ids if await self.renew(kind, id, node, epoch, expires)])

    async def release_all(self, kind: str, ids: Iterable[str], node: str, epoch: int) -> None:
        for id in ids:
            self.held.release(kind, id, node, epoch)

    async def taken(self, kind: str, node: str) -> frozenset[str]:
        return self.held.taken(kind, node, self._wall())

    async def reservations(self, node: str) -> list[Reservation]:
        return self.held.of(node)

    def _note(self, record: PhaseEntered | EventNoted) -> None:
        self._journals.setdefault(record.conversation, {}).setdefault(record.seq, journal_row(record))

    def _change(self, id: str, record: PhaseEntered | ConversationEnded) -> None:
        if (row := self._conversations.get(id)) is not None:
            self._conversations[id] = replace(row, **changes(record))  # type: ignore[arg-type]

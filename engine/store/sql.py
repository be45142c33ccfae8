"""The store in a database: SQLite in WAL mode or PostgreSQL, through SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Select, and_, delete, func, select, tuple_

from engine.store.access import FAILURES, Lane, down
from engine.store.batch import sort_out
from engine.store.databases import Database
from engine.store.durable import GroupCommit
from engine.store.records import (
    ChangeMade,
    ConversationRow,
    EventsTaken,
    EventTold,
    JournalRow,
    Position,
    PresenceChosen,
    Record,
    RecordingWhole,
    Tally,
)
from engine.store.reserving import Reserving
from engine.store.search import Changes, Search, storable
from engine.store.spool import Spool
from engine.store.store import RecordRefused
from engine.store.tables import (
    audit,
    change_conversation,
    conversations,
    events,
    insert_new,
    journal,
    positions,
    presence,
    put_position,
    put_presence,
    recordings,
)
from engine.store.writer import Writer

log = structlog.get_logger()
T = TypeVar("T")


class SqlStore(Reserving):
    """A Store in a database. `open.open_store` makes one that runs."""

    def __init__(self, database: Database, spool: Spool, wall: Callable[[], float]) -> None:
        super().__init__(database, wall)
        self.refused = 0
        """Late records the database will never take; each is in the log."""
        self.writer = Writer(self._commit_late, spool)
        self._durable = GroupCommit(self._commit_durably)
        tables = (conversations, journal, recordings, events, audit)
        self._inserts = (
            *((table.name, insert_new(table, database.name)) for table in tables),
            ("presence", put_presence(database.name)),
            ("positions", put_position(database.name)),
        )
        self._change = change_conversation()

    def write(self, record: Record) -> None:
        self.writer.write(record)

    async def flush(self) -> None:
        await self.writer.flush()

    async def commit(self, records: Sequence[Record]) -> None:
        await self.writer.flush()
        await self._durable.commit(records)

    async def conversation(self, id: str) -> ConversationRow | None:
        if not storable(id):
            return None
        rows = await self._rows(ConversationRow, select(conversations).where(conversations.c.id == id))
        return rows[0] if rows else None

    async def unended(self, node: str) -> list[ConversationRow]:
        live = select(conversations).where(conversations.c.node == node, conversations.c.ended.is_(None))
        return await self._rows(ConversationRow, live.order_by(conversations.c.started, conversations.c.id))

    async def conversations(self, search: Search) -> list[ConversationRow]:
        if not all(map(storable, search.texts())):
            return []
        return await self._rows(ConversationRow, search.query())

    async def changes(self, asked: Changes) -> list[ChangeMade]:
        if not all(map(storable, asked.texts())):
            return []
        return await self._rows(ChangeMade, asked.query())

    async def last_lines(self, node: str) -> dict[str, JournalRow]:
        live = and_(conversations.c.node == node, conversations.c.ended.is_(None))
        last = (
            select(journal.c.conversation, func.max(journal.c.seq).label("seq"))
            .join(conversations, conversations.c.id == journal.c.conversation)
            .where(live)
            .group_by(journal.c.conversation)
            .subquery()
        )
        same = and_(journal.c.conversation == last.c.conversation, journal.c.seq == last.c.seq)
        lines = await self._rows(JournalRow, select(journal).join(last, same))
        return {line.conversation: line for line in lines}

    async def tally(self, node: str) -> Tally:
        how = conversations.c.end
        counts = select(how, func.count().label("count")).where(conversations.c.node == node).group_by(how)
        by_end: dict[str | None, int] = dict(await self._rows(lambda end, count: (end, count), counts))
        ends = {end: count for end, count in by_end.items() if end is not None}
        return Tally(sum(by_end.values()), ends)

    async def journal(self, conversation: str) -> list[JournalRow]:
        if not storable(conversation):
            return []
        lines = select(journal).where(journal.c.conversation == conversation).order_by(journal.c.seq)
        return await self._rows(JournalRow, lines)

    async def recordings(self, conversation: str) -> list[RecordingWhole]:
        if not storable(conversation):
            return []
        of_call = select(recordings).where(recordings.c.conversation == conversation)
        return await self._rows(RecordingWhole, of_call.order_by(recordings.c.started, recordings.c.leg))

    async def presences(self, since: float = 0.0) -> list[PresenceChosen]:
        chosen = select(presence).where(presence.c.wall >= since).order_by(presence.c.agent)
        return await self._rows(PresenceChosen, chosen)

    async def positions(self, node: str) -> dict[str, Position]:
        rows = await self._rows(EventsTaken, select(positions).where(positions.c.node == node))
        return {row.receiver: (row.epoch, row.number) for row in rows}

    async def events(self, node: str, after: Position, limit: int) -> list[EventTold]:
        place = tuple_(events.c.epoch, events.c.number)
        later = select(events).where(events.c.node == node, place > tuple_(*after))
        return await self._rows(EventTold, later.order_by(events.c.epoch, events.c.number).limit(limit))

    async def forget_events(self, node: str, until: Position) -> None:
        place = tuple_(events.c.epoch, events.c.number)
        gone = delete(events).where(events.c.node == node, place <= tuple_(*until))
        await self._done(self._database.late, lambda connection: connection.execute(gone).close())

    async def _rows(self, kind: Callable[..., T], query: Select[Any]) -> list[T]:
        """Each row of a query as one of a kind. Raises StoreDown."""
        return await self._done(
            self._database.reading,
            lambda connection: [kind(**row) for row in connection.execute(query).mappings()],
        )

    async def _commit_late(self, records: Sequence[Record]) -> None:
        """Write a batch in one transaction; when one record spoils it, each in its own."""
        try:
            await self._write(self._database.late, records)
        except FAILURES as error:
            if not self._database.blames_record(error):
                raise down(error) from error
            await self._one_by_one(records, error)

    async def _one_by_one(self, records: Sequence[Record], error: Exception) -> None:
        if len(records) == 1:
            self.refused += 1
            log.error("record_refused", record=repr(records[0]), reason=str(error))
            return
        for record in records:
            await self._commit_late([record])

    async def _commit_durably(self, records: Sequence[Record]) -> None:
        try:
            await self._write(self._database.durable, records)
        except FAILURES as error:
            if self._database.blames_record(error):
                raise RecordRefused(str(error)) from error
            raise down(error) from error

    async def _write(self, lane: Lane, records: Sequence[Record]) -> None:
        await lane.run(lambda connection: self._put(connection, records), self._database.patience)

    def _put(self, connection: Connection, records: Sequence[Record]) -> None:
        """In the thread, as it takes a while: records become rows there too."""
        batch = sort_out(records)
        for table, insert in self._inserts:
            if rows := batch.new[table]:
                connection.execute(insert, rows)
        if batch.changed:
            connection.execute(self._change, list(batch.changed.values()))

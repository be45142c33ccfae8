"""The store in a database: SQLite in WAL mode or PostgreSQL, through SQLAlchemy Core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import structlog
from sqlalchemy import Delete, Select, Update, and_, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from engine.store import reservations as reserving
from engine.store.batch import Batch, sort_out
from engine.store.databases import Database
from engine.store.durable import GroupCommit
from engine.store.records import ConversationRow, JournalRow, Record, RecordingWhole, Tally
from engine.store.reservations import Reservation
from engine.store.search import Search
from engine.store.spool import Spool
from engine.store.store import RecordRefused, StoreDown
from engine.store.tables import change_conversation, conversations, insert_new, journal, recordings
from engine.store.writer import Writer

log = structlog.get_logger()

FAILURES = (SQLAlchemyError, UnicodeError, OverflowError, TimeoutError, OSError)
"""Everything that a transaction can end with besides its commit."""


class SqlStore:
    """A Store in a database. `open.open_store` makes one that runs."""

    def __init__(self, database: Database, spool: Spool, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall
        self._turn = asyncio.Lock()
        self.refused = 0
        """Late records the database will never take; each is in the log."""
        self.writer = Writer(self._commit_late, spool)
        self._durable = GroupCommit(self._commit_durably)
        tables = (conversations, journal, recordings)
        self._inserts = tuple((table.name, insert_new(table, database.name)) for table in tables)
        self._change = change_conversation()
        self._reserve = reserving.reserve_statement(database.name)
        self._renew = reserving.renew_statement()
        self._release = reserving.release_statement()

    def write(self, record: Record) -> None:
        self.writer.write(record)

    async def flush(self) -> None:
        await self.writer.flush()

    async def commit(self, records: Sequence[Record]) -> None:
        await self.writer.flush()
        await self._durable.commit(records)

    async def conversation(self, id: str) -> ConversationRow | None:
        rows = await self._read(select(conversations).where(conversations.c.id == id))
        return ConversationRow(**rows[0]) if rows else None

    async def unended(self, node: str) -> list[ConversationRow]:
        live = select(conversations).where(conversations.c.node == node, conversations.c.ended.is_(None))
        rows = await self._read(live.order_by(conversations.c.started, conversations.c.id))
        return [ConversationRow(**row) for row in rows]

    async def conversations(self, search: Search) -> list[ConversationRow]:
        return [ConversationRow(**row) for row in await self._read(search.query())]

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
        rows = await self._read(select(journal).join(last, same))
        return {row["conversation"]: JournalRow(**row) for row in rows}

    async def tally(self, node: str) -> Tally:
        how = conversations.c.end
        counts = select(how, func.count().label("count")).where(conversations.c.node == node).group_by(how)
        by_end = {row["end"]: row["count"] for row in await self._read(counts)}
        ends = {end: count for end, count in by_end.items() if end is not None}
        return Tally(sum(by_end.values()), ends)

    async def journal(self, conversation: str) -> list[JournalRow]:
        lines = select(journal).where(journal.c.conversation == conversation).order_by(journal.c.seq)
        return [JournalRow(**row) for row in await self._read(lines)]

    async def recordings(self, conversation: str) -> list[RecordingWhole]:
        of_call = select(recordings).where(recordings.c.conversation == conversation)
        rows = await self._read(of_call.order_by(recordings.c.started, recordings.c.leg))
        return [RecordingWhole(**row) for row in rows]

    async def reserve(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        columns = {"kind": kind, "id": id, "node": node, "epoch": epoch, "expires": expires}
        async with self._reserving() as connection:
            result = await connection.execute(self._reserve, columns | {"now": self._wall()})
            return result.first() is not None

    async def renew(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        times = {"until": expires, "now": self._wall()}
        return await self._to_mine(self._renew, kind, id, node, epoch, times)

    async def release(self, kind: str, id: str, node: str, epoch: int) -> bool:
        return await self._to_mine(self._release, kind, id, node, epoch, {})

    async def reservations(self, node: str) -> list[Reservation]:
        return [Reservation(**row) for row in await self._read(reserving.listing(node))]

    async def _to_mine(
        self, change: Update | Delete, kind: str, id: str, node: str, epoch: int, more: Mapping[str, float]
    ) -> bool:
        whose = {"its_kind": kind, "its_id": id, "its_node": node, "its_epoch": epoch}
        async with self._reserving() as connection:
            result = await connection.execute(change, {**whose, **more})
            return result.rowcount == 1

    @asynccontextmanager
    async def _reserving(self) -> AsyncIterator[AsyncConnection]:
        """A durable transaction; on SQLite in its turn, as waiting for a file's lock is slower."""
        turn = self._turn if self._database.name == "sqlite" else nullcontext()
        try:
            async with turn, self._transaction(self._database.durable) as connection:
                yield connection
        except FAILURES as error:
            raise self._down(error) from error

    async def _read(self, query: Select[Any]) -> list[dict[str, Any]]:
        try:
            async with asyncio.timeout(self._database.patience), self._database.late.connect() as connection:
                return [dict(row) for row in (await connection.execute(query)).mappings()]
        except FAILURES as error:
            raise self._down(error) from error

    async def _commit_late(self, records: Sequence[Record]) -> None:
        """Write a batch in one transaction; when one record spoils it, each in its own."""
        try:
            await self._write(self._database.late, sort_out(records))
        except FAILURES as error:
            if not self._database.blames_record(error):
                raise self._down(error) from error
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
            await self._write(self._database.durable, sort_out(records))
        except FAILURES as error:
            if self._database.blames_record(error):
                raise RecordRefused(str(error)) from error
            raise self._down(error) from error

    async def _write(self, engine: AsyncEngine, batch: Batch) -> None:
        async with self._turn, self._transaction(engine) as connection:
            for table, insert in self._inserts:
                if rows := batch.new[table]:
                    await connection.execute(insert, rows)
            if batch.changed:
                await connection.execute(self._change, list(batch.changed.values()))

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        async with asyncio.timeout(self._database.patience), engine.begin() as connection:
            yield connection

    def _down(self, error: Exception) -> StoreDown:
        reason = getattr(error, "orig", None) or error
        return StoreDown(str(reason).strip() or f"no answer within {self._database.patience} s")

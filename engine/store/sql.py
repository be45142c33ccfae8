"""The store in a database: SQLite in WAL mode, through SQLAlchemy Core and aiosqlite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Select, select
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.store.batch import Batch, sort_out
from engine.store.records import ConversationRow, JournalRow, Record, RecordingWhole
from engine.store.search import Search
from engine.store.store import StoreDown
from engine.store.tables import change_conversation, conversations, insert_new, journal, recordings
from engine.store.writer import Writer

log = structlog.get_logger()
RECORD_AT_FAULT = (IntegrityError, DataError, InterfaceError, ProgrammingError, UnicodeError, OverflowError)
"""Errors that come back however often the record is tried: text that is no Unicode, a null ..."""

INSERTS = tuple((table.name, insert_new(table)) for table in (conversations, journal, recordings))
CHANGE = change_conversation()


class SqlStore:
    """A Store in a database. `open.open_store` makes one that runs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.refused = 0
        """Records the database will never take; each is in the log."""
        self.writer = Writer(self._commit)

    def write(self, record: Record) -> None:
        self.writer.write(record)

    async def flush(self) -> None:
        await self.writer.flush()

    async def conversation(self, id: str) -> ConversationRow | None:
        rows = await self._read(select(conversations).where(conversations.c.id == id))
        return ConversationRow(**rows[0]) if rows else None

    async def unended(self, node: str) -> list[ConversationRow]:
        live = select(conversations).where(conversations.c.node == node, conversations.c.ended.is_(None))
        rows = await self._read(live.order_by(conversations.c.started, conversations.c.id))
        return [ConversationRow(**row) for row in rows]

    async def conversations(self, search: Search) -> list[ConversationRow]:
        return [ConversationRow(**row) for row in await self._read(search.query())]

    async def journal(self, conversation: str) -> list[JournalRow]:
        lines = select(journal).where(journal.c.conversation == conversation).order_by(journal.c.seq)
        return [JournalRow(**row) for row in await self._read(lines)]

    async def recordings(self, conversation: str) -> list[RecordingWhole]:
        of_call = select(recordings).where(recordings.c.conversation == conversation)
        rows = await self._read(of_call.order_by(recordings.c.started, recordings.c.leg))
        return [RecordingWhole(**row) for row in rows]

    async def _read(self, query: Select[Any]) -> list[dict[str, Any]]:
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    async def _commit(self, records: Sequence[Record]) -> None:
        """Write a batch in one transaction; when one record spoils it, each in its own."""
        try:
            await self._write(sort_out(records))
        except RECORD_AT_FAULT as error:
            await self._one_by_one(records, error)
        except DBAPIError as error:
            raise StoreDown(str(error.orig)) from error
        except StatementError as error:  # a value that is no JSON
            await self._one_by_one(records, error)

    async def _one_by_one(self, records: Sequence[Record], error: Exception) -> None:
        if len(records) == 1:
            self.refused += 1
            log.error("record_refused", record=repr(records[0]), reason=str(error))
            return
        for record in records:
            await self._commit([record])

    async def _write(self, batch: Batch) -> None:
        async with self._engine.begin() as connection:
            for table, insert in INSERTS:
                if rows := batch.new[table]:
                    await connection.execute(insert, rows)
            if batch.changed:
                await connection.execute(CHANGE, list(batch.changed.values()))

"""From the URL in the deployment to a database that can be written, or a clear no."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError

from engine.store.databases import ALLOWED, Database, StoreFault, database_at
from engine.store.migrate import SchemaFault, migrate
from engine.store.spool import Spool, SpoolTaken
from engine.store.sql import SqlStore
from engine.store.store import StoreDown
from engine.store.writer import Writer

log = structlog.get_logger()

CLOSE_WITHIN = 5.0
"""Seconds the last records have when the store is closed; after them they go to the spool."""


@asynccontextmanager
async def open_store(
    url: str, *, spool: Path | None = None, wall: Callable[[], float] = time.time
) -> AsyncIterator[SqlStore]:
    """The store at `url`, its schema brought up to date, running: `sqlite:///PATH` or `postgresql://...`.

    `spool` is the folder where records wait while the store is down, beside the database unless given; what
    an earlier engine left there is written before anything new. `wall` is the clock of reservations. Raises
    StoreFault. At the end what is still waiting has a few seconds to get down.
    """
    database = database_at(url)
    try:
        await prepare(database, url)
        folder = _spool(spool or database.spool)
        try:
            store = SqlStore(database, folder, wall)
            task = asyncio.create_task(store.writer.run(), name="store writer")
            try:
                yield store
            finally:
                await _finish(store.writer, task)
        finally:
            folder.close()
    finally:
        await database.dispose()


async def prepare(database: Database, url: str) -> None:
    """Bring the schema up to date. Raises StoreFault when the database cannot be reached, read or written."""
    shown = database.late.engine.url.set(drivername=database.name).render_as_string() if "@" in url else url
    try:
        await database.durable.run(migrate, patience=None)
    except (DBAPIError, sqlite3.Error) as error:
        reason = getattr(error, "orig", None) or error
        raise StoreFault(f"store.url: {shown}: {str(reason).strip()}; {ALLOWED}") from error
    except SchemaFault as fault:
        raise StoreFault(f"store.url: {shown}: {fault}") from fault


def _spool(folder: Path) -> Spool:
    try:
        spool = Spool(folder)
    except (SpoolTaken, OSError) as error:
        raise StoreFault(f"store.url: the folder for what the store cannot take: {error}") from error
    if spool.waiting:
        log.warning("spool_found", records=spool.waiting, folder=str(folder))
    return spool


async def _finish(writer: Writer, task: asyncio.Task[None]) -> None:
    try:
        async with asyncio.timeout(CLOSE_WITHIN):
            await writer.flush()
    except (StoreDown, TimeoutError) as error:
        log.error("store_closed_unwritten", records=writer.waiting, reason=str(error) or "took too long")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await writer.leave()

"""From the URL in the deployment to a database that can be written, or a clear no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.store.sql import SqlStore
from engine.store.store import StoreDown
from engine.store.tables import metadata
from engine.store.writer import Writer

log = structlog.get_logger()

ALLOWED = "allowed is sqlite:///PATH, where PATH is a file relative to the working folder"
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")
"""WAL so that readers and the writer do not wait for each other; a killed engine loses no commit."""


CLOSE_WITHIN = 5.0
"""Seconds the last records have when the store is closed."""


class StoreFault(Exception):
    """The store's URL leads to nothing that can be used; the text says what is wrong and what is allowed."""


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[SqlStore]:
    """The store at `url`, running: `sqlite:///PATH`, relative to the working folder.

    Raises StoreFault. At the end what is still waiting has a few seconds to get down.
    """
    engine = engine_for(url)
    try:
        await prepare(engine, url)
        store = SqlStore(engine)
        task = asyncio.create_task(store.writer.run(), name="store writer")
        try:
            yield store
        finally:
            await _finish(store.writer, task)
    finally:
        await engine.dispose()


def engine_for(url: str) -> AsyncEngine:
    """The engine for a URL; nothing is opened yet. Raises StoreFault."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        raise StoreFault(f"store.url: {parsed.drivername} is not spoken here; {ALLOWED}")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreFault(f"store.url: {url} names no file, and what is stored must survive; {ALLOWED}")
    path = Path(parsed.database).absolute()
    if not path.parent.is_dir():
        raise StoreFault(f"store.url: {url}: the folder {path.parent} does not exist; make it first")
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite", database=str(path)))
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


async def prepare(engine: AsyncEngine, url: str) -> None:
    """Make the tables that are missing. Raises StoreFault when the file cannot be read or written."""
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
    except DBAPIError as error:
        raise StoreFault(f"store.url: {url}: {error.orig}; {ALLOWED}") from error


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreFault(f"store.url: not a database URL; {ALLOWED}") from error


def _set_pragmas(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _finish(writer: Writer, task: asyncio.Task[None]) -> None:
    try:
        async with asyncio.timeout(CLOSE_WITHIN):
            await writer.flush()
    except (StoreDown, TimeoutError) as error:
        log.error("store_closed_unwritten", records=writer.waiting, reason=str(error) or "took too long")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

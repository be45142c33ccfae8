"""From the URL in the deployment to a database that can be written, or a clear no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.store.store import StoreUnusable
from engine.store.tables import metadata

ALLOWED = "allowed is sqlite:///PATH, where PATH is a file relative to the working folder"
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")
"""WAL so that readers and the writer do not wait for each other; a killed engine loses no commit."""


def engine_for(url: str) -> AsyncEngine:
    """The engine for a URL; nothing is opened yet. Raises StoreUnusable."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        raise StoreUnusable(f"store.url: {parsed.drivername} is not spoken here; {ALLOWED}")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreUnusable(f"store.url: {url} names no file, and what is stored must survive; {ALLOWED}")
    path = Path(parsed.database).absolute()
    if not path.parent.is_dir():
        raise StoreUnusable(f"store.url: {url}: the folder {path.parent} does not exist; make it first")
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite", database=str(path)))
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


async def prepare(engine: AsyncEngine, url: str) -> None:
    """Make the tables that are missing. Raises StoreUnusable when the file cannot be read or written."""
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
    except DBAPIError as error:
        raise StoreUnusable(f"store.url: {url}: {error.orig}; {ALLOWED}") from error


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreUnusable(f"store.url: not a database URL; {ALLOWED}") from error


def _set_pragmas(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

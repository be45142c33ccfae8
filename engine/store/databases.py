"""The two databases: how each is reached, and what its errors mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.store.access import CONNECT_WITHIN, refuse_dead

ALLOWED = (
    "allowed are sqlite:///PATH, where PATH is a file relative to the working folder, "
    "and postgresql://USER:PASSWORD@HOST/DATABASE"
)
LATE, DURABLE = "late", "durable"
SQLITE = {
    LATE: ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA busy_timeout=5000"),
    DURABLE: ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA busy_timeout=5000"),
}
"""WAL so that readers and the writer do not wait for each other. A killed engine loses no commit of either; a
power cut may lose the last late ones, and none that synced the log."""
PATIENCE = 10.0
"""Seconds that PostgreSQL may take over one transaction before it counts as down."""
_LIMITS = (
    f"SET statement_timeout TO {PATIENCE * 1000:.0f}; "
    f"SET idle_in_transaction_session_timeout TO {PATIENCE * 1000:.0f}"
)
POSTGRESQL = {
    LATE: (f"SET synchronous_commit TO off; {_LIMITS}",),
    DURABLE: (f"SET synchronous_commit TO on; {_LIMITS}",),
}
"""The same bargain: a crash of the database may lose the last late commits (under a second of them). An engine that
stands still in the middle of a transaction does not keep the others from its rows for longer than they wait."""
_REFUSED_BY_SQLITE = (IntegrityError, DataError, InterfaceError, ProgrammingError)
_REFUSED_BY_POSTGRESQL = (IntegrityError, DataError)


class StoreFault(Exception):
    """The store's URL leads to nothing that can be used; the text says what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database, by two ways in."""

    name: str
    """`sqlite` or `postgresql`."""
    late: AsyncEngine
    """For what may be lost in a power cut, and for reading."""
    durable: AsyncEngine
    """For what may not."""
    spool: Path
    """Where records wait while it is down: beside the file, or in the working folder."""

    @property
    def patience(self) -> float | None:
        """Seconds a transaction may take; SQLite says by itself that it is busy, after 5."""
        return PATIENCE if self.name == "postgresql" else None

    def blames_record(self, error: Exception) -> bool:
        """Whether a write failed for what it says (no Unicode, no JSON, a null) and would fail for ever."""
        if isinstance(error, UnicodeError | OverflowError):
            return True
        if not isinstance(error, DBAPIError):
            return isinstance(error, StatementError)  # a value that is no JSON
        sqlite = self.name == "sqlite"
        return isinstance(error, _REFUSED_BY_SQLITE if sqlite else _REFUSED_BY_POSTGRESQL)

    async def dispose(self) -> None:
        await self.late.dispose()
        await self.durable.dispose()


def database_at(url: str) -> Database:
    """The database of a URL; nothing is opened yet. Raises StoreFault."""
    parsed = _parsed(url)
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, url)
        case "postgresql":
            return _postgresql(parsed)
    raise StoreFault(f"store.url: {parsed.drivername} is not spoken here; {ALLOWED}")


def _parsed(url: str) -> URL:
    if url.startswith("postgres://"):  # libpq's other spelling
        url = url.replace("postgres", "postgresql", 1)
    try:
        parsed = make_url(url)
        parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise StoreFault(f"store.url: not a database URL; {ALLOWED}") from error
    return parsed


def _sqlite(parsed: URL, url: str) -> Database:
    if not parsed.database or parsed.database == ":memory:":
        raise StoreFault(f"store.url: {url} names no file, and what is stored must survive; {ALLOWED}")
    path = Path(parsed.database).absolute()
    if not path.parent.is_dir():
        raise StoreFault(f"store.url: {url}: the folder {path.parent} does not exist; make it first")
    address = parsed.set(drivername="sqlite+aiosqlite", database=str(path))
    late, durable = (_engine(address, SQLITE[how]) for how in (LATE, DURABLE))
    return Database("sqlite", late, durable, path.with_name(f"{path.name}.spool"))


def _postgresql(parsed: URL) -> Database:
    address = parsed.set(drivername="postgresql+psycopg")
    limits = {"connect_timeout": CONNECT_WITHIN, "tcp_user_timeout": round(PATIENCE * 1000)}
    try:
        late, durable = (_engine(address, POSTGRESQL[how], connect_args=limits) for how in (LATE, DURABLE))
    except ImportError as error:
        raise StoreFault(
            "store.url: PostgreSQL needs a driver that is not installed (psycopg 3, an optional extra): "
            f"pip install 'cordboard[postgresql]' ({error})"
        ) from error
    for engine in (late, durable):
        event.listen(engine.sync_engine, "checkout", refuse_dead)
    return Database("postgresql", late, durable, Path("store.spool").absolute())


def _engine(address: URL, first: Sequence[str], **options: Any) -> AsyncEngine:
    engine = create_async_engine(address, **options)
    event.listen(engine.sync_engine, "connect", _says(first))
    return engine


def _says(first: Sequence[str]) -> Callable[[Any, object], None]:
    def set_up(connection: Any, record: object) -> None:
        try:
            cursor = connection.cursor()
            for statement in first:
                cursor.execute(statement)
            cursor.close()
            connection.commit()
        except connection.dbapi.Error:  # nobody else would close it, and aiosqlite's thread would live on
            connection.close()
            raise

    return set_up

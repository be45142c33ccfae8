"""The two databases: how each is reached, and what its errors mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
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

from engine.store.access import CONNECT_WITHIN, Lane, refuse_dead
from engine.store.threads import Threads

ALLOWED = (
    "allowed are sqlite:///PATH, where PATH is a file relative to the working folder, "
    "and postgresql://USER:PASSWORD@HOST/DATABASE"
)
LATE, DURABLE, RESERVING, READING = "late", "durable", "reserving", "reading"
ALONE = {"isolation_level": "AUTOCOMMIT"}
"""Each statement commits by itself: on PostgreSQL at a third of the round trips."""
OPTIONS: Mapping[str, Mapping[str, Any]] = {LATE: {}, DURABLE: {}, RESERVING: ALONE, READING: ALONE}
READERS = RESERVERS = 4
"""Threads at most, and connections: one that waits for a slow answer does not keep the others waiting."""
_SQLITE_LATE = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA busy_timeout=5000")
SQLITE = {
    LATE: _SQLITE_LATE,
    DURABLE: ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA busy_timeout=5000"),
    RESERVING: _SQLITE_LATE,
    READING: ("PRAGMA journal_mode=WAL", "PRAGMA query_only=ON", "PRAGMA busy_timeout=5000"),
}
"""WAL so that readers and the writer do not wait for each other. A killed engine loses no commit of either; a
power cut may lose the last late ones, and none that synced the log. A reservation that a power cut undoes is no
loss where all who heard of it are on the same machine."""
PATIENCE = 10.0
"""Seconds that PostgreSQL may take over one transaction before it counts as down."""
_LIMITS = (
    f"SET statement_timeout TO {PATIENCE * 1000:.0f}; "
    f"SET idle_in_transaction_session_timeout TO {PATIENCE * 1000:.0f}"
)
_POSTGRESQL_DURABLE = (f"SET synchronous_commit TO on; {_LIMITS}",)
POSTGRESQL = {
    LATE: (f"SET synchronous_commit TO off; {_LIMITS}",),
    DURABLE: _POSTGRESQL_DURABLE,
    RESERVING: _POSTGRESQL_DURABLE,
    READING: (_LIMITS,),
}
"""The same bargain: a crash of the database may lose the last late commits (under a second of them). An engine that
stands still in the middle of a transaction does not keep the others from its rows for longer than they wait."""
_REFUSED_BY_SQLITE = (IntegrityError, DataError, InterfaceError, ProgrammingError)
_REFUSED_BY_POSTGRESQL = (IntegrityError, DataError)


class StoreFault(Exception):
    """The store's URL leads to nothing that can be used; the text says what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database, by four ways in. What writes records makes its turns in one thread."""

    name: str
    """`sqlite` or `postgresql`."""
    late: Lane
    """For what may be lost in a power cut."""
    durable: Lane
    """For what may not."""
    reserving: Lane
    """For who has what. SQLite lets one at a time write, and waiting for its lock is slower than for a turn."""
    reading: Lane
    """For what changes nothing; several may read at once."""
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
        """End the threads, once what they do is done, and close the connections."""
        for threads in {lane.threads for lane in self._lanes}:
            await threads.close()
        await asyncio.to_thread(self._disconnect)  # SQLite tidies its log up meanwhile

    @property
    def _lanes(self) -> tuple[Lane, ...]:
        return self.late, self.durable, self.reserving, self.reading

    def _disconnect(self) -> None:
        for lane in self._lanes:
            lane.engine.dispose()


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
    address = parsed.set(drivername="sqlite+pysqlite", database=str(path))
    ways = {way: _engine(address, first, **OPTIONS[way]) for way, first in SQLITE.items()}
    writing = Threads("store writer")
    return Database(
        "sqlite",
        late=Lane(ways[LATE], writing),
        durable=Lane(ways[DURABLE], writing),
        reserving=Lane(ways[RESERVING], writing),
        reading=Lane(ways[READING], Threads("store reader", READERS)),
        spool=path.with_name(f"{path.name}.spool"),
    )


def _postgresql(parsed: URL) -> Database:
    address = parsed.set(drivername="postgresql+psycopg")
    limits = {"connect_timeout": CONNECT_WITHIN, "tcp_user_timeout": round(PATIENCE * 1000)}
    try:
        ways = {
            way: _engine(address, first, connect_args=limits, **OPTIONS[way])
            for way, first in POSTGRESQL.items()
        }
    except ImportError as error:
        raise StoreFault(
            "store.url: PostgreSQL needs a driver that is not installed (psycopg 3, an optional extra): "
            f"pip install 'cordboard[postgresql]' ({error})"
        ) from error
    for engine in ways.values():
        event.listen(engine, "checkout", refuse_dead)
    writing = Threads("store writer")
    return Database(
        "postgresql",
        late=Lane(ways[LATE], writing),
        durable=Lane(ways[DURABLE], writing),
        reserving=Lane(ways[RESERVING], Threads("store reservations", RESERVERS)),
        reading=Lane(ways[READING], Threads("store reader", READERS)),
        spool=Path("store.spool").absolute(),
    )


def _engine(address: URL, first: Sequence[str], **options: Any) -> Engine:
    """As many connections as there are threads for them; what is said `first` in each of them."""
    engine = create_engine(address, **options)
    event.listen(engine, "connect", _says(first))
    return engine


def _says(first: Sequence[str]) -> Callable[[Any, object], None]:
    def set_up(connection: Any, record: object) -> None:
        try:
            cursor = connection.cursor()
            for statement in first:
                cursor.execute(statement)
            cursor.close()
            connection.commit()
        except connection.Error:  # nobody else would close it
            connection.close()
            raise

    return set_up

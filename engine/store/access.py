"""Transactions that end: with an answer, with an error, or because the database took too long over them."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from sqlalchemy import Select
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from engine.store.store import StoreDown

FAILURES = (SQLAlchemyError, UnicodeError, OverflowError, TimeoutError, OSError)
"""Everything that a transaction can end with besides its commit."""
CONNECT_WITHIN = 5
"""Whole seconds that a new connection to PostgreSQL may take."""
Rows = list[dict[str, Any]]


class Cut(TimeoutError):
    """The connection was cut here, as no answer had come in time."""


@asynccontextmanager
async def transaction(engine: AsyncEngine, patience: float | None) -> AsyncIterator[AsyncConnection]:
    """A transaction of at most `patience` seconds, connecting left out; None sets no limit. Raises FAILURES."""
    async with _connected(engine, patience) as connection, connection.begin():
        yield connection


async def read(engine: AsyncEngine, query: Select[Any], patience: float | None) -> Rows:
    """The rows of a query, by column. Raises StoreDown."""
    try:
        async with _connected(engine, patience) as connection:
            rows = [dict(row) for row in (await connection.execute(query)).mappings()]
            await connection.rollback()  # here, where its time is limited: else the pool does it
            return rows
    except FAILURES as error:
        raise down(error) from error


def down(error: Exception) -> StoreDown:
    """What a transaction ended with, as the rest of the engine hears of it."""
    reason = getattr(error, "orig", None) or error
    return StoreDown(str(reason).strip() or "no answer in time")


@asynccontextmanager
async def _connected(engine: AsyncEngine, patience: float | None) -> AsyncIterator[AsyncConnection]:
    if patience is None:
        async with engine.connect() as connection:
            yield connection
        return
    async with asyncio.timeout(patience + CONNECT_WITHIN), engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        with _cut_after(patience, driver):
            yield connection


@contextmanager
def _cut_after(patience: float, driver: Any) -> Iterator[None]:
    """Shut a connection's socket when the block takes longer: whoever waits for an answer has an error at once.

    Cancelling instead would make the driver ask the server to stop, and wait for that: a frozen one never does.
    """
    cut = False

    def shut() -> None:
        nonlocal cut
        if not driver.closed:
            cut = True
            with socket.socket(fileno=os.dup(driver.fileno())) as copy, suppress(OSError):  # ended just now
                copy.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(patience, shut)
    try:
        yield
    except SQLAlchemyError as error:
        if cut:
            raise Cut(f"no answer within {patience:g} s") from error
        raise
    finally:
        timer.cancel()


def refuse_dead(connection: Any, record: object, proxy: object) -> None:
    """As a connection leaves the pool: whether the server ended it meanwhile, seen without asking the server.

    An idle connection has nothing to say but that it was closed, and why. Raises DisconnectionError, upon which
    the pool connects anew.
    """
    driver = connection.driver_connection
    if driver.closed:
        raise DisconnectionError
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN | select.POLLRDHUP)
    if poll.poll(0):
        raise DisconnectionError

"""Errands to the database: each a transaction, run whole in a thread, that ends with an answer, an error, or a cut."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from engine.store.store import StoreDown
from engine.store.threads import Threads

FAILURES = (SQLAlchemyError, UnicodeError, OverflowError, TimeoutError, OSError)
"""Everything that a transaction can end with besides its commit."""
CONNECT_WITHIN = 5
"""Whole seconds that a new connection to PostgreSQL may take."""
T = TypeVar("T")
Work = Callable[[Connection], T]
"""What is done within one transaction; it runs in a thread, so it touches nothing that the event loop has."""


class Cut(TimeoutError):
    """The connection was cut here, as no answer had come in time or nobody waited for it any more."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Threads that do errands in the order in which they were asked to, and their way into the database."""

    engine: Engine
    threads: Threads
    """One thread where errands must not overtake each other; lanes may share theirs."""

    async def run(self, work: Work[T], patience: float | None) -> T:
        """What `work` gives, its transaction committed; one hop to a thread and back. Raises FAILURES.

        The transaction has `patience` seconds, and CONNECT_WITHIN more for its turn and its connection; then it is
        cut off. None sets no limit. Cancelled, it never happens if its turn had not come; else it is cut off too,
        or, without a limit, goes on to its end unheard.
        """
        if patience is None:
            return await self.threads.ask(lambda: self._whole(work))
        fuse = Fuse(asyncio.get_running_loop(), patience)
        try:
            async with asyncio.timeout(patience + CONNECT_WITHIN):
                return await self.threads.ask(lambda: self._limited(work, fuse))
        finally:
            fuse.put_out()

    def _whole(self, work: Work[T]) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    def _limited(self, work: Work[T], fuse: Fuse) -> T:
        with self.engine.connect() as connection:
            with fuse.over(connection.connection.driver_connection), connection.begin():
                return work(connection)


class Fuse:
    """Shuts a connection's socket when a transaction takes too long: the thread that waits there has an error at once.

    Asking the server to stop instead would mean to wait for it: a frozen one never does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        """`patience` counts from the connection on, not before."""
        self._loop = loop
        self._patience = patience
        self._timer = loop.call_later(patience, self._look)
        self._turn = threading.Lock()
        self._began: float | None = None
        self._line: int | None = None
        """A descriptor of our own: the connection's might be another's by the time it is shut."""
        self._blown = False

    @contextmanager
    def over(self, driver: Any) -> Iterator[None]:
        """Watch over a transaction on a driver's connection, in its thread. Raises Cut when it was cut off."""
        self._connected(driver)
        try:
            yield
        except SQLAlchemyError as error:
            if self._blown:
                raise self._cut() from error
            raise
        finally:
            self._leave()

    def put_out(self) -> None:
        """On the loop: the answer is there, or nobody waits for it any more, and what is not done is cut off."""
        self._timer.cancel()
        self._blow()

    def _connected(self, driver: Any) -> None:
        with self._turn:
            if self._blown:
                raise self._cut()
            self._began = self._loop.time()
            self._line = os.dup(driver.fileno())

    def _leave(self) -> None:
        with self._turn:
            line, self._line = self._line, None
        if line is not None:
            os.close(line)

    def _look(self) -> None:
        began = self._began
        left = self._patience if began is None else began + self._patience - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._blow()

    def _blow(self) -> None:
        with self._turn:
            self._blown = True
            if self._line is None:
                return
            line = socket.socket(fileno=self._line)
            with suppress(OSError):  # ended just now
                line.shutdown(socket.SHUT_RDWR)
            line.detach()

    def _cut(self) -> Cut:
        return Cut(f"no answer within {self._patience:g} s")


def down(error: Exception) -> StoreDown:
    """What a transaction ended with, as the rest of the engine hears of it."""
    reason = getattr(error, "orig", None) or error
    return StoreDown(str(reason).strip() or "no answer in time")


def refuse_dead(connection: Any, record: object, proxy: object) -> None:
    """As a connection leaves the pool: whether the server ended it meanwhile, seen without asking the server.

    An idle connection has nothing to say but that it was closed, and why. Raises DisconnectionError, upon which
    the pool connects anew.
    """
    if connection.closed:
        raise DisconnectionError
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLRDHUP)
    if poll.poll(0):
        raise DisconnectionError

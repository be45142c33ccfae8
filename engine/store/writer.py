"""One task that writes what may be a little late: in order, in batches, tried again until it is down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

import structlog

from engine.store.records import Record
from engine.store.store import StoreDown

log = structlog.get_logger()

Commit = Callable[[Sequence[Record]], Awaitable[None]]
"""Makes records survive. Raises StoreDown when it could not and should be asked again."""


class Writer:
    """A bounded queue and the task that empties it."""

    def __init__(
        self, commit: Commit, *, room: int = 100_000, batch: int = 500, linger: float = 0.05
    ) -> None:
        """Hold at most `room` records, commit at most `batch` at once, each within about `linger` seconds.

        A batch is turned into rows on the event loop: 500 hold it for about 5 ms.
        """
        self._commit = commit
        self._room = room
        self._batch = batch
        self._linger = linger
        self._queue: deque[Record] = deque()
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._accepted = 0
        self._committed = 0
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._failures = 0
        self._stopped = False
        self.lost = 0
        """Records that found the queue full."""

    @property
    def waiting(self) -> int:
        """Records that are not written yet."""
        return len(self._queue)

    def write(self, record: Record) -> None:
        """Take a record in. When the queue is full it is lost, counted and, the first time, reported."""
        if len(self._queue) >= self._room:
            self._lose()
            return
        self._queue.append(record)
        self._accepted += 1
        self._some.set()

    async def flush(self) -> None:
        """Return once all records taken in so far are committed; StoreDown when the next try fails."""
        if self._committed >= self._accepted:
            return
        if self._stopped:
            raise StoreDown("the writer has stopped")
        done = asyncio.get_running_loop().create_future()
        self._flushes.append((self._accepted, done))
        self._hurry.set()
        await done

    async def run(self) -> None:
        """Write until cancelled; a flush that is still waiting then raises StoreDown."""
        try:
            while True:
                await self._some.wait()
                await self._let_some_gather()
                await self._write_batch()
        finally:
            self._stopped = True
            self._fail_flushes("the writer has stopped")

    async def _let_some_gather(self) -> None:
        pause = self._linger if not self._failures else min(0.1 * 2**self._failures, 5.0)
        if self._failures or len(self._queue) < self._batch:
            try:
                async with asyncio.timeout(pause):
                    await self._hurry.wait()
            except TimeoutError:
                return

    async def _write_batch(self) -> None:
        batch = list(islice(self._queue, self._batch))
        self._hurry.clear()
        try:
            await self._commit(batch)
        except StoreDown as error:
            self._failed(error)
        else:
            self._succeeded(len(batch))

    def _succeeded(self, count: int) -> None:
        for _ in range(count):
            self._queue.popleft()
        self._committed += count
        self._recovered()
        if not self._queue:
            self._some.clear()
        for target, done in self._flushes:
            if target <= self._committed and not done.done():
                done.set_result(None)
        self._flushes = [(target, done) for target, done in self._flushes if not done.done()]
        if self._flushes:
            self._hurry.set()

    def _failed(self, error: StoreDown) -> None:
        self._failures += 1
        if self._failures == 1:
            log.error("store_down", reason=str(error), waiting=len(self._queue), room=self._room)
        self._fail_flushes(str(error))

    def _fail_flushes(self, reason: str) -> None:
        flushes, self._flushes = self._flushes, []
        for _, done in flushes:
            if not done.done():
                done.set_exception(StoreDown(reason))

    def _recovered(self) -> None:
        if self._failures or self.lost:
            log.warning("store_back", tries=self._failures, lost=self.lost)
        self._failures = 0

    def _lose(self) -> None:
        if not self.lost:
            log.error("store_full", reason="records are lost until the store takes some", room=self._room)
        self.lost += 1

"""One task that writes what may be a little late: in order, in batches, by way of the disk while the store is down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

import structlog

from engine.figures import Histogram
from engine.store.records import Record
from engine.store.spool import Spool
from engine.store.store import StoreDown

log = structlog.get_logger()

Commit = Callable[[Sequence[Record]], Awaitable[None]]
"""Makes records survive. Raises StoreDown when it could not and should be asked again."""

LAGS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 300.0)
"""Seconds."""
SPILL_EVERY = 0.2
"""Seconds that a record may be in memory alone while the store is down."""
SPILL_BATCH = 5_000
REPLAYED_AT_ONCE = 4
"""Batches from the spool between two looks at what came in meanwhile."""


class Writer:
    """A bounded queue and the task that empties it: into the store, or into the spool until the store is back.

    Everything reaches the store in the order in which it was written. A crash may make the store see some of the
    spool twice, which it takes as once.
    """

    def __init__(
        self,
        commit: Commit,
        spool: Spool | None = None,
        *,
        room: int = 100_000,
        batch: int = 500,
        linger: float = 0.05,
    ) -> None:
        """Hold at most `room` records, commit at most `batch` at once, each within about `linger` seconds.

        Without a spool, and while
        the spool cannot be written, what waits for the store waits in memory.
        """
        self._commit = commit
        self._spool = spool
        self._room = room
        self._batch = batch
        self._linger = linger
        self._queue: deque[Record] = deque()
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._accepted = self.spooled
        self._committed = 0
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._failures = 0
        self._try_at = 0.0
        self._down_since: float | None = None
        self._spool_failed = False
        self._stopped = False
        self._oldest = 0.0
        self.lags = Histogram(LAGS)
        """How long the oldest record of each batch had waited when the store had it."""
        self.lost = 0
        """Records that found the queue full."""
        if self.spooled:
            self._some.set()

    @property
    def waiting(self) -> int:
        """Records that are not in the store yet, in memory and on disk."""
        return len(self._queue) + self.spooled

    @property
    def spooled(self) -> int:
        """Those of them that are safe on disk."""
        return self._spool.waiting if self._spool is not None else 0

    @property
    def down(self) -> bool:
        """Whether the store could not be written and has not caught up yet."""
        return self._down_since is not None

    @property
    def lag(self) -> float:
        """Seconds that the oldest record has waited for the store, at most; 0 when none does."""
        return asyncio.get_running_loop().time() - self._oldest if self.waiting else 0.0

    def write(self, record: Record) -> None:
        """Take a record in. When the queue is full it is lost, counted and, the first time, reported."""
        if not self.waiting:
            self._oldest = asyncio.get_running_loop().time()
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
        self._oldest = asyncio.get_running_loop().time()  # of what an earlier engine left, nobody knows
        try:
            while True:
                await self._some.wait()
                await self._let_some_gather()
                if self._failures or self.spooled:
                    await self._spill()
                await self._try()
        finally:
            self._stopped = True
            self._fail_flushes("the writer has stopped")

    async def leave(self) -> None:
        """After `run`: leave on disk what the store did not take, for the next engine to write."""
        self._spool_failed = False
        await self._spill()
        if self._queue:
            log.error("records_lost", records=len(self._queue), reason="neither store nor spool took them")

    async def _let_some_gather(self) -> None:
        if self._failures:
            until_try = self._try_at - asyncio.get_running_loop().time()
            await self._pause(max(0.0, min(SPILL_EVERY, until_try)))
        elif not self.spooled and len(self._queue) < self._batch:
            await self._pause(self._linger)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _spill(self) -> None:
        """Move what is in memory to the disk; what the disk does not take stays in memory."""
        while self._spool is not None and self._queue:
            batch = list(islice(self._queue, SPILL_BATCH))
            try:
                kept = await asyncio.to_thread(self._spool.append, batch)
            except OSError as error:
                self._spool_refused(error)
                return
            self._spool_failed = False
            self._forget(len(batch))
            self._committed += len(batch) - kept

    async def _try(self) -> None:
        """Give the store the oldest records, unless it just failed."""
        if self._failures and not self._hurry.is_set() and asyncio.get_running_loop().time() < self._try_at:
            return
        self._hurry.clear()
        try:
            await (self._replay() if self.spooled else self._write_batch())
        except (StoreDown, OSError) as error:  # OSError: the spool cannot be read or emptied
            self._failed(error)
        else:
            self._succeeded()

    async def _replay(self) -> None:
        assert self._spool is not None
        for _ in range(REPLAYED_AT_ONCE):
            records, count = await asyncio.to_thread(self._spool.read, self._batch)
            if records:
                await self._commit(records)
            await asyncio.to_thread(self._spool.done, count)
            self._committed += count
            if not self.spooled:
                return

    async def _write_batch(self) -> None:
        batch = list(islice(self._queue, self._batch))
        if batch:
            clock, whole = asyncio.get_running_loop().time, len(batch) == len(self._queue)
            taken = clock()
            await self._commit(batch)
            self.lags.add(clock() - self._oldest)
            self._oldest = taken if whole else self._oldest
            self._forget(len(batch))
            self._committed += len(batch)

    def _forget(self, count: int) -> None:
        for _ in range(count):
            self._queue.popleft()

    def _succeeded(self) -> None:
        self._failures = 0
        if not self.spooled:
            self._caught_up()
            if not self._queue:
                self._some.clear()
        for target, done in self._flushes:
            if target <= self._committed and not done.done():
                done.set_result(None)
        self._flushes = [(target, done) for target, done in self._flushes if not done.done()]
        if self._flushes:
            self._hurry.set()

    def _caught_up(self) -> None:
        if self._down_since is None:
            return
        seconds = asyncio.get_running_loop().time() - self._down_since
        log.warning("store_back", seconds=round(seconds, 1), lost=self.lost)
        self._down_since = None

    def _failed(self, error: StoreDown | OSError) -> None:
        now = asyncio.get_running_loop().time()
        self._failures += 1
        self._try_at = now + min(0.1 * 2**self._failures, 5.0)
        if self._down_since is None:
            self._down_since = now
            log.error("store_down", reason=str(error), waiting=self.waiting, room=self._room)
        self._fail_flushes(str(error))

    def _fail_flushes(self, reason: str) -> None:
        flushes, self._flushes = self._flushes, []
        for _, done in flushes:
            if not done.done():
                done.set_exception(StoreDown(reason))

    def _spool_refused(self, error: OSError) -> None:
        if not self._spool_failed:
            log.error("spool_down", reason=str(error), waiting=len(self._queue), room=self._room)
        self._spool_failed = True

    def _lose(self) -> None:
        if not self.lost:
            log.error("store_full", reason="records are lost until the store takes some", room=self._room)
        self.lost += 1

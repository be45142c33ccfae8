"""Commits that somebody waits for: those that ask while one is under way share the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from engine.store.records import Record
from engine.store.store import RecordRefused, StoreDown

WriteDurably = Callable[[Sequence[Record]], Awaitable[None]]
"""Writes all or none; durable when it returns. Raises StoreDown or RecordRefused."""


@dataclass(slots=True, eq=False)
class _Asked:
    records: Sequence[Record]
    done: asyncio.Future[None]

    def tell(self, error: Exception | None = None) -> None:
        """How it went; nobody listens any more to one that was cancelled."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class GroupCommit:
    """A sync to disk costs the same for one record as for a hundred."""

    def __init__(self, write: WriteDurably) -> None:
        self._write = write
        self._turn = asyncio.Lock()
        self._asked: list[_Asked] = []

    async def commit(self, records: Sequence[Record]) -> None:
        """Return once these are durable. Raises StoreDown or RecordRefused, of these alone."""
        mine = _Asked(records, asyncio.get_running_loop().create_future())
        self._asked.append(mine)
        try:
            async with self._turn:
                if not mine.done.done():
                    await self._together()
        except asyncio.CancelledError:
            mine.done.cancel()
            self._asked = [asked for asked in self._asked if asked is not mine]
            raise
        mine.done.result()

    async def _together(self) -> None:
        group, self._asked = self._asked, []
        try:
            await self._write([record for asked in group for record in asked.records])
        except RecordRefused as refused:
            await self._each_alone(group, refused)
        except StoreDown as down:
            for asked in group:
                asked.tell(StoreDown(str(down)))
        else:
            for asked in group:
                asked.tell()
        finally:  # cancelled in the middle: the others have the next try
            self._asked[:0] = [asked for asked in group if not asked.done.done()]

    async def _each_alone(self, group: Sequence[_Asked], refused: RecordRefused) -> None:
        if len(group) == 1:
            group[0].tell(refused)
            return
        for asked in group:
            try:
                await self._write(asked.records)
            except (RecordRefused, StoreDown) as error:
                asked.tell(error)
            else:
                asked.tell()

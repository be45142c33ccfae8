"""The one task that writes: batches, order, a store that is down or full. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from engine.simulation.virtual import run_virtually
from engine.store.records import EventNoted, Record
from engine.store.spool import Spool
from engine.store.store import StoreDown
from engine.store.writer import Writer


class Disk:
    """Where a writer commits to; down when told so."""

    def __init__(self) -> None:
        self.batches: list[list[Record]] = []
        self.down = False
        self.tries: list[float] = []

    async def commit(self, records: Sequence[Record]) -> None:
        self.tries.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.001)
        if self.down:
            raise StoreDown("disk full")
        self.batches.append(list(records))

    @property
    def numbers(self) -> list[int]:
        return [note.seq for batch in self.batches for note in batch if isinstance(note, EventNoted)]


def note(number: int) -> EventNoted:
    return EventNoted("n1-1", number, 0.0, "tick")


@asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[None]:
    task = asyncio.create_task(writer.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_what_comes_within_the_linger_is_one_commit() -> None:
    async def story() -> None:
        disk = Disk()
        writer = Writer(disk.commit, linger=0.05)
        async with running(writer):
            for i in range(40):
                writer.write(note(i))
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.1)
        assert [len(batch) for batch in disk.batches] == [40]
        assert disk.numbers == list(range(40))

    run_virtually(story())


def test_flush_does_not_linger_and_covers_what_was_written_before_it() -> None:
    async def story() -> None:
        disk = Disk()
        writer = Writer(disk.commit, linger=60.0, batch=10)
        async with running(writer):
            for i in range(35):
                writer.write(note(i))
            began = asyncio.get_running_loop().time()
            await writer.flush()
            assert asyncio.get_running_loop().time() - began < 1.0
            assert disk.numbers == list(range(35))
            assert max(len(batch) for batch in disk.batches) == 10

    run_virtually(story())


def test_a_store_that_is_down_is_tried_again_and_nothing_is_lost() -> None:
    async def story() -> None:
        disk = Disk()
        disk.down = True
        writer = Writer(disk.commit)
        async with running(writer):
            for i in range(600):
                writer.write(note(i))
                await asyncio.sleep(0.1)
            assert disk.batches == []
            assert len(disk.tries) < 25  # a minute of it
            disk.down = False
            await asyncio.sleep(6)
            assert disk.numbers == list(range(600))
            assert writer.lost == 0
            assert writer.waiting == 0

    run_virtually(story())


def test_while_the_store_is_down_records_go_to_disk_and_come_back_in_order(tmp_path: Path) -> None:
    async def story() -> None:
        disk, spool = Disk(), Spool(tmp_path / "spool")
        disk.down = True
        writer = Writer(disk.commit, spool, batch=10)
        async with running(writer):
            for i in range(200):
                writer.write(note(i))
                await asyncio.sleep(0.1)
            assert writer.waiting == 200
            assert writer.spooled >= 195
            assert writer.down
            disk.down = False
            for i in range(200, 300):
                writer.write(note(i))
                await asyncio.sleep(0.01)
            await asyncio.sleep(6)
            assert disk.numbers == list(range(300))
            assert writer.waiting == 0
        spool.close()

    run_virtually(story())


def test_what_the_spool_does_not_take_waits_in_memory(tmp_path: Path) -> None:
    async def story() -> None:
        disk, spool = Disk(), Spool(tmp_path / "spool", room=200)
        disk.down = True
        writer = Writer(disk.commit, spool)
        async with running(writer):
            for i in range(100):
                writer.write(note(i))
                await asyncio.sleep(0.3)
            assert 0 < writer.spooled < 10
            assert writer.waiting == 100
            disk.down = False
            await writer.flush()
            assert disk.numbers == list(range(100))
        spool.close()

    run_virtually(story())


def test_flush_says_that_the_store_is_down_and_works_again_after() -> None:
    async def story() -> None:
        disk = Disk()
        disk.down = True
        writer = Writer(disk.commit)
        async with running(writer):
            writer.write(note(1))
            with pytest.raises(StoreDown, match="disk full"):
                await writer.flush()
            disk.down = False
            await writer.flush()
            assert disk.numbers == [1]

    run_virtually(story())


def test_a_full_queue_loses_the_newest_and_counts_them() -> None:
    async def story() -> None:
        disk = Disk()
        disk.down = True
        writer = Writer(disk.commit, room=5)
        async with running(writer):
            for i in range(8):
                writer.write(note(i))
            assert writer.lost == 3
            disk.down = False
            await writer.flush()
            assert disk.numbers == [0, 1, 2, 3, 4]

    run_virtually(story())


def test_a_flush_that_outlives_the_writer_is_told() -> None:
    async def story() -> None:
        disk = Disk()
        disk.down = True
        writer = Writer(disk.commit)
        async with running(writer):
            writer.write(note(1))
            flushing = asyncio.create_task(writer.flush())
            await asyncio.sleep(0)
        with pytest.raises(StoreDown, match="stopped"):
            await flushing
        with pytest.raises(StoreDown, match="stopped"):
            await writer.flush()

    run_virtually(story())


def test_a_flush_that_is_cancelled_stops_nothing() -> None:
    async def story() -> None:
        disk = Disk()
        writer = Writer(disk.commit, linger=1.0)
        async with running(writer):
            writer.write(note(1))
            flushing = asyncio.create_task(writer.flush())
            await asyncio.sleep(0)
            flushing.cancel()
            await asyncio.sleep(2)
            assert disk.numbers == [1]

    run_virtually(story())

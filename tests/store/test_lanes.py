"""Transactions in lanes: one hop each, whole or not at all, and none waits for what is none of its business."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, func, select

from engine.store.access import Cut, Fuse
from engine.store.open import open_store
from engine.store.sql import SqlStore
from engine.store.tables import journal
from engine.store.threads import Threads
from tests.kit.postgres import emptied
from tests.store.test_contract import STARTED, STORY
from tests.store.test_down import note
from tools.bench.postgres import Postgres

T = TypeVar("T")


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with open_store(url, spool=tmp_path / "spool") as opened:
        yield opened


async def lines(store: SqlStore) -> int:
    return len(await store.journal("n1-1"))


async def test_each_transaction_is_one_errand(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    ask = Threads.ask

    def counted(self: Threads, work: Callable[[], T]) -> asyncio.Future[T]:
        asked.append(work)
        return ask(self, work)

    monkeypatch.setattr(Threads, "ask", counted)
    for record in STORY:
        store.write(record)
    await store.flush()
    assert len(asked) == 1, "a batch for five tables"
    await store.commit(STORY)
    await store.reserve_all("agent", ["anna", "bob", "carl"], "n1", 1, 4e9)
    await store.release_all("agent", ["anna", "bob"], "n1", 1)
    assert await store.begin("n1") == 1
    await store.still_here("n1", 1, 0.0)
    assert len(await store.journal("n1-1")) == 4
    assert len(asked) == 7


async def test_a_transaction_that_fails_in_the_middle_leaves_nothing(store: SqlStore) -> None:
    def work(connection: Connection) -> None:
        store._put(connection, STORY)
        raise LookupError

    for lane in (store._database.late, store._database.durable):
        with pytest.raises(LookupError):
            await lane.run(work, store._database.patience)
    assert await store.conversation("n1-1") is None
    await store.commit(STORY)
    assert await lines(store) == 4


async def test_a_commit_whose_waiter_leaves_is_whole_or_not_at_all(store: SqlStore) -> None:
    """Left at every moment that the loop gives: the next commit finds the lane free, and all or nothing there."""
    await store.commit([STARTED])
    seen = 0
    for turns in range(60):
        batch = [note(100 * turns + i) for i in range(1, 11)]
        asking = asyncio.create_task(store.commit(batch))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        async with asyncio.timeout(5.0):
            await store.commit([note(100 * turns + 50)])
        found = await lines(store) - seen
        assert found in (1, 11)
        seen += found


async def test_a_slow_read_keeps_neither_writes_nor_reservations_nor_reads_waiting(store: SqlStore) -> None:
    reading, may_go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(connection: Connection) -> int | None:
        found = connection.scalar(select(func.count()).select_from(journal))
        loop.call_soon_threadsafe(reading.set)
        may_go_on.wait(30.0)
        return found

    slow = asyncio.create_task(store._database.reading.run(slowly, None))
    await reading.wait()
    try:
        async with asyncio.timeout(5.0):
            await store.commit(STORY)
            assert await store.reserve("agent", "anna", "n1", 1, 4e9)
            assert await lines(store) == 4
            assert await store.taken("agent", "n2") == {"anna"}
    finally:
        may_go_on.set()
    assert await slow == 0


async def test_nothing_is_written_by_the_way_for_reading(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        with pytest.raises(Exception, match="readonly"):
            await store._database.reading.run(lambda connection: store._put(connection, STORY), None)


async def test_no_thread_is_left_when_the_store_is_closed(url: str, tmp_path: Path) -> None:
    async with open_store(url, spool=tmp_path / "spool") as store:
        await store.commit(STORY)
        assert await lines(store) == 4
        assert await store.reserve("agent", "anna", "n1", 1, 4e9)
        assert named("store ")
    assert named("store ") == []


def named(name: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(name)]


class Driver:
    """The end of a connection that the fuse is told of."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()


async def test_a_fuse_never_shuts_a_socket_that_took_the_place_of_its_own() -> None:
    """What the driver closed, the next socket has by its number: a caller's, say."""
    fuse = Fuse(asyncio.get_running_loop(), 60.0)
    mine, far = socket.socketpair()
    number = mine.fileno()
    with fuse.over(Driver(mine)):
        mine.close()
        other, its_far = socket.socketpair()
        assert other.fileno() == number
        fuse.put_out()
        other.send(b"still there")
        assert its_far.recv(20) == b"still there"
        assert far.recv(1) == b"", "its own it did shut"
    for end in (far, other, its_far):
        end.close()


async def test_a_fuse_that_is_out_begins_nothing_and_keeps_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    mine, far = socket.socketpair()
    fuse = Fuse(asyncio.get_running_loop(), 60.0)
    with fuse.over(Driver(mine)):
        pass
    fuse.put_out()
    with pytest.raises(Cut), fuse.over(Driver(mine)):
        raise AssertionError("it began")
    mine.send(b"open")
    assert far.recv(9) == b"open"
    for end in (mine, far):
        end.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.peer("postgres")
async def test_a_server_that_takes_too_long_over_one_statement_is_cut_off(
    server: Postgres, tmp_path: Path
) -> None:
    async with open_store(emptied(server), spool=tmp_path / "spool") as store:
        began = time.monotonic()
        with pytest.raises(Cut, match=r"no answer within 0\.2 s"):
            await store._database.durable.run(lambda it: it.exec_driver_sql("SELECT pg_sleep(9)"), 0.2)
        assert time.monotonic() - began < 5.0
        await store.commit(STORY)
        assert await lines(store) == 4

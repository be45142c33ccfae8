"""A store that goes away and comes back: calls go on, and it gets everything, in order, once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.store.open import open_store
from engine.store.records import ConversationEnded, ConversationStarted, EventNoted
from engine.store.sql import SqlStore
from engine.store.store import RecordRefused, StoreDown
from tests.kit.postgres import crashed, emptied
from tests.store.test_contract import STARTED
from tools.bench.postgres import Postgres


def note(number: int) -> EventNoted:
    return EventNoted("n1-1", number, float(number), "tick", {"said": "x" * 200})


async def spooled(store: SqlStore, count: int) -> None:
    """Wait until so many are safe on disk."""
    for _ in range(1000):
        if store.writer.spooled >= count:
            return
        await asyncio.sleep(0.01)  # a thread writes them; there is no event for it
    raise AssertionError(f"{store.writer.spooled} of {count} are in the spool")


async def everything_is_there(store: SqlStore, count: int) -> None:
    async with asyncio.timeout(20.0):
        while True:
            try:
                await store.flush()
                break
            except StoreDown:
                await asyncio.sleep(0.05)  # it tries again by itself; each flush asks for a try now
    assert [line.seq for line in await store.journal("n1-1")] == list(range(1, count + 1))


async def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        await store.commit([STARTED])
        await _may_grow_to(store, 1)
        with capture_logs() as lines:
            for i in range(1, 3001):
                store.write(note(i))
            await spooled(store, 1000)
            with pytest.raises(StoreDown, match="full"):
                await store.commit([ConversationEnded("n1-1", 9.0, "completed")])
            await _may_grow_to(store, 1_000_000)
            for i in range(3001, 3101):
                store.write(note(i))
            await everything_is_there(store, 3100)
        assert store.writer.spooled == 0
        row = await store.conversation("n1-1")
        assert row is not None
        assert row.end is None, "what commit refused nobody tries again"
    alarms = [line["event"] for line in lines if line["event"].startswith("store_")]
    assert alarms == ["store_down", "store_back"]


async def _may_grow_to(store: SqlStore, pages: int) -> None:
    """How SQLite is told that its disk is full."""
    for lane in (store._database.late, store._database.durable):
        await lane.run(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}"), None)


@pytest.mark.peer("postgres")
async def test_a_database_server_that_crashes_gets_everything_when_it_is_back(
    server: Postgres, tmp_path: Path
) -> None:
    async with open_store(emptied(server), spool=tmp_path / "spool") as store:
        await store.commit([STARTED, *(note(i) for i in range(1, 11))])
        with capture_logs() as lines:
            with crashed(server):
                for i in range(11, 1011):
                    store.write(note(i))
                await spooled(store, 1000)
                with pytest.raises(StoreDown):
                    await store.reserve("agent", "anna", "n1", 1, 4e9)
                with pytest.raises(StoreDown):
                    await store.unended("n1")
            await everything_is_there(store, 1010)
        assert await store.reserve("agent", "anna", "n1", 1, 4e9)
    alarms = [line["event"] for line in lines if line["event"].startswith("store_")]
    assert alarms == ["store_down", "store_back"]


SPOOLING = """
import asyncio, sys
from pathlib import Path
from engine.store.open import open_store
from engine.store.records import EventNoted

async def main(url, folder):
    async with open_store(url, spool=Path(folder)) as store:
        print("open", flush=True)
        sys.stdin.readline()
        for i in range(1, 10**9):
            store.write(EventNoted("n1-1", i, float(i), "tick"))
            if i % 50 == 0:
                await asyncio.sleep(0.001)
                print("spooled", store.writer.spooled, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.peer("postgres")
async def test_an_engine_killed_while_it_spools_loses_nothing_that_was_spooled(
    server: Postgres, tmp_path: Path
) -> None:
    url = emptied(server)
    async with open_store(url, spool=tmp_path / "spool") as store:
        await store.commit([STARTED])
    least = await _killed_while_spooling(server, url, tmp_path / "spool")
    async with open_store(url, spool=tmp_path / "spool") as store:
        await store.flush()
        there = [line.seq for line in await store.journal("n1-1")]
        assert there == list(range(1, len(there) + 1))
        assert len(there) >= least


async def _killed_while_spooling(server: Postgres, url: str, spool: Path) -> int:
    pipe = asyncio.subprocess.PIPE
    words = (sys.executable, "-c", SPOOLING, url, str(spool))
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, cwd=os.getcwd())
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    least = 0
    with crashed(server):
        process.stdin.write(b"go\n")
        while least <= 500:
            line = await process.stdout.readline()
            assert line, "it ended by itself"
            least = int(line.split()[1]) if line.startswith(b"spooled") else least
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    return least


async def test_what_a_stopping_engine_cannot_write_waits_for_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    async with open_store(url) as store:
        await store.commit([STARTED])
        await _may_grow_to(store, 1)
        for i in range(1, 201):
            store.write(note(i))
    async with open_store(url) as store:
        await everything_is_there(store, 200)


async def test_a_commit_that_cannot_be_stored_says_so_and_spoils_no_other(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        bad = ConversationStarted("n1-2", "n1", "inbound", "1", "\ud800", 1.0)
        others = [ConversationStarted(f"n1-{i}", "n1", "inbound", "1", "2", 1.0) for i in range(10, 20)]
        commits = (store.commit([record]) for record in [*others, bad, STARTED])
        done = await asyncio.gather(*commits, return_exceptions=True)
        assert [type(outcome) for outcome in done if outcome is not None] == [RecordRefused]
        assert len(await store.unended("n1")) == 11


async def test_a_commit_comes_after_what_was_written_before_it(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.write(STARTED)
        await store.commit([ConversationEnded("n1-1", 9.0, "completed")])
        row = await store.conversation("n1-1")
        assert row is not None
        assert row.end == "completed"

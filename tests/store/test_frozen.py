"""A PostgreSQL that is there and does not answer: whoever waits for it hears so in time, and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.store import access, databases
from engine.store.open import open_store
from engine.store.sql import SqlStore
from engine.store.store import StoreDown
from tests.kit.postgres import emptied
from tests.kit.proxy import Proxy, proxy
from tests.store.test_contract import STARTED
from tests.store.test_down import everything_is_there, note, spooled
from tools.bench.postgres import Postgres

pytestmark = pytest.mark.peer("postgres")
PATIENCE, CONNECT_WITHIN = 0.5, 2


@pytest.fixture
async def between(server: Postgres) -> AsyncIterator[Proxy]:
    """Stands between the store and an empty PostgreSQL."""
    emptied(server)
    async with proxy(server.port) as made:
        yield made


@pytest.fixture
def url(server: Postgres, between: Proxy) -> str:
    return server.url().replace(str(server.port), str(between.port))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "PATIENCE", PATIENCE)
    for module in (access, databases):
        monkeypatch.setattr(module, "CONNECT_WITHIN", CONNECT_WITHIN)


async def test_whoever_waits_hears_so_in_time_and_nothing_is_lost(
    between: Proxy, url: str, tmp_path: Path
) -> None:
    async with open_store(url, spool=tmp_path / "spool") as store:
        await store.commit([STARTED, *(note(i) for i in range(1, 11))])
        with capture_logs() as lines:
            between.freeze()
            for i in range(11, 1011):
                store.write(note(i))
            began = time.monotonic()
            outcomes = await asyncio.gather(*asked(store), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [StoreDown] * len(outcomes)
            assert time.monotonic() - began < PATIENCE + CONNECT_WITHIN + 1
            await spooled(store, 1000)
            between.thaw()
            await everything_is_there(store, 1010)
        assert await store.reserve("agent", "anna", "n1", 1, 4e9)
    alarms = [line["event"] for line in lines if line["event"].startswith("store_")]
    assert alarms == ["store_down", "store_back"]


def asked(store: SqlStore) -> list[asyncio.Task[object]]:
    waiting = (
        store.reserve("agent", "anna", "n1", 1, 4e9),
        store.unended("n1"),
        store.conversation("n1-1"),
        store.still_here("n1", 1, 0.0),
        store.taken("agent", "n1"),
    )
    return [asyncio.create_task(one) for one in waiting]


async def test_the_loop_turns_while_it_waits(between: Proxy, url: str, tmp_path: Path) -> None:
    """Calls are handled by the same loop: no turn of it may wait for the server."""
    async with open_store(url, spool=tmp_path / "spool") as store:
        await store.commit([STARTED])
        between.freeze()
        asking = asyncio.gather(*asked(store), return_exceptions=True)
        longest, last = 0.0, time.monotonic()
        while not asking.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert longest < PATIENCE / 2
        between.thaw()


async def test_a_connection_that_the_server_ended_meanwhile_is_not_used(
    server: Postgres, tmp_path: Path
) -> None:
    """A restart of the server between two requests costs none of them."""
    async with open_store(emptied(server), spool=tmp_path / "spool") as store:
        await store.commit([STARTED])
        assert await store.conversation("n1-1") is not None
        server.stop("fast")
        server.start()
        assert await store.conversation("n1-1") is not None
        assert await store.reserve("agent", "anna", "n1", 1, 4e9)


async def test_what_no_database_can_hold_is_not_found(server: Postgres, tmp_path: Path) -> None:
    async with open_store(emptied(server), spool=tmp_path / "spool") as store:
        for odd in ("a\0b", "\ud800"):
            assert await store.conversation(odd) is None
            assert await store.journal(odd) == []
            assert await store.recordings(odd) == []


async def test_those_who_leave_do_not_take_the_threads_along(
    between: Proxy, url: str, tmp_path: Path
) -> None:
    """Calls wait a second for the store and go on: whoever asks after them finds a thread as soon as it answers."""
    async with open_store(url, spool=tmp_path / "spool") as store:
        await store.commit([STARTED])
        assert await store.reserve("agent", "anna", "n1", 1, 4e9)
        between.freeze()
        left = [task for _ in range(4) for task in asked(store)]
        await asyncio.wait(left, timeout=0.05)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        between.thaw()
        async with asyncio.timeout(CONNECT_WITHIN):
            assert await store.reserve("agent", "bob", "n1", 1, 4e9)
            assert await store.conversation("n1-1") is not None


async def test_the_store_closes_while_nothing_answers(between: Proxy, url: str, tmp_path: Path) -> None:
    async with open_store(url, spool=tmp_path / "spool") as store:
        await store.commit([STARTED])
        between.freeze()
        store.write(note(1))
        left = asked(store)
        await asyncio.wait(left, timeout=0.05)
        for task in left:
            task.cancel()
        began = time.monotonic()
    assert time.monotonic() - began < 2 * CONNECT_WITHIN + PATIENCE + 1
    between.thaw()
    async with open_store(url, spool=tmp_path / "spool") as store:
        await everything_is_there(store, 1)

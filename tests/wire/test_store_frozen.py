"""Calls go on while the database does not answer; afterwards it has all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.kit.daemon import daemon
from tests.kit.deployment import Deployment
from tests.kit.postgres import FAST, emptied
from tests.kit.proxy import proxy
from tests.kit.softphones import agent_phone, answered, carrier, dial, ended, hears, say
from tools.bench.postgres import Postgres, postgres

pytestmark = pytest.mark.peer("postgres")
HERTZ = 1000.0
RINGS_WITHIN = 3.5
"""Seconds from the call on: a second of greeting, a second for the store to answer in, and a slow machine."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres(*FAST) as running:
        yield running


async def test_calls_go_on_while_the_database_stands_still(server: Postgres, tmp_path: Path) -> None:
    emptied(server)
    async with proxy(server.port) as between:
        deployment = Deployment(store=server.url().replace(str(server.port), str(between.port)))
        async with daemon(tmp_path, deployment) as engine:
            async with agent_phone(engine, "anna") as anna, carrier() as trunk:
                for frozen in (False, True, True):
                    if frozen:
                        between.freeze()
                    began = time.monotonic()
                    caller = dial(trunk, engine)
                    agent = await answered(anna)
                    assert time.monotonic() - began < RINGS_WITHIN
                    say(agent, HERTZ)
                    await hears(caller, HERTZ, within=5.0)
                    caller.hang_up()
                    await ended(agent)
                assert (await engine.logged("reservations_down"))["meanwhile"] == "agents are rung"
                between.thaw()
                await engine.logged("reservations_back", within=20.0)
                assert await ends(server, 3) == [("completed",)] * 3
            assert await engine.stop() == 0
        assert reserved(server) == []


async def ends(server: Postgres, count: int, within: float = 20.0) -> list[tuple[str, ...]]:
    """How the conversations ended, once so many have."""
    for _ in range(round(within / 0.1)):
        rows = await asyncio.to_thread(
            asked, server, 'SELECT "end" FROM conversations WHERE ended IS NOT NULL'
        )
        if len(rows) >= count:
            return rows
        await asyncio.sleep(0.1)  # the engine writes them when it can; there is no event for it
    raise AssertionError(f"{rows} within {within} s")


def reserved(server: Postgres) -> list[tuple[str, ...]]:
    return asked(server, "SELECT id FROM reservations")


def asked(server: Postgres, query: str) -> list[tuple[str, ...]]:
    with psycopg.connect(server.url()) as reader:
        return reader.execute(query.encode()).fetchall()

"""Two engines on one PostgreSQL, every agent with a phone at each of them: nobody is rung twice at once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.kit.daemon import Daemon, daemon
from tests.kit.deployment import DOMAIN, NUMBER, TRUNK, Deployment, password
from tests.kit.postgres import FAST, emptied
from tools.bench.postgres import Postgres, postgres
from tools.softphone import Account, Call, Phone, Script

pytestmark = pytest.mark.peer("postgres")

AGENTS = {"anna": "127.0.0.11", "bob": "127.0.0.12"}
TAKEOVER = 3.0
AT_ONCE = 0.1
"""Seconds by which two rings may seem to overlap: what comes to two sockets of ours is read in any order."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres(*FAST) as running:
        yield running


@dataclass
class Ring:
    """One call to an agent, as their phone sees it."""

    agent: str
    node: str
    call: Call
    began: float
    ended: float = float("inf")
    reserved_by: str | None = None
    """The node that had the agent in the table when the phone rang."""


@dataclass
class Floor:
    """Everybody's phones."""

    url: str
    answer_after: float = 0.2
    rings: list[Ring] = field(default_factory=list)
    follows: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def phones(self, engine: Daemon, node: str) -> AsyncIterator[None]:
        """A phone of each agent, registered at one engine; those of a dead one go without a word."""
        async with AsyncExitStack() as undo:
            for name, host in AGENTS.items():
                account = Account(DOMAIN, password(name), engine.sip)

                def take(call: Call, name: str = name) -> None:
                    self.follows.add(asyncio.create_task(self.follow(name, node, call)))

                phone = Phone(name, account, host=host, on_call=take, farewell=0.5)
                await undo.enter_async_context(phone)
                await phone.register()
            yield

    async def follow(self, agent: str, node: str, call: Call) -> None:
        ring = Ring(agent, node, call, time.monotonic())
        self.rings.append(ring)
        ring.reserved_by = await asyncio.to_thread(self.holder, agent)
        await Script(answer_after=self.answer_after).follow(call)
        ring.ended = time.monotonic()

    def holder(self, agent: str) -> str | None:
        """Who has an agent, as the table says."""
        with psycopg.connect(self.url) as reader:
            query = "SELECT node FROM reservations WHERE kind = 'agent' AND id = %s AND expires > %s"
            row = reader.execute(query, (agent, time.time())).fetchone()
        return row[0] if row is not None else None

    def leave(self) -> None:
        for task in self.follows:
            task.cancel()

    def nobody_was_rung_twice(self) -> None:
        for one in self.rings:
            for other in self.rings:
                if one.began < other.began and one.agent == other.agent:
                    assert one.ended - other.began < AT_ONCE, f"{other.agent} rang at {one.node} still"


def at(url: str, node: str) -> Deployment:
    return Deployment(agents=tuple(AGENTS), node=node, store=url, takeover=TAKEOVER)


async def one_call(trunk: Phone, engine: Daemon, chance: random.Random) -> Call:
    """Somebody who hangs up a while after the greeting, whether an agent answered or not."""
    call = trunk.call(NUMBER, engine.sip)
    await asyncio.sleep(1.0 + chance.uniform(0.2, 2.5))  # callers leave when they like, in real time
    call.hang_up()
    await call.over()
    return call


async def busy_hour(trunk: Phone, engines: tuple[Daemon, Daemon], seed: int) -> None:
    """Calls at both engines at once, more than there are agents."""
    chance = random.Random(seed)
    async with asyncio.TaskGroup() as calls:
        for _ in range(12):
            for engine in engines:
                calls.create_task(one_call(trunk, engine, chance))
            await asyncio.sleep(chance.uniform(0.1, 0.5))


async def test_two_engines_never_ring_one_agent_at_once_and_a_dead_ones_agents_come_free(
    server: Postgres, tmp_path: Path
) -> None:
    url, seed = emptied(server), random.SystemRandom().randrange(2**32)
    floor = Floor(url)
    async with AsyncExitStack() as undo:
        first = await undo.enter_async_context(daemon(tmp_path / "n1", at(url, "n1")))
        second = await undo.enter_async_context(daemon(tmp_path / "n2", at(url, "n2")))
        undo.callback(floor.leave)
        trunk = await undo.enter_async_context(Phone("+447700900123", host=TRUNK, farewell=0.5))
        for engine, node in ((first, "n1"), (second, "n2")):
            await undo.enter_async_context(floor.phones(engine, node))
        await busy_hour(trunk, (first, second), seed)
        floor.nobody_was_rung_twice()
        assert {ring.node for ring in floor.rings} == {"n1", "n2"}, f"seed {seed}"
        assert [ring for ring in floor.rings if ring.reserved_by not in (ring.node, None)] == []
        assert sum(ring.reserved_by is not None for ring in floor.rings) > len(floor.rings) / 2
        await killed_in_a_call(trunk, first, second, floor)


async def killed_in_a_call(trunk: Phone, first: Daemon, second: Daemon, floor: Floor) -> None:
    """Both agents are on calls of an engine that dies: the other one's caller gets one of them, in time."""
    before = len(floor.rings)
    talks = [trunk.call(NUMBER, first.sip) for _ in AGENTS]
    await until(lambda: sum(ring.call.is_up for ring in floor.rings[before:]) == len(AGENTS))
    first.program.kill()
    killed = time.monotonic()
    waiting = trunk.call(NUMBER, second.sip)
    await until(lambda: any(ring.node == "n2" for ring in floor.rings[before:]))
    taken = next(ring for ring in floor.rings[before:] if ring.node == "n2")
    assert TAKEOVER * 2 / 3 - 0.5 < taken.began - killed < TAKEOVER + 1.5
    assert await asyncio.to_thread(floor.holder, taken.agent) == "n2"
    for call in (waiting, *talks):
        call.hang_up()


async def test_of_two_engines_of_one_name_the_later_goes_on(server: Postgres, tmp_path: Path) -> None:
    url = emptied(server)
    async with daemon(tmp_path / "elder", at(url, "n1")) as elder:
        async with daemon(tmp_path / "later", at(url, "n1")) as later:
            assert "later life" in (await elder.logged("fenced"))["why"]
            assert await elder.program.ended(10.0) == 0
            assert later.program.exit_code is None


async def until(holds: Callable[[], bool], within: float = 10.0) -> None:
    """Wait for something that phones see."""
    for _ in range(round(within / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)  # any of several phones may be the one: there is no single event for it
    raise AssertionError(f"not within {within} s")

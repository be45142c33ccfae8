"""`kill -9` at random instants under calls: what the next engine finds, mends and closes.

CORDBOARD_KILLS says how often the engine is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit.daemon import SOURCE, daemon, structured
from tests.kit.deployment import DOMAIN, ENGINE, NUMBER, PORTS, TRUNK, Deployment, password
from tests.kit.ports import free_ports, is_open
from tests.kit.program import Program, running
from tests.kit.softphones import talk
from tools.softphone import Account, Call, Phone, Script

KILLS = int(os.environ.get("CORDBOARD_KILLS", "20"))
AGENTS = {"anna": "127.0.0.11", "bob": "127.0.0.12"}
VOICES = 700.0, 1000.0
STARTED_WITHIN = 60.0
"""Seconds: how soon an engine is ready is another test's question."""
ENDED_WITHIN = 30.0
"""Seconds: a recorder that outlives the engine may take 10 to finish its files, and shares the engine's output."""
MENDED_WITHIN = 20.0
"""Seconds: a recorder that outlives the engine keeps its files for a moment, and then they are looked at again."""


@dataclass
class Life:
    """One run of the engine."""

    program: Program
    store: Path

    def asked(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as reader:
            return reader.execute(query).fetchall()

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = (structured(line) for line in self.program.lines)
        return [line for line in lines if line is not None and line.get("event") == event]


@asynccontextmanager
async def life(folder: Path, path: Path) -> AsyncIterator[Life]:
    words = (sys.executable, "-m", "engine.cli", "run", "-c", path.name)
    async with running(*words, cwd=folder, environment={"PYTHONPATH": str(SOURCE)}) as program:
        await program.line(lambda text: (structured(text) or {}).get("event") == "ready", STARTED_WITHIN)
        yield Life(program, folder / "cordboard.db")


@dataclass
class People:
    """Agents who take every call, and somebody who calls; they outlive the engine."""

    sip: tuple[str, int]
    undo: AsyncExitStack
    agents: list[Phone] = field(default_factory=list)
    follows: set[asyncio.Task[str]] = field(default_factory=set)
    taken: asyncio.Queue[Call] = field(default_factory=asyncio.Queue)
    """Calls that came to the agents since they registered."""

    async def arrive(self) -> None:
        self.undo.callback(self._leave)
        for name, host in AGENTS.items():
            account = Account(DOMAIN, password(name), self.sip)
            phone = Phone(name, account, host=host, on_call=self._take)
            self.agents.append(await self.undo.enter_async_context(phone))
        self.customer = await self.undo.enter_async_context(Phone("+447700900123", host=TRUNK))

    async def register(self) -> None:
        self.taken = asyncio.Queue()
        for phone in self.agents:
            await phone.register()

    def call(self) -> Call:
        return self.customer.call(NUMBER, self.sip)

    def _take(self, call: Call) -> None:
        self.taken.put_nowait(call)
        self.follows.add(asyncio.create_task(Script(answer_after=0.1).follow(call)))

    def _leave(self) -> None:
        for task in self.follows:
            task.cancel()


async def calls_until_killed(engine: Life, people: People, chance: random.Random) -> None:
    """Calls arrive, some hang up; at some instant of it the engine dies."""
    lasts = chance.uniform(0.0, 2.0)
    try:
        async with asyncio.timeout(lasts):
            while True:
                call = people.call()
                await asyncio.sleep(chance.uniform(0.05, 0.4))  # calls arrive in real time
                if chance.random() < 0.3:
                    call.hang_up()
    except TimeoutError:
        engine.program.kill()
    await engine.program.ended(ENDED_WITHIN)


def nothing_is_open(engine: Life) -> None:
    """Every conversation has its end, in its row and in its journal; the numbers add up."""
    assert engine.asked("SELECT id FROM conversations WHERE ended IS NULL") == []
    ((starts,),) = engine.asked("SELECT count(*) FROM conversations")
    ends = dict(engine.asked('SELECT "end", count(*) FROM conversations GROUP BY "end"'))
    assert sum(ends.values()) == starts
    told = engine.asked("SELECT conversation FROM journal WHERE kind = 'event' AND name = 'ended'")
    assert len(told) == len(set(told)) == starts


async def recordings_mended(folder: Path) -> None:
    unfinished = folder / "recordings"
    for _ in range(round(MENDED_WITHIN / 0.1)):
        left = [path for path in unfinished.rglob("*.wav") if path.parent != unfinished]
        if not left:
            return
        await asyncio.sleep(0.1)  # the engine looks now and then; there is no event for it
    raise AssertionError(f"not mended within {MENDED_WITHIN} s: {left}")


async def a_call_is_answered(people: People) -> None:
    async with asyncio.timeout(15.0):
        call = people.call()
        await call.up()
        taken = await people.taken.get()
        await taken.up()
        call.hang_up()
        await taken.over()


async def gone(pid: int, within: float) -> None:
    """Wait until a process that is not our child has ended: only its parent is told."""
    for _ in range(round(within / 0.01)):
        if not Path(f"/proc/{pid}").exists():  # noqa: ASYNC240 - nothing of /proc waits
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"process {pid} is still there after {within} s")


async def test_a_hanging_media_process_goes_with_its_engine(tmp_path: Path) -> None:
    """The sockets of its rows are no longer held when the next engine starts."""
    deployment = Deployment()
    async with daemon(tmp_path, deployment) as engine, talk(engine, VOICES):
        (worker,) = engine.media_processes("worker")
        held = [
            port for port in range(deployment.rtp, deployment.rtp + PORTS) if is_open("udp", ENGINE, port)
        ]
        os.kill(worker, signal.SIGSTOP)
        engine.program.kill()
        assert await engine.program.ended(ENDED_WITHIN) == -signal.SIGKILL
        await gone(worker, within=2.0)
        assert len(held) >= 4
        assert not any(is_open("udp", ENGINE, port) for port in held)


async def test_killed_at_random_instants_the_engine_closes_what_it_left(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    sip, web, rtp = (free_ports(ENGINE, count) for count in (1, 1, PORTS))
    deployment = Deployment(agents=tuple(AGENTS), sip=sip, web=web, rtp=rtp)
    path = deployment.write(tmp_path)
    closed = 0
    async with AsyncExitStack() as undo:
        people = People((ENGINE, deployment.sip), undo)
        await people.arrive()
        for _ in range(KILLS):
            async with life(tmp_path, path) as engine:
                nothing_is_open(engine)
                closed += sum(line["count"] for line in engine.logged("conversations_closed"))
                await people.register()
                await calls_until_killed(engine, people, chance)
        async with life(tmp_path, path) as engine:
            nothing_is_open(engine)
            closed += sum(line["count"] for line in engine.logged("conversations_closed"))
            ((restarted,),) = engine.asked("SELECT count(*) FROM conversations WHERE \"end\" = 'restarted'")
            assert closed == restarted, f"seed {seed}"
            assert restarted > 0, f"no call was up at any of {KILLS} kills: seed {seed}"
            await people.register()
            await a_call_is_answered(people)
            await recordings_mended(tmp_path)
            assert (tmp_path / "recordings").exists()
            engine.program.terminate()
            assert await engine.program.ended(20.0) == 0

"""Which agents this node has, among all that share a store: reserved before they are rung, until they are idle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import structlog

from engine.agents.agent import Agent, Doing
from engine.agents.floor import Floor
from engine.facts import Clock
from engine.store.store import Fenced, Store, StoreDown

log = structlog.get_logger()

KIND = "agent"
ANSWER_WITHIN = 1.0
"""Seconds that the store may take to say who has an agent; a call is not kept waiting longer."""
RETRY_EVERY = 1.0
"""Seconds between tries while the store is down."""
LOOK_EVERY = 0.5
"""Seconds between looks at who is on a call at another node."""
RENEWALS = 3
"""How often a reservation is renewed before it would expire."""


@dataclass(frozen=True, slots=True)
class Life:
    """One run of a node."""

    node: str
    epoch: int
    """Which one it is; the latest counts."""
    takeover: float
    """Seconds without a word from it after which others take what it had."""


class Claims:
    """Takes agents for this node and gives them back. Use as a context manager: its one task asks the store.

    While the store does not answer, a node that knows of no other goes on by itself; one that shares its agents
    with others rings nobody until the store is back, and its callers keep their places.
    """

    def __init__(self, store: Store, floor: Floor, clock: Clock, life: Life) -> None:
        self._store = store
        self._floor = floor
        self._clock = clock
        self._life = life
        self._held: set[str] = set()
        """Reserved, or to be once the store is back."""
        self._leaving: set[str] = set()
        """Of those, who is to be given back."""
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._elsewhere: set[str] = set()
        self._others: frozenset[str] = frozenset()
        self._renew_at = self._look_at = clock.monotonic()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.down = False
        """The store does not answer."""
        self.fenced = False
        """A later life of this node has begun: this one takes nobody any more."""
        self.on_fenced: list[Callable[[], None]] = []
        self.also: list[Callable[[], Awaitable[None]]] = []
        """What else is looked up while other nodes are there; may raise StoreDown."""
        floor.on_change.append(self._agent_changed)

    async def __aenter__(self) -> Claims:
        self._task = asyncio.create_task(self._run(), name="claims")
        self._task.add_done_callback(self._stopped)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives everybody back, if the store takes it in time; else they are free once their time is over."""
        assert self._task is not None
        self._closing = True
        self._wake.set()
        if not self.down:  # what it asks the store just now it may finish
            await asyncio.wait({self._task}, timeout=ANSWER_WITHIN)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._leaving = set(self._held)
        if not self.down and not self.fenced:
            await self._in_time(self._give_back)

    @property
    def held(self) -> frozenset[str]:
        """Agents whom this node has now."""
        return frozenset(self._held)

    async def take(self, agent: str) -> bool:
        """Have an agent, until they are idle again; False when another node has them, or may have."""
        if self.fenced:
            return False
        if self.down:
            return self._without_store(agent)
        if agent in self._leaving:
            self._leaving.discard(agent)
            return True
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[agent] = answer
        self._wake.set()
        return await answer

    def _agent_changed(self, agent: Agent) -> None:
        if agent.doing is Doing.ELSEWHERE:
            self._elsewhere.add(agent.id)
        else:
            self._elsewhere.discard(agent.id)
        if agent.doing is not Doing.IDLE or agent.id not in self._held:
            return
        if self.fenced:
            self._held.discard(agent.id)
        else:
            self._leaving.add(agent.id)
            self._wake.set()

    async def _run(self) -> None:
        while not (self.fenced or self._closing):
            await self._something_to_do()
            await self._in_time(self._turn)

    async def _something_to_do(self) -> None:
        now, due = self._clock.monotonic(), self._renew_at
        if not self.down and (self._others or self._elsewhere):
            due = min(due, self._look_at)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - now)):
                await (asyncio.Event() if self.down else self._wake).wait()

    async def _in_time(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something with the store; when it takes too long, calls hear so at once and it goes on alone."""
        task = asyncio.create_task(work())
        try:
            await asyncio.wait({task}, timeout=ANSWER_WITHIN)
            if not task.done():
                self._lost_store(f"no answer within {ANSWER_WITHIN:g} s")
            await task
        except StoreDown as down:
            self._lost_store(str(down))
        except Fenced as fenced:
            self._end(str(fenced))
        finally:
            if task.cancel():
                await asyncio.wait({task}, timeout=ANSWER_WITHIN)

    async def _turn(self) -> None:
        self._wake.clear()
        now = self._clock.monotonic()
        if now >= self._renew_at:
            await self._renew()
            self._renew_at = self._clock.monotonic() + self._life.takeover / RENEWALS
            self._found_store()
        await self._reserve()
        await self._give_back()
        if now >= self._look_at and (self._others or self._elsewhere):
            await self._look()
            for look in self.also:
                await look()
            self._look_at = self._clock.monotonic() + LOOK_EVERY

    async def _reserve(self) -> None:
        for agent in self._asked.keys() & self._leaving:  # asked for by a call that left before the answer
            self._leaving.discard(agent)
            self._answer(agent, True)
        asked = dict(self._asked)
        if not asked:
            return
        had = await self._reserved(asked)
        for agent, answer in asked.items():
            if answer.done() and agent in had and agent not in self._held:
                self._leaving.add(agent)
            if agent in had:
                self._held.add(agent)
            if self._asked.get(agent) is answer:
                self._answer(agent, agent in had)

    async def _give_back(self) -> None:
        if not self._leaving:
            return
        leaving, self._leaving = self._leaving, set()
        life = self._life
        try:
            await self._store.release_all(KIND, leaving, life.node, life.epoch)
        except StoreDown:
            self._leaving |= leaving
            raise
        self._held -= leaving

    async def _renew(self) -> None:
        """Say that this node is there, have on what it has, and take again what it lost meanwhile."""
        life, now = self._life, self._clock.wall()
        self._others = await self._store.still_here(life.node, life.epoch, now - 2 * life.takeover)
        held = self._held - self._leaving
        if not held:
            return
        until = now + life.takeover
        lost = held - await self._store.renew_all(KIND, held, life.node, life.epoch, until)
        if lost:
            lost -= await self._reserved(lost)
        for agent in sorted(lost & self._held):
            log.error("agent_lost", agent=agent, why="another node has taken them; a call of theirs goes on")
        self._held -= lost

    async def _reserved(self, agents: Iterable[str]) -> frozenset[str]:
        life, until = self._life, self._clock.wall() + self._life.takeover
        return await self._store.reserve_all(KIND, agents, life.node, life.epoch, until)

    async def _look(self) -> None:
        """Who is on a call at another node is not free here; who came back from one is, and idle from now on."""
        taken = await self._store.taken(KIND, self._life.node)
        for id in taken ^ self._elsewhere:
            agent = self._floor.agents.get(id)
            if agent is None:
                self._elsewhere.discard(id)
            elif id not in taken:
                self._floor.change(agent, Doing.IDLE)
            elif agent.doing is Doing.IDLE:
                self._floor.change(agent, Doing.ELSEWHERE)

    def _answer(self, agent: str, taken: bool) -> None:
        answer = self._asked.pop(agent)
        if answer.cancelled():
            if taken:
                self._leaving.add(agent)
        else:
            answer.set_result(taken)

    def _without_store(self, agent: str) -> bool:
        if self._others:
            return False
        self._leaving.discard(agent)
        self._held.add(agent)
        return True

    def _lost_store(self, reason: str) -> None:
        """Nobody waits for it: those who ask have their answer now."""
        self._renew_at = self._clock.monotonic() + RETRY_EVERY
        if not self.down:
            going_on = (
                "agents are rung" if not self._others else "nobody is rung: other nodes share the agents"
            )
            log.error("reservations_down", reason=reason, meanwhile=going_on)
        self.down = True
        for agent in list(self._asked):
            self._answer(agent, self._without_store(agent))

    def _found_store(self) -> None:
        if self.down:
            self.down = False
            self._look_at = self._clock.monotonic()
            log.warning("reservations_back", agents=len(self._held))

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """A defect of ours is no reason to ring nobody any more."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("reservations_fault", exc_info=error)
            self._lost_store(repr(error))

    def _end(self, why: str) -> None:
        self.fenced = True
        node = self._life.node
        log.error("fenced", node=node, why=why, what="no new calls; those there are may finish")
        for agent in list(self._asked):
            self._answer(agent, False)
        for tell in self.on_fenced:
            tell()

"""Wiring: which part is given to which. Constructor calls, top to bottom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from config.prompts import Audio
from config.settings import Settings
from config.workstreams import InboundWorkstream
from engine.agents.agent import Agent
from engine.agents.floor import Floor
from engine.calls.desk import Desk, QueueSound
from engine.calls.reception import Reception
from engine.calls.stories import stories
from engine.conversations.book import Book
from engine.conversations.journal import Journal
from engine.facts import Clock
from engine.legs.attempt import Plant
from engine.legs.sound import Sound
from engine.policy.waiting import WaitingRules
from engine.queues.dispatcher import Dispatcher
from engine.queues.queue import Queue
from engine.recordings.catalogue import Recordings
from engine.sip.stack import Stack
from engine.store.store import Store
from engine.transports.driver import Driver
from engine.trunks.directory import Directory
from engine.web.engine_board import EngineBoard

BUILT_CODECS = ("PCMU", "PCMA")
"""Of media.codecs, those that legs speak in this version."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts that somebody outside still has to do with."""

    settings: Settings
    stack: Stack
    driver: Driver
    floor: Floor
    dispatcher: Dispatcher
    desk: Desk
    book: Book
    board: EngineBoard

    def held(self) -> dict[str, int]:
        """Everything that calls hold, by kind; all 0 when there are none, or something was left behind."""
        return {
            "conversations": len(self.book.live),
            "tasks": self.book.tasks,
            "dialogs": len(self.desk.plant.attempts),
            "places": len(list(self.dispatcher.waiting())),
            "agents": sum(agent.held_by is not None for agent in self.floor.agents.values()),
            **self.desk.plant.sound.in_use(),
        }


@dataclass(frozen=True, slots=True)
class World:
    """What comes in from outside: time, chance, and where this node is."""

    clock: Clock
    node: str
    """Part of every identifier."""
    token: Callable[[], str]
    """Sixteen unguessable hexadecimal digits."""
    key: bytes
    """Of the nonces; a node that restarts with another key asks phones once more."""
    local: Mapping[str, tuple[str, int]]
    """Transport to the address that Via and Contact name."""


async def assemble(settings: Settings, world: World, sound: Sound, store: Store, disk: Executor) -> Engine:
    """Build the engine of a deployment. Raises BadClip for a prompt that cannot be played."""
    clock, loop = world.clock, asyncio.get_running_loop()
    stack = Stack(
        authority=directory(settings),
        local=world.local,
        token=world.token,
        key=world.key,
        min_expires=int(settings.sip.register_.min_expires),
        max_expires=int(settings.sip.register_.max_expires),
        algorithms=settings.sip.digest,
    )
    driver = Driver(stack, clock)
    codecs = tuple(codec for codec in settings.media.codecs if codec in BUILT_CODECS)
    plant = Plant(driver, sound, codecs, settings.sip.external_address)
    floor = Floor(agents(settings), clock, loop.call_later)
    dispatcher = Dispatcher(floor, clock, loop.call_soon)
    dispatcher.open(queues(settings, dispatcher.changed))
    journal = Journal(store, clock, world.node)
    recordings = Recordings(settings.recordings.folder, clock, disk.submit)
    desk = Desk(
        settings,
        inbound(settings),
        clock,
        plant,
        floor,
        dispatcher,
        await sounds(settings, sound),
        recordings,
        disk,
        journal,
    )
    book = Book(world.node, clock, world.token, journal, stories(desk))
    driver.deliver = Reception(desk, book).deliver
    zone = ZoneInfo(settings.organisation.time_zone)
    board = EngineBoard(settings.organisation.name, zone, clock, book, floor, dispatcher)
    return Engine(settings, stack, driver, floor, dispatcher, desk, book, board)


def directory(settings: Settings) -> Directory:
    secrets = {name: agent.password.get_secret_value() for name, agent in settings.agents.items()}
    accept_from = {name: trunk.accept_from for name, trunk in settings.trunks.items()}
    return Directory(settings.sip.domain, secrets, accept_from)


def agents(settings: Settings) -> list[Agent]:
    rules = settings.calls.wrap_up
    return [
        Agent(
            id=name,
            name=agent.name,
            queues=agent.queues,
            wrap_up=0.0 if not rules.enabled else rules.time if agent.wrap_up is None else agent.wrap_up,
        )
        for name, agent in settings.agents.items()
    ]


def queues(settings: Settings, changed: Callable[[], None]) -> list[Queue]:
    made = []
    for name, queue in settings.queues.items():
        strategy = settings.waiting_strategies.get(queue.waiting or "")
        made.append(
            Queue(
                name=name,
                priority=queue.priority,
                agents=frozenset(agent for agent, who in settings.agents.items() if name in who.queues),
                rules=WaitingRules(max_wait=strategy.max_wait if strategy is not None else DEFAULT_WAIT),
                changed=changed,
                answer_within=queue.service_level.answer_within,
            )
        )
    return made


def inbound(settings: Settings) -> dict[str, InboundWorkstream]:
    every = settings.workstreams.items()
    return {name: stream for name, stream in every if isinstance(stream, InboundWorkstream)}


async def sounds(settings: Settings, sound: Sound) -> dict[str, QueueSound]:
    """Decode what callers of each queue hear, before the first of them calls."""
    made = {}
    for name, queue in settings.queues.items():
        strategy = settings.waiting_strategies.get(queue.waiting or "")
        greeting = strategy.greeting if strategy is not None else None
        music = strategy.music if strategy is not None else "builtin:wait"
        made[name] = QueueSound(
            greeting=await sound.load(greeting.audio) if isinstance(greeting, Audio) else None,
            music=await sound.load(Path(music)),
        )
    return made


DEFAULT_WAIT = 1800.0
"""Seconds of a queue without a waiting strategy, as config/queues.py says."""

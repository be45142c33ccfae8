"""Wiring: which part is given to which. Constructor calls, top to bottom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from config.settings import Settings
from engine.agents.choices import Choices
from engine.agents.claims import Claims, Life
from engine.agents.floor import Floor
from engine.calls.desk import Desk
from engine.calls.reception import Reception
from engine.calls.stories import stories
from engine.conversations.book import Book
from engine.conversations.journal import Journal
from engine.deployment.parts import agents, directory, inbound, queues, sounds
from engine.deployment.reload import Reloader
from engine.deployment.source import Source
from engine.facts import Clock
from engine.legs.attempt import Plant
from engine.legs.sound import Sound
from engine.queues.dispatcher import Dispatcher
from engine.recordings.catalogue import Recordings
from engine.recordings.filing import Filing
from engine.sip.stack import Stack
from engine.store.store import Store
from engine.transports.driver import Driver, Locator
from engine.web.api.office import Office
from engine.web.api.ring import Ring
from engine.web.api.watch import watch
from engine.web.engine_board import EngineBoard
from engine.web.outbox import Outbox

BUILT_CODECS = ("PCMU", "PCMA")
"""Of media.codecs, those that legs speak in this version."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts that somebody outside still has to do with."""

    settings: Settings
    stack: Stack
    driver: Driver
    floor: Floor
    claims: Claims
    dispatcher: Dispatcher
    desk: Desk
    book: Book
    board: EngineBoard
    office: Office
    outbox: Outbox

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
    source: Source | None = None
    """Where the deployment is read again from."""
    epoch: int = 1
    """Which life of the node this is, as the store counts them."""
    locator: Locator | None = None
    """Asks DNS for the targets of names; without one, names in URIs lead nowhere."""


async def assemble(settings: Settings, world: World, sound: Sound, store: Store, filing: Filing) -> Engine:
    """Build the engine of a deployment. Raises BadClip for a prompt that cannot be played, and StoreDown."""
    clock, loop = world.clock, asyncio.get_running_loop()
    known = directory(settings)
    stack = Stack(
        authority=known,
        local=world.local,
        token=world.token,
        key=world.key,
        min_expires=int(settings.sip.register_.min_expires),
        max_expires=int(settings.sip.register_.max_expires),
        algorithms=settings.sip.digest,
        session_timer=(int(settings.sip.session_timer.expires), int(settings.sip.session_timer.min)),
    )
    driver = Driver(stack, clock, world.locator)
    driver.messages.trunk_at = known.trunk_at
    codecs = tuple(codec for codec in settings.media.codecs if codec in BUILT_CODECS)
    plant = Plant(driver, sound, codecs, settings.sip.external_address)
    floor = Floor(agents(settings), clock, loop.call_later)
    life = Life(world.node, world.epoch, settings.node.takeover)
    claims = Claims(store, floor, clock, life)
    dispatcher = Dispatcher(floor, clock, loop.call_soon)
    dispatcher.open(queues(settings, dispatcher.changed))
    choices = Choices(store, floor, clock)
    await choices.restore()
    claims.also.append(choices.catch_up)
    journal = Journal(store, clock, world.node)
    recordings = Recordings(settings.recordings.folder, clock, filing.later)
    desk = Desk(
        settings,
        inbound(settings),
        clock,
        plant,
        floor,
        claims,
        dispatcher,
        await sounds(settings, sound),
        recordings,
        filing,
        journal,
    )
    book = Book(world.node, clock, world.token, journal, stories(desk))
    driver.deliver = Reception(desk, book).deliver
    zone = ZoneInfo(settings.organisation.time_zone)
    board = EngineBoard(settings.organisation.name, zone, clock, book, floor, dispatcher)
    ring = Ring(clock, world.token())
    reloader = Reloader(desk, known, world.source)
    office = Office(
        settings, world.node, clock, book, floor, choices, dispatcher, journal, store, ring, reloader
    )
    watch(office)
    outbox = Outbox(ring, store, world.node, world.epoch)
    return Engine(settings, stack, driver, floor, claims, dispatcher, desk, book, board, office, outbox)

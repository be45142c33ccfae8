"""A whole contact centre in virtual time: the real engine and the real SIP, on a network and with sound in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from config.load import load
from engine.agents.agent import Doing
from engine.app import Engine, World, assemble
from engine.conversations.conversation import Conversation
from engine.deployment.source import Source
from engine.facts import Clock, Phase, Reason
from engine.recordings.filing import Filing
from engine.store.memory import MemoryStore
from engine.store.store import Store
from tests.kit.network import Address, Network
from tests.kit.phones import Phone, PhoneCall
from tests.kit.sound import FakeRow, FakeSound

ENGINE: Address = ("127.0.0.1", 5060)
NUMBER = "+442071230001"
FORGET = 64.0
"""Seconds after which SIP has forgotten the last of a call: twice 64*T1."""

YAML = """
organisation: {name: Test}
sip: {listen: ["udp://127.0.0.1:5060"], domain: acme.test}
trunks:
  carrier: {target: "127.0.0.2:5080", accept_from: [127.0.0.2/32]}
numbers:
  "+442071230001": {use: shared, kind: geographic, trunk: carrier, inbound: true, outbound: false, name: Support}
agents:
  anna: {name: Anna Smith, password: pw-anna, queues: [support]}
  bob: {name: Bob Jones, password: pw-bob, queues: [support]}
  carl: {name: Carl Young, password: pw-carl, queues: [support]}
calls:
  ring: {agent: 30s}
  wrap_up: {enabled: true, time: 10s}
workstreams:
  support-in: {direction: inbound, numbers: ["+442071230001"], routes: [{queue: support}]}
queues:
  support: {assignment: longest_idle, waiting: patient}
waiting_strategies:
  patient: {greeting: {audio: greeting.wav}, music: builtin:wait, max_wait: 10m, then: end}
recordings: {enabled: true, folder: FOLDER}
"""


@dataclass
class Centre:
    """What a test holds: the engine, and everybody around it."""

    engine: Engine
    network: Network
    sound: FakeSound
    clock: Clock
    phones: list[Phone] = field(default_factory=list)
    faults: int = 0
    """Conversations that a test means to end by a defect."""
    _hosts: count[int] = field(default_factory=lambda: count(10))

    async def agent(
        self, name: str, *, answer_after: float | None = 2.0, refuses: int | None = None
    ) -> Phone:
        """A registered phone of an agent."""
        phone = Phone(
            self.network,
            (f"127.0.1.{next(self._hosts)}", 5060),
            name,
            self.clock,
            answer_after=answer_after,
            refuses=refuses,
        )
        self.phones.append(phone)
        status = await phone.register(ENGINE, "acme.test", f"pw-{name}")
        assert status == 200
        return phone

    def trunk(self) -> Phone:
        """The carrier's side, from which callers come."""
        phone = Phone(self.network, ("127.0.0.2", 5080), "+447700900123", self.clock)
        self.phones.append(phone)
        return phone

    def caller(self, number: str = NUMBER) -> PhoneCall:
        """Somebody calls."""
        trunk = (
            next((phone for phone in self.phones if phone.address[0] == "127.0.0.2"), None) or self.trunk()
        )
        return trunk.call(number, ENGINE)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @property
    def conversation(self) -> Conversation:
        """The only one there is."""
        (only,) = self.engine.book.live.values()
        return only

    def row_of(self, role: str) -> FakeRow:
        """The open row of the caller ("customer") or the agent."""
        leg = next(leg for leg in self.conversation.legs if leg.party.role == role)
        row = leg.row
        assert isinstance(row, FakeRow)
        return row

    def phase(self) -> Phase:
        """Where the only conversation is."""
        return self.conversation.phase

    def doing(self, agent: str) -> Doing:
        return self.engine.floor.agents[agent].doing

    def ends(self) -> dict[Reason, int]:
        return dict(self.engine.book.ends)

    async def nothing_is_left(self) -> None:
        """No conversation, row, port, task, place, held agent, dialog or transaction, once SIP has forgotten."""
        await self.wait(FORGET)
        engine = self.engine
        assert {kind: count for kind, count in engine.held().items() if count} == {}
        live = engine.stack.live
        assert (live.dialogs, live.clients, live.servers) == (0, 0, 0)
        stories = [task for task in asyncio.all_tasks() if "Book._run" in repr(task)]
        assert stories == []
        for queue in engine.dispatcher.queues.values():
            counts = queue.counts
            assert counts.offered == counts.answered + counts.abandoned + counts.gave_up + counts.dropped
            assert list(queue.unassigned()) == []
        assert engine.book.offered == sum(engine.book.ends.values())
        assert engine.book.ends[Reason.FAULT] == self.faults
        assert engine.desk.recordings.live == {}
        assert engine.claims.held == frozenset()
        assert await engine.office.store.reservations("n1") == []


def placed(yaml: str, folder: Path) -> str:
    """A deployment that records into a test's own folder."""
    return yaml.replace("FOLDER", str(folder / "recordings"))


@asynccontextmanager
async def contact_centre(
    folder: Path, yaml: str = YAML, *, rows: int = 1000, store: Store | None = None
) -> AsyncIterator[Centre]:
    """An engine at 127.0.0.1:5060 of a network in memory; its store is in memory too, unless given."""
    loop = asyncio.get_running_loop()
    clock = Clock(loop.time, lambda: 1_790_000_000 + loop.time())
    numbers = count()
    (folder / "cordboard.yaml").write_text(placed(yaml, folder))
    settings = load(folder / "cordboard.yaml", {})
    fake = FakeSound("127.0.0.1", rows)
    world = World(
        clock,
        "n1",
        lambda: f"{next(numbers):016x}",
        b"key",
        {"udp": ENGINE},
        Source(folder / "cordboard.yaml", {}),
    )
    async with Filing() as filing:
        engine = await assemble(settings, world, fake, store or MemoryStore(clock.wall), filing)
        network = Network()
        network.join(engine.driver, ENGINE)
        async with engine.claims, engine.book:
            yield Centre(engine, network, fake, clock)

"""Hours in which everybody does as they like and packets are lost: what must hold holds at every step."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from engine.facts import Reason
from engine.queues.dispatcher import Dispatcher
from engine.queues.place import Place
from tests.flows.conftest import Play
from tests.kit.centre import ENGINE, NUMBER, Centre
from tests.kit.invariants import Invariants, first_come_first_served, no_one_waits_in_vain
from tests.kit.phones import Phone

SALES = "+442071230002"
TWO_QUEUES = """
organisation: {name: Test}
sip: {listen: ["udp://127.0.0.1:5060"], domain: acme.test}
trunks:
  carrier: {target: "127.0.0.2:5080", accept_from: [127.0.0.2/32]}
numbers:
  "+442071230001": {use: shared, kind: geographic, trunk: carrier, inbound: true, outbound: false, name: Support}
  "+442071230002": {use: shared, kind: geographic, trunk: carrier, inbound: true, outbound: false, name: Sales}
agents:
  anna: {name: Anna Smith, password: pw-anna, queues: [support, sales]}
  bob: {name: Bob Jones, password: pw-bob, queues: [support]}
  carl: {name: Carl Young, password: pw-carl, queues: [sales]}
calls:
  ring: {agent: 30s}
  wrap_up: {enabled: true, time: 10s}
workstreams:
  support-in: {direction: inbound, numbers: ["+442071230001"], routes: [{queue: support}]}
  sales-in: {direction: inbound, numbers: ["+442071230002"], routes: [{queue: sales}]}
queues:
  support: {assignment: longest_idle, waiting: patient}
  sales: {assignment: longest_idle, waiting: brief, priority: 2}
waiting_strategies:
  patient: {greeting: {audio: greeting.wav}, music: builtin:wait, max_wait: 10m, then: end}
  brief: {music: builtin:wait, max_wait: 40s, then: end}
recordings: {enabled: true, folder: FOLDER}
"""
HOUR = 3600.0


class Chance:
    """Everybody's whims in one hour, all from one seed."""

    def __init__(self, centre: Centre, seed: int) -> None:
        self.centre = centre
        self.chance = Random(seed)
        self.loss = self.chance.choice([0.0, 0.02, 0.1])
        self.over = False
        centre.network.lose = lambda source, packet: self.chance.random() < self.loss

    async def callers(self) -> None:
        """They come, some two at once, and leave whenever they like: before the answer, too."""
        while not self.over:
            call = self.centre.caller(self.chance.choice([NUMBER, SALES]))
            patience = self.chance.choice([0.02, 1, 20, 90, 200]) * self.chance.random()
            asyncio.get_running_loop().call_later(patience, call.hang_up)
            await asyncio.sleep(self.chance.choice([0, 1, 15, 60]) * self.chance.random())

    async def phone(self, phone: Phone) -> None:
        """Answers soon, late or never, refuses, hangs up, vanishes, comes back."""
        chance = self.chance
        while not self.over:
            phone.answer_after = chance.choice([0.0, 0.5, 3, 29.999, 30.0, 45, None])
            phone.refuses = chance.choice([None] * 8 + [486, 480, 603, 500])
            await asyncio.sleep(chance.random() * 40)
            if phone.calls and chance.random() < 0.3:
                phone.calls[-1].hang_up()
            if chance.random() < 0.1:
                await self.vanish(phone)

    async def vanish(self, phone: Phone) -> None:
        if self.chance.random() < 0.3:
            await phone.register(ENGINE, "acme.test", f"pw-{phone.user}", expires=0)
        else:
            self.centre.network.leave(phone.address, quietly=self.chance.random() < 0.5)
        await asyncio.sleep(self.chance.random() * 120)
        self.centre.network.join(phone.driver, phone.address)
        await phone.register(ENGINE, "acme.test", f"pw-{phone.user}")

    async def media(self) -> None:
        """Now and then a media process is gone for good."""
        while not self.over:
            await asyncio.sleep(self.chance.random() * 600)
            if self.centre.sound.rows:
                self.chance.choice(self.centre.sound.rows).lose()


@pytest.mark.parametrize("seed", [1, 4, 5, 19])
def test_a_random_hour(play: Play, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assigned, dispatch = Place.assigned, Dispatcher._dispatch

    def watched_assigned(place: Place, hold: object, *, new_round: bool) -> None:
        first_come_first_served(place, hold)  # type: ignore[arg-type]
        assigned(place, hold, new_round=new_round)  # type: ignore[arg-type]

    def watched_dispatch(dispatcher: Dispatcher) -> None:
        dispatch(dispatcher)
        no_one_waits_in_vain(dispatcher)

    monkeypatch.setattr(Place, "assigned", watched_assigned)
    monkeypatch.setattr(Dispatcher, "_dispatch", watched_dispatch)

    async def story(centre: Centre) -> None:
        watch = Invariants(centre.engine, centre.sound)
        chance = Chance(centre, seed)
        phones = [await centre.agent(name, answer_after=3) for name in ("anna", "anna", "bob", "carl")]
        async with asyncio.TaskGroup() as tasks:
            for whim in [chance.callers(), chance.media(), *map(chance.phone, phones)]:
                tasks.create_task(whim)
            await asyncio.sleep(HOUR)
            chance.over = True
            if seed % 2:
                centre.engine.book.stop()
        chance.loss = 0.0
        await centre.wait(400)
        centre.engine.book.stop()
        await centre.wait(100)
        ends = centre.ends()
        assert watch.looks > 500
        assert centre.engine.book.offered > 50
        assert {Reason.COMPLETED, Reason.ABANDONED} <= set(ends)

    play(story, yaml=TWO_QUEUES)

"""The people of the demo: agents who answer, and callers who come, wait, talk and sometimes give up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from media.g711 import Pcm
from tools.softphone import Call, CallFailed, Phone, Script
from tools.softphone.sound import tone

EVERY = (2.0, 6.0)
"""Seconds from one caller to the next."""
PARTING = 6.0
"""Seconds that callers may go on after the demo's end: longer than greeting and ringing, so that even the shortest
demo has a call that is answered."""
PATIENCE = (6.0, 60.0)
"""Seconds a caller waits for an agent."""
TALK = (6.0, 12.0)
"""Seconds from an agent's answer to the agent's hanging up."""
RING = (1.0, 3.0)
"""Seconds before an agent picks up."""
NAMES = ("Ada", "Ben", "Cleo", "Dev", "Eve", "Finn", "Gus", "Hana", "Ivo", "June")
MELODY = (523.3, 587.3, 659.3, 784.0, 659.3, 587.3)


def melody(shift: float) -> Pcm:
    """What a scripted party says: a small tune, so that whoever listens hears that the line is alive."""
    return np.concatenate([tone(note * shift, 0.3, 0.2) for note in MELODY * 6])


@dataclass
class Agent:
    """Picks up after a moment, talks, and hangs up."""

    chance: random.Random
    _tasks: set[asyncio.Task[str]] = field(default_factory=set)

    def take(self, call: Call) -> None:
        script = Script(
            answer_after=self.chance.uniform(*RING),
            say=melody(0.5),
            hang_up_after=self.chance.uniform(*TALK),
        )
        task = asyncio.create_task(script.follow(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass
class Callers:
    """A stream of callers from one trunk."""

    trunk: Phone
    number: str
    engine: tuple[str, int]
    chance: random.Random
    say: Callable[[str], None]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _calls: set[Call] = field(default_factory=set)
    _count: int = 0

    async def stream(self) -> None:
        """Callers without end."""
        while True:
            task = asyncio.create_task(self._one())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(self.chance.uniform(*EVERY))

    async def leave(self) -> None:
        """The demo is over: whoever is still there in a few seconds says goodbye. Returns once all have gone."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PARTING)
        for call in self._calls:
            call.hang_up()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _one(self) -> None:
        name = NAMES[self._count % len(NAMES)]
        identity = f'"{name}" <sip:+4479009{self._count:05d}@carrier.test>'
        self._count += 1
        call = self.trunk.call(self.number, self.engine, identity=identity)
        self._calls.add(call)
        try:
            await self._speak(call)
        except CallFailed as failed:
            self.say(f"{name} was turned away: {failed}")
        finally:
            self._calls.discard(call)

    async def _speak(self, call: Call) -> None:
        """Wait and talk for as long as this caller has patience. Raises CallFailed."""
        await call.up()
        talking = asyncio.create_task(call.say(melody(1.0)))
        try:
            async with asyncio.timeout(self.chance.uniform(*PATIENCE)):
                await call.over()
        except TimeoutError:
            call.hang_up()
        finally:
            talking.cancel()

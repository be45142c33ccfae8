"""The project's own scripted phones around a running engine: quick to start, and every sample they hear is at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from media.g711 import RATE
from tests.kit.daemon import Daemon
from tests.kit.deployment import DOMAIN, NUMBER, TRUNK, password
from tests.kit.program import Silent
from tests.kit.tone import Samples, seconds_of
from tools.softphone import Account, Call, Phone
from tools.softphone.sound import tone

HOSTS = {"anna": "127.0.0.11", "bob": "127.0.0.12"}
FAREWELL = 0.5
"""Seconds for an engine on the same machine to answer the last requests; one that has ended never does."""
LONGEST = 60.0
"""Seconds that a tone goes on unless the call ends."""


@asynccontextmanager
async def agent_phone(engine: Daemon, name: str) -> AsyncIterator[Phone]:
    """An agent's phone that is registered."""
    account = Account(DOMAIN, password(name), engine.sip)
    async with Phone(name, account, host=HOSTS[name], farewell=FAREWELL) as phone:
        await phone.register()
        yield phone


@asynccontextmanager
async def carrier() -> AsyncIterator[Phone]:
    """The address from which callers come."""
    async with Phone("+447900000003", host=TRUNK, farewell=FAREWELL) as phone:
        yield phone


def dial(phone: Phone, engine: Daemon) -> Call:
    """Call the support number."""
    return phone.call(NUMBER, engine.sip)


@asynccontextmanager
async def talk(engine: Daemon, hertz: tuple[float, float]) -> AsyncIterator[tuple[Call, Call]]:
    """A caller and anna, connected, each saying a tone until the call ends: the caller's and anna's."""
    async with agent_phone(engine, "anna") as anna, carrier() as trunk:
        caller = dial(trunk, engine)
        agent = await answered(anna)
        say(caller, hertz[0])
        say(agent, hertz[1])
        yield caller, agent


async def answered(phone: Phone, within: float = 10.0) -> Call:
    """The next call that comes in, picked up at once."""
    async with asyncio.timeout(within):
        return await phone.answered()


def say(call: Call, hertz: float) -> None:
    """Begin to say a tone; it goes on until the call ends."""
    call.voice.say(tone(hertz, LONGEST))


def heard(call: Call, since: int = 0) -> Samples:
    """What a call heard, full scale 1, from so many samples on."""
    return call.heard[since:].astype(np.float64) / 32768


async def hears(call: Call, hertz: float, within: float, seconds: float = 0.3) -> None:
    """Wait until it has heard that tone for so long, counted from now. Raises Silent."""
    since = len(call.heard)
    for _ in range(round(within / 0.02)):
        if seconds_of(heard(call, since), hertz) >= seconds:
            return
        await asyncio.sleep(0.02)  # sound has no event: a packet comes each 20 ms
    news = len(call.heard) - since
    raise Silent(f"{hertz} Hz not heard for {seconds} s within {within} s; {news / RATE:.2f} s of sound came")


async def ended(call: Call, within: float = 5.0) -> str:
    """Why the call ended, once it has."""
    async with asyncio.timeout(within):
        return await call.over()

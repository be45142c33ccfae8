"""Callers and agents who do not behave: no sound, no goodbye, hold in any order. One engine sees them all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import permutations

import pytest

from tests.kit.daemon import Daemon
from tests.kit.softphones import agent_phone, answered, carrier, dial, ended, heard, hears, say, talk
from tests.kit.tone import read_wav, seconds_of, seconds_of_sound
from tests.wire.conftest import TONES, Parties
from tools.softphone import Call

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLER, ANNA = VOICES = (TONES["caller"], TONES["anna"])


@pytest.fixture(autouse=True)
def _former(engine: Daemon) -> None:
    """Recordings of the calls before are no concern of the next test."""
    for path in (engine.folder / "recordings").glob("*.*"):
        path.unlink()


async def both_hear(caller: Call, agent: Call) -> None:
    await asyncio.gather(
        hears(caller, ANNA, within=3, seconds=0.2), hears(agent, CALLER, within=3, seconds=0.2)
    )


@pytest.mark.peer("sipp")
async def test_a_caller_who_sends_no_sound_hears_and_is_silence(engine: Daemon, parties: Parties) -> None:
    async with agent_phone(engine, "anna") as anna:
        async with parties.scripted_caller(engine, "caller_silent", seconds=3) as caller:
            agent = await answered(anna)
            say(agent, ANNA)
            await caller.succeeded()
            assert await ended(agent) == "BYE"
        assert seconds_of_sound(heard(agent)) == 0
        recordings = await engine.recorded(2)
        voices = {recording.leg: read_wav(recording.path) for recording in recordings}
        assert seconds_of(voices["agent"], ANNA) > 0.5
        assert seconds_of_sound(voices["customer"]) == 0
        assert len(voices["customer"]) > len(voices["agent"])


@pytest.mark.peer("sipp")
async def test_a_caller_who_vanishes_holds_up_nobody(engine: Daemon, parties: Parties) -> None:
    async with agent_phone(engine, "anna") as anna:
        async with parties.scripted_caller(engine, "caller_vanishes", seconds=2) as caller:
            agent = await answered(anna)
            await caller.succeeded()
        agent.hang_up()
        async with carrier() as trunk:
            following = dial(trunk, engine)
            agent = await answered(anna, within=5)
            say(agent, ANNA)
            await hears(following, ANNA, within=3)


def orders() -> Iterator[tuple[str, ...]]:
    """Every order in which two people hold and resume."""
    for order in permutations(("agent holds", "agent resumes", "caller holds", "caller resumes")):
        if all(order.index(f"{who} holds") < order.index(f"{who} resumes") for who in ("agent", "caller")):
            yield order


@pytest.mark.parametrize("held", ["sendonly", "inactive"])
async def test_both_hear_each_other_after_any_order_of_hold(held: str, engine: Daemon) -> None:
    async with talk(engine, VOICES) as (caller, agent):
        people = {"agent": agent, "caller": caller}
        for order in orders():
            await both_hear(caller, agent)
            for step in order:
                who, _, does = step.partition(" ")
                await people[who].change(held if does == "holds" else "sendrecv")
        await both_hear(caller, agent)
        assert (caller.reoffers, agent.reoffers) == (0, 0)


async def test_a_phone_that_holds_is_sent_nothing(engine: Daemon) -> None:
    async with talk(engine, VOICES) as (caller, agent):
        await both_hear(caller, agent)
        await agent.change("sendonly")
        before = len(agent.heard)
        await hears(caller, ANNA, within=3, seconds=0.5)
        assert len(agent.heard) - before <= 2 * 160
        await agent.change("sendrecv")
        await both_hear(caller, agent)


@pytest.mark.peer("baresip")
async def test_the_hold_key_of_a_real_phone(engine: Daemon, parties: Parties) -> None:
    """baresip keeps no sound after its first hold: that it is spoken to again, the tests above hear."""
    async with parties.agent(engine, "anna") as anna, carrier() as trunk:
        caller = dial(trunk, engine)
        say(caller, CALLER)
        await anna.event("CALL_ESTABLISHED")
        await hears(caller, ANNA, within=3)
        for _ in range(2):
            await anna.command("hold")
            await asyncio.sleep(0.5)  # the music of hold is the phone's own, and this one has none
            await anna.command("resume")
            await hears(caller, ANNA, within=3)
        assert caller.reoffers == 0
        caller.hang_up()
        await anna.event("CALL_CLOSED")

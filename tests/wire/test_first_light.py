"""The first call on real sockets: a caller waits to music, an agent answers, both legs are recorded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.kit.daemon import Daemon, RecordingFile, daemon
from tests.kit.deployment import GREETING, MUSIC, Deployment
from tests.kit.tone import read_wav, seconds_of, seconds_of_others
from tests.wire.conftest import TONES, Parties

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip")]
TALK = 2.0
"""Seconds that voices are given to be heard; the only waits here that are not for something said or done."""


def leg(recordings: list[RecordingFile], of: str) -> RecordingFile:
    """The recording of the customer, or of the agent, of the one call that was made."""
    found = [recording for recording in recordings if recording.leg == of]
    assert len(found) == 1, [recording.path.name for recording in recordings]
    return found[0]


async def a_call_goes_through(engine: Daemon, parties: Parties) -> None:
    """Someone calls, anna answers by herself, both are heard, the caller hangs up."""
    async with parties.agent(engine, "anna") as anna, parties.caller(engine) as caller:
        await anna.event("CALL_ESTABLISHED")
        await asyncio.sleep(TALK)
        await caller.hang_up()
        await anna.event("CALL_CLOSED")
        assert seconds_of(anna.heard(), TONES["caller"]) > TALK / 2


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_caller_hears_greeting_music_agent_and_both_are_recorded(
    workers: int, tmp_path: Path, parties: Parties
) -> None:
    async with daemon(tmp_path, Deployment(workers=workers)) as engine:
        async with parties.agent(engine, "anna", answers=False) as anna, parties.caller(engine) as caller:
            await caller.event("CALL_ESTABLISHED")
            await anna.event("CALL_INCOMING")
            await asyncio.sleep(TALK)
            await anna.answer()
            await anna.event("CALL_ESTABLISHED")
            await asyncio.sleep(TALK)
            await caller.hang_up()
            await anna.event("CALL_CLOSED")
            await caller.event("CALL_CLOSED")
            heard = caller.heard()
            assert seconds_of(heard, GREETING) == pytest.approx(1.0, abs=0.3)
            assert seconds_of(heard, MUSIC) > 0.5
            assert seconds_of(heard, TONES["anna"]) > TALK / 2
            assert seconds_of_others(heard, GREETING, MUSIC, TONES["anna"]) == 0
            assert seconds_of(anna.heard(), TONES["caller"]) > TALK / 2
            assert seconds_of_others(anna.heard(), TONES["caller"]) == 0
        recordings = await engine.recorded(2)
        for party, voice in (("customer", "caller"), ("agent", "anna")):
            said = read_wav(leg(recordings, party).path)
            assert seconds_of(said, TONES[voice]) > TALK / 2
            assert seconds_of_others(said, TONES[voice]) == 0


async def test_recordings_are_named_after_the_call_and_have_their_facts_beside_them(
    tmp_path: Path, parties: Parties
) -> None:
    async with daemon(tmp_path) as engine:
        await a_call_goes_through(engine, parties)
        recordings = await engine.recorded(2)
        customer, agent = leg(recordings, "customer"), leg(recordings, "agent")
        assert customer.conversation == agent.conversation
        assert (customer.segment, agent.segment) == ("1", "1")
        assert "447900000001" in customer.customer
        for recording in (customer, agent):
            assert recording.started.isdigit()
            assert len(recording.started) == len("YYYYMMDDHHMMSS")
            assert "nna" in recording.agent
            facts = json.loads(recording.path.with_suffix(".json").read_text())
            assert recording.conversation in str(facts)
            assert "+447900000001" in str(facts)
            assert facts["heard_packets"] > 20
            assert 1 <= facts["heard_mos"] <= 4.42
            assert recording.path.with_suffix(".csv").exists()


@pytest.mark.parametrize("scenario", ["agent_rejects", "agent_unavailable", "agent_vanishes", "agent_rings"])
async def test_the_next_agent_rings_when_the_first_does_not_answer(
    scenario: str, tmp_path: Path, parties: Parties
) -> None:
    """anna registered first, so she has been idle longest. The caller hears music until bob answers."""
    async with daemon(tmp_path) as engine:
        async with parties.scripted_agent(engine, "anna", scenario) as anna:
            async with parties.agent(engine, "bob") as bob, parties.caller(engine) as caller:
                await anna.succeeded()
                await bob.event("CALL_ESTABLISHED")
                await asyncio.sleep(TALK)
                await bob.hang_up()
                await caller.event("CALL_CLOSED")
                heard = caller.heard()
                assert seconds_of(heard, TONES["bob"]) > TALK / 2
                assert seconds_of_others(heard, GREETING, MUSIC, TONES["bob"]) == 0


async def test_a_phone_that_dies_while_it_rings_does_not_hold_the_caller(
    tmp_path: Path, parties: Parties
) -> None:
    async with daemon(tmp_path) as engine:
        async with parties.agent(engine, "anna", answers=False) as anna:
            async with parties.agent(engine, "bob") as bob, parties.caller(engine) as caller:
                await anna.event("CALL_INCOMING")
                anna.vanish()
                await bob.event("CALL_ESTABLISHED")
                await caller.hang_up()
                await bob.event("CALL_CLOSED")


async def test_the_agent_hangs_up_first(tmp_path: Path, parties: Parties) -> None:
    async with daemon(tmp_path) as engine:
        async with parties.scripted_agent(engine, "anna", "agent_hangs_up") as anna:
            async with parties.scripted_caller(engine, "caller_waits") as caller:
                await anna.succeeded()
                await caller.succeeded()
        assert len(await engine.recorded(2)) == 2


async def test_both_hang_up_at_once(tmp_path: Path, parties: Parties) -> None:
    async with daemon(tmp_path) as engine:
        async with parties.agent(engine, "anna") as anna, parties.caller(engine) as caller:
            await anna.event("CALL_ESTABLISHED")
            await asyncio.gather(anna.hang_up(), caller.hang_up())
            await anna.event("CALL_CLOSED")
            await caller.event("CALL_CLOSED")
        await a_call_goes_through(engine, parties)


@pytest.mark.parametrize("seconds", [0.3, 2.0], ids=["during the greeting", "during the music"])
async def test_a_caller_who_gives_up_leaves_the_agents_to_the_next(
    seconds: float, tmp_path: Path, parties: Parties
) -> None:
    async with daemon(tmp_path) as engine:
        async with parties.scripted_caller(engine, "caller_hangs_up", seconds=seconds) as caller:
            await caller.succeeded()
        await a_call_goes_through(engine, parties)


async def test_a_caller_who_gives_up_stops_the_agents_phone(tmp_path: Path, parties: Parties) -> None:
    async with daemon(tmp_path, Deployment(ring=20)) as engine:
        async with parties.agent(engine, "anna", answers=False) as anna:
            async with parties.scripted_caller(engine, "caller_hangs_up", seconds=2.0) as caller:
                await anna.event("CALL_INCOMING")
                await caller.succeeded()
            await anna.event("CALL_CLOSED")


async def test_a_cancelled_call_leaves_nothing_in_the_way(tmp_path: Path, parties: Parties) -> None:
    async with daemon(tmp_path) as engine:
        async with parties.scripted_caller(engine, "caller_cancels") as caller:
            await caller.succeeded()
        await a_call_goes_through(engine, parties)

"""Signalling by TCP: callers and agents' phones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.kit.daemon import Daemon, daemon
from tests.kit.program import Silent
from tests.kit.softphones import agent_phone
from tests.kit.tone import read_wav, seconds_of, seconds_of_others
from tests.wire.conftest import TONES, Parties

PEERS = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip")]


async def agents_in(engine: Daemon, within: float, *wanted: str) -> None:
    """Wait until just these agents have a phone, as the wallboard shows them. Raises Silent."""
    async with aiohttp.ClientSession() as browser:
        for _ in range(round(within / 0.05)):
            async with browser.get(engine.ready["web"]) as page:
                text = await page.text()
            there = {name for name in engine.deployment.agents if f'id="agent-{name}">' in text}
            if there == set(wanted):
                return
            await asyncio.sleep(0.05)  # the page has to be asked
    raise Silent(f"{there} have a phone, not {wanted}, after {within} s")


class TestPeers:
    """Real phones."""

    pytestmark = PEERS

    async def test_caller_and_agent_speak_by_way_of_tcp(self, tmp_path: Path, parties: Parties) -> None:
        async with daemon(tmp_path) as engine:
            async with parties.agent(engine, "anna", transport="tcp") as anna:
                async with parties.scripted_caller(
                    engine, "caller_hangs_up", seconds=4, transport="tcp"
                ) as caller:
                    await anna.event("CALL_ESTABLISHED")
                    await caller.succeeded()
                await anna.event("CALL_CLOSED")
                assert seconds_of(anna.heard(), TONES["caller"]) > 1
                assert seconds_of_others(anna.heard(), TONES["caller"]) == 0
            for recording in await engine.recorded(2):
                voice = TONES["anna" if recording.leg == "agent" else "caller"]
                assert seconds_of(read_wav(recording.path), voice) > 1

    async def test_the_engine_hangs_up_on_a_caller_by_tcp(self, tmp_path: Path, parties: Parties) -> None:
        async with daemon(tmp_path) as engine:
            async with parties.agent(engine, "anna", transport="tcp") as anna:
                async with parties.scripted_caller(engine, "caller_waits", transport="tcp") as caller:
                    await anna.event("CALL_ESTABLISHED")
                    await anna.hang_up()
                    await caller.succeeded()

    async def test_an_agent_whose_connection_closes_is_unregistered(
        self, tmp_path: Path, parties: Parties
    ) -> None:
        async with daemon(tmp_path) as engine:
            async with agent_phone(engine, "bob"), parties.agent(engine, "anna", transport="tcp") as anna:
                await agents_in(engine, 3, "anna", "bob")
                anna.vanish()
                await agents_in(engine, 3, "bob")

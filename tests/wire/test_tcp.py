"""Signalling by TCP: callers, agents' phones, and streams that are cut and joined anywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.kit.daemon import Daemon, daemon
from tests.kit.deployment import NUMBER, TRUNK
from tests.kit.program import Silent
from tests.kit.softphones import agent_phone
from tests.kit.stream import header, stream
from tests.kit.tone import read_wav, seconds_of, seconds_of_others
from tests.wire.conftest import TONES, Parties

PEERS = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip")]


def tag(message: str) -> str:
    return header(message, "to").rpartition(";tag=")[2]


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


async def test_messages_may_be_cut_and_joined_anywhere(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine, stream(TRUNK, engine.sip) as peer:
        one, two, three = (peer.request("OPTIONS", NUMBER, f"ask{number}") for number in range(3))
        await peer.say(*(one[at : at + 1] for at in range(len(one))))
        assert (await peer.message()).startswith("SIP/2.0 200")
        await peer.say(one.replace(b"ask0", b"ask3") + two + three[:100], three[100:])
        answers = [await peer.message() for _ in range(3)]
        assert [header(answer, "call-id")[:4] for answer in answers] == ["ask3", "ask1", "ask2"]
        assert all(answer.startswith("SIP/2.0 200") for answer in answers)


async def test_a_keep_alive_is_answered_wherever_it_is_cut(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine, stream(TRUNK, engine.sip) as peer:
        await peer.say(b"\r\n\r\n")
        assert await peer.exactly(2) == b"\r\n"
        await peer.say(b"\r\n", b"\r", b"\n")
        assert await peer.exactly(2) == b"\r\n"
        await peer.say(b"\r\n\r\n" + peer.request("OPTIONS", NUMBER, "ask"))
        assert await peer.exactly(2) == b"\r\n"
        assert (await peer.message()).startswith("SIP/2.0 200")


async def test_a_whole_call_byte_by_byte_and_its_end_in_one_piece(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine, stream(TRUNK, engine.sip) as peer:
        invite = peer.request("INVITE", NUMBER, "call", body=peer.offer())
        await peer.say(*(invite[at : at + 1] for at in range(len(invite))))
        answer = await peer.final("1 INVITE")
        assert answer.startswith("SIP/2.0 200")
        assert "m=audio" in answer
        ack = peer.request("ACK", NUMBER, "call", to_tag=tag(answer))
        bye = peer.request("BYE", NUMBER, "call", 2, to_tag=tag(answer))
        await peer.say(ack + bye)
        assert (await peer.final("2 BYE")).startswith("SIP/2.0 200")


async def test_a_stream_that_cannot_be_followed_is_closed_and_costs_only_itself(tmp_path: Path) -> None:
    async with (
        daemon(tmp_path) as engine,
        stream(TRUNK, engine.sip) as peer,
        stream(TRUNK, engine.sip) as other,
    ):
        await peer.say(b"x" * 100_000)
        assert await peer.closed()
        await other.say(other.request("OPTIONS", NUMBER, "ask"))
        assert (await other.message()).startswith("SIP/2.0 200")


async def test_a_stranger_gets_no_call(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine, stream("127.0.0.66", engine.sip) as peer:
        await peer.say(peer.request("INVITE", NUMBER, "call", body=peer.offer()))
        assert header(await peer.final("1 INVITE"), "cseq") == "1 INVITE"
        assert not [line for line in engine.log() if line["event"] == "call_offered"]

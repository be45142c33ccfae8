"""TCP connections that say SIP as no phone does: cut and joined anywhere, kept alive, senseless."""

from __future__ import annotations

import pytest

from tests.kit.daemon import Daemon
from tests.kit.deployment import NUMBER, TRUNK
from tests.kit.stream import header, stream

pytestmark = pytest.mark.asyncio(loop_scope="module")


def tag(message: str) -> str:
    return header(message, "to").rpartition(";tag=")[2]


async def test_messages_may_be_cut_and_joined_anywhere(engine: Daemon) -> None:
    async with stream(TRUNK, engine.sip) as peer:
        one, two, three = (peer.request("OPTIONS", NUMBER, f"ask{number}") for number in range(3))
        await peer.say(*(one[at : at + 1] for at in range(len(one))))
        assert (await peer.message()).startswith("SIP/2.0 200")
        await peer.say(one.replace(b"ask0", b"ask3") + two + three[:100], three[100:])
        answers = [await peer.message() for _ in range(3)]
        assert [header(answer, "call-id")[:4] for answer in answers] == ["ask3", "ask1", "ask2"]
        assert all(answer.startswith("SIP/2.0 200") for answer in answers)


async def test_a_keep_alive_is_answered_wherever_it_is_cut(engine: Daemon) -> None:
    async with stream(TRUNK, engine.sip) as peer:
        await peer.say(b"\r\n\r\n")
        assert await peer.exactly(2) == b"\r\n"
        await peer.say(b"\r\n", b"\r", b"\n")
        assert await peer.exactly(2) == b"\r\n"
        await peer.say(b"\r\n\r\n" + peer.request("OPTIONS", NUMBER, "ask"))
        assert await peer.exactly(2) == b"\r\n"
        assert (await peer.message()).startswith("SIP/2.0 200")


async def test_a_whole_call_byte_by_byte_and_its_end_in_one_piece(engine: Daemon) -> None:
    async with stream(TRUNK, engine.sip) as peer:
        invite = peer.request("INVITE", NUMBER, "call", body=peer.offer())
        await peer.say(*(invite[at : at + 1] for at in range(len(invite))))
        answer = await peer.final("1 INVITE")
        assert answer.startswith("SIP/2.0 200")
        assert "m=audio" in answer
        ack = peer.request("ACK", NUMBER, "call", to_tag=tag(answer))
        bye = peer.request("BYE", NUMBER, "call", 2, to_tag=tag(answer))
        await peer.say(ack + bye)
        assert (await peer.final("2 BYE")).startswith("SIP/2.0 200")


async def test_a_stream_that_cannot_be_followed_is_closed_and_costs_only_itself(engine: Daemon) -> None:
    async with stream(TRUNK, engine.sip) as peer, stream(TRUNK, engine.sip) as other:
        await peer.say(b"x" * 100_000)
        assert await peer.closed()
        await other.say(other.request("OPTIONS", NUMBER, "ask"))
        assert (await other.message()).startswith("SIP/2.0 200")


async def test_a_stranger_gets_no_call(engine: Daemon) -> None:
    async with stream("127.0.0.66", engine.sip) as peer:
        await peer.say(peer.request("INVITE", NUMBER, "stranger", body=peer.offer()))
        refusal = await peer.final("1 INVITE")
        assert int(refusal.split()[1]) in (401, 403), refusal

"""Connections that are closed, silent, slow or too many."""

from __future__ import annotations

import asyncio

import pytest

from engine.transports.limits import Crowd, Limits
from tests.transports.listening import HOST, OPTIONS, Listening, listening


async def say(here: Listening, number: int = 1) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which one message was answered."""
    reader, writer = await asyncio.open_connection(HOST, here.port)
    writer.write(OPTIONS % (number, number))
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"SIP/2.0 200")
    return reader, writer


async def closed(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(5):
        try:
            while await reader.read(65536):
                pass
        except ConnectionResetError:
            return


async def test_who_says_nothing_is_shown_out_and_who_spoke_may_stay() -> None:
    async with listening(Limits(speechless=0.1, sweep=0.02)) as here:
        _, speaker = await say(here)
        silent, writer = await asyncio.open_connection(HOST, here.port)
        for _ in range(3):
            writer.write(b"OPT")  # a byte now and then is no message
        await closed(silent)
        assert len(here.tcp) == 1
        speaker.close()
        writer.close()


async def test_a_connection_that_closes_is_told_by_its_number() -> None:
    async with listening() as here:
        _, writer = await say(here)
        port = writer.get_extra_info("sockname")[1]
        writer.close()
        gone = await here.until_unreachable()
        assert (gone.host, gone.port, gone.connection is not None) == ("127.0.0.1", port, True)


@pytest.mark.parametrize("crowd", [Crowd(most=1), Crowd(most_of_one=1)], ids=["in all", "of one address"])
async def test_one_connection_too_many_costs_nobody_else(crowd: Crowd) -> None:
    async with listening(crowd=crowd) as here:
        reader, writer = await say(here)
        refused, other = await asyncio.open_connection(HOST, here.port)
        await closed(refused)
        assert here.unreachable.empty()
        writer.write(OPTIONS % (2, 2))
        async with asyncio.timeout(5):
            while not (await reader.readline()).startswith(b"SIP/2.0 200"):
                pass
        writer.close()
        other.close()
        await here.until_unreachable()
    assert len(crowd) == 0


async def test_a_peer_that_reads_nothing_costs_only_itself() -> None:
    async with listening(Limits(unsent=10_000)) as here:
        _, slow = await say(here)
        host, port = slow.get_extra_info("sockname")
        for _ in range(200):
            here.send("tcp", host, port, b"x" * 65536)
        assert (await here.until_unreachable()).port == port
        _, other = await say(here, 2)
        slow.close()
        other.close()


async def test_nothing_is_opened_any_more_once_closed() -> None:
    async with listening() as here:
        _, writer = await say(here)
        writer.close()
        here.tcp.close()
        here.send("tcp", "127.0.0.1", 9)
        assert not here.tcp._tasks

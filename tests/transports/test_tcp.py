"""Connections that are closed, silent, slow or too many."""

from __future__ import annotations

import asyncio

import pytest

from engine.sip.events import Refused
from engine.transports.limits import Crowd, Limits, place_of
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
        except ConnectionError:
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


async def test_a_message_that_is_never_whole_is_not_waited_for() -> None:
    async with listening(Limits(unfinished=0.15, sweep=0.02)) as here:
        reader, writer = await say(here)
        slow = OPTIONS % (2, 2)
        for at in range(40):
            if reader.at_eof():
                break
            writer.write(slow[at : at + 1])
            await asyncio.sleep(0.01)  # as slow as it can be
        await closed(reader)
        assert "not whole after 0.15 s" in (await here.event(Refused)).why
        writer.close()


async def test_what_is_begun_and_ended_may_go_on_for_ever() -> None:
    async with listening(Limits(unfinished=0.1, sweep=0.02)) as here:
        reader, writer = await say(here)
        for number in range(2, 12):
            whole = OPTIONS % (number, number)
            writer.write(whole[50:] if number > 2 else whole)
            writer.write((OPTIONS % (number + 1, number + 1))[:50])  # there is always one under way
            await asyncio.sleep(0.03)  # each is whole in time
        assert len(here.tcp) == 1
        assert not reader.at_eof()
        writer.close()


async def test_who_is_silent_for_long_is_shown_out() -> None:
    async with listening(Limits(idle=0.1, sweep=0.02)) as here:
        reader, writer = await say(here)
        await closed(reader)
        writer.close()


async def test_a_connection_of_ours_is_kept_alive() -> None:
    heard = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(5) == b"x\r\n\r\n":
            heard.set()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server, listening(Limits(ping=0.05, sweep=0.02)) as here:
        here.send("tcp", "127.0.0.1", server.sockets[0].getsockname()[1])
        async with asyncio.timeout(5):
            await heard.wait()


@pytest.mark.parametrize(("asked", "reused"), [(b"", False), (b";alias", True)])
async def test_a_connection_is_used_for_requests_where_that_is_asked_for(asked: bytes, reused: bool) -> None:
    """RFC 5923: the peer listens on 127.0.0.72:5999 for all we know, and nobody is there."""
    async with listening() as here:
        reader, writer = await asyncio.open_connection(HOST, here.port, local_addr=("127.0.0.72", 0))
        writer.write(
            (OPTIONS % (1, 1))
            .replace(b"127.0.0.72;", b"127.0.0.72:5999;")
            .replace(b"z9hG4bK1", b"z9hG4bK1" + asked)
        )
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
        here.send("tcp", "127.0.0.72", 5999, b"hello")
        if reused:
            assert await reader.readexactly(5) == b"hello"
        else:
            assert (await here.until_unreachable()).port == 5999
        writer.close()


async def test_nobody_is_an_alias_of_somebody_else() -> None:
    async with listening() as here:
        reader, writer = await asyncio.open_connection(HOST, here.port, local_addr=("127.0.0.73", 0))
        writer.write((OPTIONS % (1, 1)).replace(b"127.0.0.72;", b"127.0.0.72:5999;alias;"))
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
        here.send("tcp", "127.0.0.72", 5999, b"hello")
        assert (await here.until_unreachable()).port == 5999
        writer.close()


async def test_by_ipv6() -> None:
    async with listening(host="::1") as here:
        reader, writer = await asyncio.open_connection("::1", here.port)
        writer.write(OPTIONS % (1, 1))
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert b";received=::1" in answer
        writer.close()


@pytest.mark.parametrize(
    ("host", "place"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64")],
)
def test_what_counts_as_one_peer(host: str, place: str) -> None:
    assert place_of(host) == place


async def test_a_farewell_that_is_not_read_is_not_waited_for() -> None:
    async with listening(Limits(sweep=0.02, unsent=1 << 26)) as here:
        _, writer = await say(here)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        host, port = writer.get_extra_info("sockname")
        for _ in range(200):
            here.send("tcp", host, port, b"x" * 100_000)  # more than the kernel takes
        writer.write(b"x" * 100_000)  # cannot be followed
        assert (await here.until_unreachable()).port == port
        assert len(here.tcp) == 0
        writer.close()

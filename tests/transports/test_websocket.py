"""SIP over WebSocket, against another library's client: aiohttp's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from engine.sip.errors import BadMessage
from engine.sip.events import Refused
from engine.sip.flow import Flow, Packet
from engine.sip.message import MAX_BODY, MAX_HEAD
from engine.transports.limits import Limits
from engine.transports.streams import Streams, bind_stream
from engine.transports.websocket import WebSocket
from tests.transports.listening import HOST, OPTIONS, Listening, listening

BY_WS = OPTIONS.replace(b"TCP 127.0.0.72", b"WS df7jal23ls0d.invalid")


@asynccontextmanager
async def served(limits: Limits | None = None) -> AsyncIterator[tuple[Listening, Streams, str]]:
    """A stack that listens by WS too, and its URL."""
    async with listening() as here:
        streams = Streams("ws", here.driver, limits=limits)
        sock = bind_stream(HOST, 0)
        await streams.listen(sock)
        here.driver.attach("ws", streams)
        yield here, streams, f"ws://{HOST}:{sock.getsockname()[1]}/"


@asynccontextmanager
async def connected(url: str, *protocols: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as web:
        async with web.ws_connect(url, protocols=protocols or ("sip",)) as socket:
            yield socket


async def test_a_message_a_frame_both_ways() -> None:
    async with served() as (_, _streams, url), connected(url) as browser:
        assert browser.protocol == "sip"
        await browser.send_str((BY_WS % (1, 1)).decode())
        answer = await browser.receive_str(timeout=5)
        assert answer.startswith("SIP/2.0 200")
        assert "received=127.0.0.1" in answer
        await browser.send_bytes(BY_WS % (2, 2))
        assert "Call-ID: 2\r\n" in await browser.receive_str(timeout=5)


OPENING = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, sip\r\n\r\n"
)


def frame(kind: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(kind, data, fin).serialize(mask=True)


def opened() -> WebSocket:
    """A WebSocket whose handshake is done; a client says nothing more before it is (RFC 6455 section 4.1)."""
    framing = WebSocket()
    assert framing.feed(OPENING[:50]) == framing.feed(OPENING[50:]) == []
    assert framing.owed().startswith(b"HTTP/1.1 101")
    return framing


@given(st.lists(st.integers(1, 100), max_size=20))
def test_frames_may_be_cut_anywhere_and_messages_lie_in_several(cuts: list[int]) -> None:
    whole = frame(Opcode.TEXT, b"OPTIONS ", False) + frame(Opcode.PING, b"?")
    whole += frame(Opcode.CONT, b"sip:a", False) + frame(Opcode.CONT, b"") + frame(Opcode.BINARY, b"two")
    framing, got = opened(), list[bytes]()
    edges = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    for begin, end in pairwise(edges):
        got += framing.feed(whole[begin:end])
    assert got == [b"OPTIONS sip:a", b"two"]
    assert framing.owed() == b"\x8a\x01?"
    assert (framing.pending, framing.over) == (False, False)


@given(st.binary(max_size=300), st.booleans())
@example(b"GET / HTTP/1.1\r\n\r\n", False)
@example(frame(Opcode.CONT, b"of nothing"), True)
@example(frame(Opcode.TEXT, b"unmasked")[:2] + b"x" * 8, True)
def test_any_bytes_are_followed_or_declared_faulty(data: bytes, after_opening: bool) -> None:
    framing = opened() if after_opening else WebSocket()
    try:
        framing.feed(data)
    except BadMessage:
        assert framing.owed() or framing.over


async def test_a_message_that_is_no_text_goes_in_a_binary_frame() -> None:
    async with served() as (_, streams, url), connected(url) as browser:
        await browser.send_str((BY_WS % (1, 1)).decode())
        await browser.receive_str(timeout=5)
        [connection] = streams._by_number.values()
        streams.send(Packet(b"MESSAGE \xff", connection.flow))
        assert await browser.receive_bytes(timeout=5) == b"MESSAGE \xff"


async def test_a_keep_alive_of_line_ends_is_answered() -> None:
    async with served() as (_, _streams, url), connected(url) as browser:
        await browser.send_str("\r\n\r\n")
        assert await browser.receive_str(timeout=5) == "\r\n"


@pytest.mark.parametrize("protocols", [("chat",), ()], ids=["another", "none"])
async def test_without_the_subprotocol_there_is_no_connection(protocols: tuple[str, ...]) -> None:
    async with served() as (here, _, url):
        async with aiohttp.ClientSession() as web:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await web.ws_connect(url, protocols=protocols)
            assert caught.value.status == 400
            async with web.get(url.replace("ws://", "http://")) as page:
                assert page.status == 426
        assert all(isinstance(event, Refused) for event in here.events)
        assert "subprotocol" in here.events[0].why  # type: ignore[union-attr]


async def test_a_message_that_is_too_long_ends_the_connection() -> None:
    async with served() as (_, _streams, url), connected(url) as browser:
        await browser.send_str("x" * (MAX_HEAD + MAX_BODY + 1))
        message = await browser.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_who_is_told_goodbye_says_it_too_and_is_unreachable() -> None:
    async with served() as (here, streams, url):
        async with connected(url) as browser:
            await browser.send_str((BY_WS % (1, 1)).decode())
            await browser.receive_str(timeout=5)
            await browser.close()
            assert browser.close_code == 1000
        gone = await here.until_unreachable()
        assert (gone.transport, gone.connection is not None) == ("ws", True)
        assert len(streams) == 0
        streams.send(Packet(b"x", gone))
        assert await here.until_unreachable() == gone


async def test_nobody_calls_a_browser_but_by_its_own_connection() -> None:
    async with served() as (here, streams, _):
        flow = Flow("ws", "127.0.0.1", 9)
        streams.send(Packet(b"x", flow))
        assert await here.until_unreachable() == flow


async def test_a_browser_that_answers_no_ping_is_gone() -> None:
    async with served(Limits(ping=0.05, sweep=0.02)) as (here, _, url):
        async with aiohttp.ClientSession() as web:
            async with web.ws_connect(url, protocols=("sip",), autoping=False) as browser:
                await browser.send_str((BY_WS % (1, 1)).decode())
                await browser.receive_str(timeout=5)
                assert (await browser.receive(timeout=5)).type is aiohttp.WSMsgType.PING
                assert (await here.until_unreachable()).transport == "ws"


async def test_a_browser_that_answers_pings_stays() -> None:
    async with served(Limits(ping=0.05, sweep=0.02)) as (_, streams, url), connected(url) as browser:
        await browser.send_str((BY_WS % (1, 1)).decode())
        await browser.receive_str(timeout=5)
        reading = asyncio.create_task(browser.receive())
        await asyncio.sleep(0.4)  # several pings long; nothing else tells that nothing happens
        assert len(streams) == 1
        reading.cancel()


async def test_a_slow_handshake_is_cut_off() -> None:
    async with served(Limits(unfinished=0.1, sweep=0.02)) as (here, _, url):
        host, port = url[5:-1].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert "not whole" in here.events[0].why  # type: ignore[union-attr]
        writer.close()

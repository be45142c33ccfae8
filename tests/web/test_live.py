"""The event stream over real sockets: slow browsers, browsers that go, a server that stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import pytest

from engine.web import live
from engine.web.live import FEED
from engine.web.site import create_site, serve
from tests.web.boards import Wall, board, call
from tests.web.streams import STILL, events, next_of, served


async def settled(holds: Callable[[], bool]) -> None:
    """Let the loop turn until a condition holds; TimeoutError when it never does."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the server's connections say nothing when they are gone
            await asyncio.sleep(0.005)


async def test_a_change_reaches_the_browser() -> None:
    wall = Wall(board())
    async with served(wall) as url, aiohttp.ClientSession() as http, http.get(url + "/live") as answer:
        assert answer.content_type == "text/event-stream"
        stream = events(answer)
        assert "No calls" in (await next_of(stream, "calls")).data
        wall.show(board(call(1)))
        assert "Jo Brown" in (await next_of(stream, "calls")).data


async def test_the_stream_says_the_time_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PULSE", 0.02)
    async with served(Wall(board())) as url, aiohttp.ClientSession() as http:
        async with http.get(url + "/live") as answer:
            stream = events(answer)
            await next_of(stream, "agents")
            assert [(await anext(stream)).name for _ in range(3)] == ["clock"] * 3


async def test_a_browser_that_leaves_leaves_nothing_behind() -> None:
    site = create_site(Wall(board()), STILL)
    async with serve(site, "127.0.0.1", 0) as (host, port):
        before = asyncio.all_tasks()
        async with aiohttp.ClientSession() as http:
            answers = [await http.get(f"http://{host}:{port}/live") for _ in range(20)]
            await settled(lambda: site[FEED].viewers == 20)
            for answer in answers:
                answer.close()
        await settled(lambda: site[FEED].viewers == 0)
        await settled(lambda: asyncio.all_tasks() <= before)


async def test_a_browser_that_takes_nothing_holds_up_nobody_and_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.5)
    big = [call(i, id=f"n1-{i}", caller="x" * 4000) for i in range(200)]
    wall = Wall(board(*big))
    site = create_site(wall, STILL)
    monkeypatch.setattr(site[FEED], "_apart", 0.01)
    async with serve(site, "127.0.0.1", 0) as (host, port), aiohttp.ClientSession() as http:
        _, writer = await asyncio.open_connection(host, port, limit=1024)
        writer.write(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await settled(lambda: site[FEED].viewers == 1)
        async with http.get(f"http://{host}:{port}/live") as answer:
            stream = events(answer)
            await next_of(stream, "calls")
            for turn in range(10_000):
                wall.show(board(*big, call(turn, id=f"turn{turn}")))
                assert f"call-turn{turn}" in (await next_of(stream, "calls")).data
                if site[FEED].viewers == 1:
                    break
            assert site[FEED].viewers == 1
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_stopping_the_server_ends_the_streams_at_once() -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as http:
        async with served(Wall(board())) as url:
            answer = await http.get(url + "/live")
            await next_of(events(answer), "agents")
            began = loop.time()
        assert loop.time() - began < 1.0
        assert await answer.content.read() == b""

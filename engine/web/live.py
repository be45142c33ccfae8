"""The wallboard's event stream (WHATWG HTML, section 9.2 "Server-sent events")."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from aiohttp import web

from engine.facts import Clock
from engine.web.feed import Feed, Issue

FEED = web.AppKey("feed", Feed)
CLOCK = web.AppKey("clock", Clock)
PULSE = 10.0
"""Seconds of silence after which the stream says the time, so that both ends notice a dead connection."""
PATIENCE = 20.0
"""Seconds a browser may take nothing before it is let go; it comes back by itself."""
RECONNECT = b"retry: 2000\n\n"
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def live(request: web.Request) -> web.StreamResponse:
    """Stream the board's parts as events named after them, for as long as the browser stays."""
    feed, clock = request.app[FEED], request.app[CLOCK]
    response = web.StreamResponse(headers=HEADERS)
    with feed.watched():
        await response.prepare(request)
        try:
            await _follow(feed, clock, response)
        except (ConnectionError, TimeoutError):
            _drop(request)
    return response


async def _follow(feed: Feed, clock: Clock, response: web.StreamResponse) -> None:
    await _send(response, RECONNECT)
    seen = 0
    while True:
        issue = await _next_issue(feed, seen)
        if feed.closed:
            return
        parts: Mapping[str, str] = {}
        if issue is not None:
            parts, seen = issue.since(seen), issue.number
        await _send(response, b"".join(_events(parts, clock.monotonic())))


async def _next_issue(feed: Feed, seen: int) -> Issue | None:
    """The next issue, or None after a pulse's length without one."""
    try:
        async with asyncio.timeout(PULSE):
            return await feed.after(seen)
    except TimeoutError:
        return None


def _events(parts: Mapping[str, str], now: float) -> Iterator[bytes]:
    yield event("clock", f"{now:.3f}")
    for name, html in parts.items():
        yield event(name, html)


def event(name: str, data: str) -> bytes:
    """One event; each line of data gets a field of its own."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n".encode()


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await response.write(data)


def _drop(request: web.Request) -> None:
    """Close a connection that takes nothing any more, instead of waiting for it to empty."""
    if request.transport is not None:
        request.transport.abort()

"""A site on a free port, and a reader of its event stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from engine.facts import Clock
from engine.web.site import create_site, serve
from tests.web.boards import NOW, Wall

STILL = Clock(monotonic=lambda: NOW, wall=lambda: 1.8e9)


@dataclass
class Event:
    """One server-sent event, put together as a browser does."""

    name: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def data(self) -> str:
        return "\n".join(self.lines)


@asynccontextmanager
async def served(wall: Wall) -> AsyncIterator[str]:
    """Serve a wallboard; gives its address."""
    async with serve(create_site(wall, STILL), "127.0.0.1", 0) as (host, port):
        yield f"http://{host}:{port}"


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """The events of a stream, in order."""
    event = Event()
    async for line in response.content:
        match line.decode().rstrip("\n").partition(": "):
            case ("", _, _):
                if event.name:
                    yield event
                event = Event()
            case ("event", _, name):
                event.name = name
            case ("data", _, data):
                event.lines.append(data)


async def next_of(stream: AsyncIterator[Event], name: str) -> Event:
    """The next event of that name."""
    async for event in stream:
        if event.name == name:
            return event
    raise AssertionError(f"the stream ended before a {name} event")

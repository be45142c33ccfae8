"""A TCP proxy that can stop forwarding: to its clients, a server that is there and does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


class Proxy:
    """Forwards connections to a port of the loopback."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def freeze(self) -> None:
        """From now on connections are accepted, and nothing comes through them."""
        self._flowing.clear()

    def thaw(self) -> None:
        """What was held back comes through after all."""
        self._flowing.set()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        self._begin(self._join(reader, writer))

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flowing.wait()
            there, sink = await asyncio.open_connection("127.0.0.1", self._to)
        except (OSError, asyncio.CancelledError):
            writer.close()
            raise
        self._begin(self._pump(reader, sink))
        self._begin(self._pump(there, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    await self._flowing.wait()
                    sink.write(data)
                    await sink.drain()
        finally:
            sink.close()
            with suppress(ConnectionError):
                await sink.wait_closed()


@asynccontextmanager
async def proxy(to: int) -> AsyncIterator[Proxy]:
    """A proxy on a free port, until the block is left."""
    made = Proxy(to)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()

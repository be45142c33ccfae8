"""From host names to addresses without holding up a call: asked in a thread, kept for a while, bounded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

KEPT = 60.0
"""Seconds that an answer, or that there is none, is believed."""
MOST_KEPT = 1024
MOST_ASKED = 8
"""Names asked for at the same time: each holds a thread for as long as DNS takes."""

Told = Callable[[str | None], None]
"""Called with the address, or None when the name has none."""


@lru_cache(4096)
def is_address(host: str) -> bool:
    """True for an IPv4 or IPv6 address, which needs no asking."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Resolver:
    """Names that URIs gave, as addresses of one family."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self._loop = asyncio.get_running_loop()
        self._family = family
        self._known: dict[str, tuple[float, str | None]] = {}
        self._asked: dict[str, list[Told]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def resolve(self, host: str, told: Told) -> None:
        """Tell the address of a name: at once when it is known, else later; None when too many are asked for."""
        until, address = self._known.get(host, (0.0, None))
        if until > self._loop.time():
            told(address)
        elif host in self._asked:
            self._asked[host].append(told)
        elif len(self._asked) >= MOST_ASKED:
            told(None)
        else:
            self._asked[host] = [told]
            task = self._loop.create_task(self._ask(host))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, host: str) -> None:
        try:
            found = await self._loop.getaddrinfo(host, None, family=self._family, type=socket.SOCK_DGRAM)
            address = str(found[0][4][0])
        except (OSError, UnicodeError):  # no such name; or no name at all, such as a..b
            address = None
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[host] = self._loop.time() + KEPT, address
        for told in self._asked.pop(host):
            told(address)

    def close(self) -> None:
        """Nobody is told any more."""
        for task in self._tasks:
            task.cancel()

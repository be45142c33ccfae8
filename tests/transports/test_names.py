"""Hosts that URIs name: nobody waits for DNS, and what is no name harms nobody."""

from __future__ import annotations

import asyncio
import socket

import pytest

from engine.transports import resolver
from engine.transports.resolver import Resolver
from tests.transports.listening import listening, receiver


async def test_a_name_is_resolved_and_sent_to() -> None:
    with receiver() as there:
        async with listening() as here:
            here.send("udp", "localhost", there.getsockname()[1], b"hello")
            async with asyncio.timeout(5):
                assert await asyncio.get_running_loop().sock_recv(there, 100) == b"hello"
            assert here.unreachable.empty()


async def test_packets_to_others_do_not_wait_for_a_slow_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def never(*args: object, **options: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    with receiver() as there:
        async with listening() as here:
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
            here.send("udp", "slow.example", 5060)
            here.send("udp", "127.0.0.1", there.getsockname()[1], b"hello")
            async with asyncio.timeout(5):
                await asked.wait()
                assert await asyncio.get_running_loop().sock_recv(there, 100) == b"hello"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("host", ["a..b", "x" * 64, "name.invalid"])
async def test_what_is_no_name_is_unreachable(transport: str, host: str) -> None:
    """Each of them made sendto or connect raise something that is no OSError, or asked DNS on the event loop."""
    async with listening() as here:
        here.send(transport, host, 5060)
        assert (await here.until_unreachable()).host == host
        here.send(transport, host, 5060)
        assert (await here.until_unreachable()).host == host


async def test_few_names_are_asked_for_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread per name would be all threads that there are."""
    asked: list[str] = []

    async def never(host: str, *args: object, **options: object) -> None:
        asked.append(host)
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    names = Resolver(socket.AF_INET)
    told: list[str | None] = []
    for number in range(100):
        names.resolve(f"host{number}.example", told.append)
    await asyncio.sleep(0)
    assert len(asked) == resolver.MOST_ASKED
    assert told == [None] * (100 - resolver.MOST_ASKED)
    names.close()

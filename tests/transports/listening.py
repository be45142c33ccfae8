"""A SIP stack on real sockets of the loopback, with nobody behind it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from engine.facts import Clock
from engine.sip.events import Event
from engine.sip.flow import Flow, Packet
from engine.sip.stack import Stack
from engine.transports.driver import Driver, Locator
from engine.transports.limits import Crowd, Limits
from engine.transports.streams import Streams, bind_stream
from engine.transports.udp import Udp, bind_udp
from tests.kit.phones import Anybody

E = TypeVar("E")
HOST = "127.0.0.71"
OPTIONS = (
    b"OPTIONS sip:x@127.0.0.71 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.72;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:x@127.0.0.71>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


@dataclass
class Listening:
    driver: Driver
    udp: Udp
    tcp: Streams
    port: int
    """Of TCP."""
    events: list[Event] = field(default_factory=list)
    unreachable: asyncio.Queue[Flow] = field(default_factory=asyncio.Queue)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self.told.set()

    async def event(self, kind: type[E]) -> E:
        """The next event, told already or still to come."""
        async with asyncio.timeout(5):
            while not self.events:
                self.told.clear()
                await self.told.wait()
        event = self.events.pop(0)
        assert isinstance(event, kind), event
        return event

    def ask(self, flow: Flow) -> None:
        """Send OPTIONS there; Responded tells what comes of it."""
        with self.driver.turn() as now:
            self.driver.stack.request(
                "OPTIONS", "sip:x@acme.test", flow=flow, caller="<sip:a@b>", to="<sip:a@b>", now=now
            )

    def send(self, transport: str, host: str, port: int, data: bytes = b"x") -> None:
        carrier = self.udp if transport == "udp" else self.tcp
        carrier.send(Packet(data, Flow(transport, host, port)))

    async def until_unreachable(self) -> Flow:
        return await asyncio.wait_for(self.unreachable.get(), 5)


@asynccontextmanager
async def listening(
    limits: Limits | None = None,
    crowd: Crowd | None = None,
    *,
    host: str = HOST,
    locator: Locator | None = None,
) -> AsyncIterator[Listening]:
    numbers = count()
    udp_socket, tcp_socket = bind_udp(host, 0), bind_stream(host, 0)
    local: dict[str, tuple[str, int]] = {
        "udp": udp_socket.getsockname()[:2],
        "tcp": tcp_socket.getsockname()[:2],
    }
    stack = Stack(authority=Anybody(), local=local, token=lambda: f"{next(numbers):016x}", key=b"k")
    driver = Driver(stack, Clock(time.monotonic, time.time), locator)
    udp, tcp = Udp(udp_socket, driver), Streams("tcp", driver, limits=limits, crowd=crowd)
    await tcp.listen(tcp_socket)
    driver.attach("udp", udp)
    driver.attach("tcp", tcp)
    here = Listening(driver, udp, tcp, local["tcp"][1])
    driver.deliver = here.hear
    tell = driver.unreachable

    def unreachable(flow: Flow) -> None:
        here.unreachable.put_nowait(flow)
        tell(flow)

    driver.unreachable = unreachable  # type: ignore[method-assign]
    try:
        yield here
    finally:
        driver.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def receiver() -> socket.socket:
    """Somebody's UDP socket."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock

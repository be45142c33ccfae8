"""Where a SIP packet enters by TCP: connections kept by number, opened when a packet needs one (RFC 3261 18)."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from itertools import count

from engine.sip.errors import BadMessage
from engine.sip.flow import Flow, Packet
from engine.sip.framer import Framer
from engine.transports.driver import Driver

MOST_CONNECTIONS = 4096
MOST_UNSENT = 1 << 20
"""Bytes that may wait for a slow peer before its connection is closed: it costs only itself."""
CONNECT_WITHIN = 4.0
IDLE = 7200.0
"""Seconds of silence after which a connection is closed: longer than registrations last, which end with it."""
SPEECHLESS = 30.0
"""Seconds within which a connection that was opened to us must have brought its first message."""
SWEEP = 10.0
ALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
"""Seconds and tries after which a peer that vanished without a word is given up by the kernel."""


def bind_tcp(host: str, port: int) -> socket.socket:
    """A listening socket. OSError says that the address is taken or not ours."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


class Connection(asyncio.Protocol):
    """One TCP connection, accepted or opened by us."""

    def __init__(self, tcp: Tcp, number: int, ours: bool) -> None:
        self._tcp = tcp
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self.number = number
        self.peer: tuple[str, int] = ("", 0)
        self.last_heard = 0.0
        self.spoke = ours
        """A whole message has come, or we opened it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = (peer[0], peer[1]) if peer else ("", 0)
        self.last_heard = self._tcp.loop.time()
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        self._tcp.opened(self)

    def data_received(self, data: bytes) -> None:
        if self.spoke:
            self.last_heard = self._tcp.loop.time()
        try:
            messages = self._framer.feed(data)
        except BadMessage:
            self.close()  # where the next message starts cannot be known any more (RFC 3261 18.3)
            return
        if messages:
            self.spoke = True
            flow = Flow("tcp", self.peer[0], self.peer[1], self.number)
            self._tcp.driver.received([(message, flow) for message in messages])

    def connection_lost(self, exc: Exception | None) -> None:
        self._tcp.closed(self)

    def write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MOST_UNSENT:
            self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Tcp:
    """A listener and every connection of this node."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.loop = asyncio.get_running_loop()
        self._numbers = count(1)
        self._by_number: dict[int, Connection] = {}
        self._by_peer: dict[tuple[str, int], Connection] = {}
        self._waiting: dict[tuple[str, int], deque[Packet]] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def listen(self, sock: socket.socket) -> None:
        """Accept connections."""
        self._server = await self.loop.create_server(self._accepted, sock=sock)
        self._sweep = self.loop.call_later(SWEEP, self._close_idle)

    def _accepted(self) -> Connection:
        return Connection(self, next(self._numbers), ours=False)

    def _opened(self) -> Connection:
        return Connection(self, next(self._numbers), ours=True)

    def opened(self, connection: Connection) -> None:
        if len(self._by_number) >= MOST_CONNECTIONS:
            connection.close()
            return
        self._by_number[connection.number] = connection
        self._by_peer[connection.peer] = connection

    def closed(self, connection: Connection) -> None:
        """Whatever came or went by it has to be told, even when another connection to the same peer is open."""
        self._by_number.pop(connection.number, None)
        if self._by_peer.get(connection.peer) is connection:
            del self._by_peer[connection.peer]
        if connection.spoke and not self._closed:
            self.driver.unreachable(Flow("tcp", connection.peer[0], connection.peer[1], connection.number))

    def send(self, packet: Packet) -> None:
        """By the connection named, else by one to the same address, else by a new one."""
        if self._closed:
            return
        flow = packet.flow
        target = (flow.host, flow.port)
        connection = self._by_number.get(flow.connection) if flow.connection is not None else None
        connection = connection or self._by_peer.get(target)
        if connection is not None:
            connection.write(packet.data)
        elif target in self._waiting:
            self._waiting[target].append(packet)
        else:
            self._waiting[target] = deque([packet])
            task = self.loop.create_task(self._connect(target, flow))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, target: tuple[str, int], flow: Flow) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                _, connection = await self.loop.create_connection(self._opened, *target)
        except (OSError, TimeoutError, UnicodeError):  # the last: a host that is no name, such as a..b
            self._waiting.pop(target, None)
            self.driver.unreachable(flow)
            return
        for packet in self._waiting.pop(target, ()):
            connection.write(packet.data)

    def _close_idle(self) -> None:
        now = self.loop.time()
        for connection in list(self._by_number.values()):
            if now - connection.last_heard > (IDLE if connection.spoke else SPEECHLESS):
                connection.close()
        self._sweep = self.loop.call_later(SWEEP, self._close_idle)

    def close(self) -> None:
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        if self._server is not None:
            self._server.close()
        for task in self._connecting:
            task.cancel()
        for connection in list(self._by_number.values()):
            connection.close()

"""Where a SIP packet enters by TCP, TLS, WS or WSS: connections kept by number, opened when a packet needs one
(RFC 3261 section 18)."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from itertools import count

import structlog

from engine.sip.flow import Flow, Packet, bracketed
from engine.transports.alias import alias_port
from engine.transports.connection import Connection
from engine.transports.driver import Driver
from engine.transports.framing import Framing, Plain
from engine.transports.limits import Crowd, Limits
from engine.transports.tls import Tls, trouble
from engine.transports.websocket import WebSocket

log = structlog.get_logger()

Key = tuple[str, int, str]
"""Address, port, and the domain whose certificate was asked for."""
MOST_WAITING = 1000
"""Packets that may wait for one connection to stand."""


def bind_stream(host: str, port: int) -> socket.socket:
    """A listening socket. OSError says that the address is taken or not ours."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


class Streams:
    """Every connection of one transport: its listeners' and those that we opened."""

    def __init__(
        self,
        name: str,
        driver: Driver,
        *,
        tls: Tls | None = None,
        crowd: Crowd | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`name` is tcp, tls, ws or wss; tls and wss need `tls`. `crowd` is shared with the other transports."""
        if (tls is None) == (name in ("tls", "wss")):
            raise ValueError(f"{name} {'needs' if tls is None else 'takes no'} certificate")
        self.name, self.driver = name, driver
        self.limits = limits or Limits()
        self.loop = asyncio.get_running_loop()
        self._tls = tls
        self._crowd = Crowd() if crowd is None else crowd
        self._numbers = count(1)
        self._by_number: dict[int, Connection] = {}
        self._by_peer: dict[Key, Connection] = {}
        self._waiting: dict[Key, deque[Packet]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._by_number)

    async def listen(self, sock: socket.socket) -> None:
        """Accept connections."""
        self._servers.append(await self.loop.create_server(self._accepted, sock=sock))
        if self._sweep is None:
            self._sweep = self.loop.call_later(self.limits.sweep, self._look_round)

    def _accepted(self) -> Connection:
        return Connection(self, next(self._numbers), self._framing(ours=False), ours=False)

    def _framing(self, ours: bool) -> Framing:
        return WebSocket() if self.name in ("ws", "wss") else Plain(ours)

    # -- what connections tell

    def opened(self, connection: Connection) -> None:
        """A connection stands: it is counted, secured, and kept."""
        if self._closed:
            connection.close()
        elif connection.ours:
            self._keep_ours(connection)
        else:
            self._keep_theirs(connection)

    def _keep_ours(self, connection: Connection) -> None:
        if self._tls is not None and connection.transport is not None:
            connection.fault = self._tls.mismatch(connection.transport, connection.domain)
        if connection.fault:
            connection.close()
        else:
            self._keep(connection)

    def _keep_theirs(self, connection: Connection) -> None:
        connection.fault = self._crowd.enter(connection.peer[0])
        if connection.fault:
            self.driver.refused(connection.flow, connection.fault)
            connection.close()
            return
        self._keep(connection)
        if self._tls is not None and connection.transport is not None:
            connection.transport.pause_reading()
            connection.wait_for_tls()
            self._run(self._secure(connection, self._tls, connection.transport))

    def _keep(self, connection: Connection) -> None:
        self._by_number[connection.number] = connection
        self._by_peer[*connection.peer, connection.domain] = connection

    async def _secure(self, connection: Connection, tls: Tls, plain: asyncio.Transport) -> None:
        """The TLS handshake of a connection that is counted already: a silent one is shown out."""
        try:
            secured = await self.loop.start_tls(
                plain, connection, tls.server, server_side=True, ssl_handshake_timeout=self.limits.shake
            )
        except OSError as error:  # TLS faults, time-outs and resets are all of that kind
            self.driver.refused(connection.flow, f"no TLS: {trouble(error)}")
            plain.abort()
            self.closed(connection)
        else:
            if secured is None:  # it went while the handshake ended
                self.closed(connection)
            else:
                connection.secured(secured)

    def received(self, connection: Connection, messages: list[bytes]) -> None:
        """Whole messages; the first of a TCP connection may ask that it be used for requests too."""
        if self.name == "tcp" and not connection.ours and (port := alias_port(messages[0], connection.flow)):
            self._by_peer.setdefault((connection.peer[0], port, ""), connection)
        flow = connection.flow
        self.driver.received([(message, flow) for message in messages])

    def closed(self, connection: Connection) -> None:
        """Whatever came or went by it has to be told, even when another connection to the same peer is open."""
        if self._by_number.pop(connection.number, None) is None:
            return
        for key in [key for key, held in self._by_peer.items() if held is connection]:
            del self._by_peer[key]
        if not connection.ours:
            self._crowd.leave(connection.peer[0])
        if connection.spoke and not self._closed:
            self.driver.unreachable(connection.flow)

    # -- what the driver asks for

    def send(self, packet: Packet) -> None:
        """By the connection named, else by one to the same address, else by a new one."""
        if self._closed:
            return
        flow = packet.flow
        key = (flow.host, flow.port, flow.domain)
        connection = self._by_number.get(flow.connection) if flow.connection is not None else None
        connection = connection or self._by_peer.get(key)
        if connection is not None:
            connection.send(packet.data)
        elif self.name in ("ws", "wss"):  # nobody can call a browser but by the connection that it opened
            self.loop.call_soon(self.driver.unreachable, flow)
        elif key in self._waiting:
            if len(self._waiting[key]) < MOST_WAITING:
                self._waiting[key].append(packet)
        else:
            self._waiting[key] = deque([packet])
            self._run(self._connect(key, flow))

    async def _connect(self, key: Key, flow: Flow) -> None:
        connection = Connection(self, next(self._numbers), self._framing(ours=True), True, flow.domain)
        tls = self._tls
        try:
            async with asyncio.timeout(self.limits.connect):
                await self.loop.create_connection(
                    lambda: connection,
                    flow.host,
                    flow.port,
                    ssl=tls.client if tls is not None else None,
                    server_hostname=(flow.domain or flow.host) if tls is not None else None,
                )
            why = connection.fault
        except (OSError, OverflowError, UnicodeError) as error:
            why = trouble(error)
        waiting = self._waiting.pop(key, ())
        if why:
            target = f"{bracketed(flow.host)}:{flow.port}"
            log.warning("not_connected", transport=self.name, target=target, domain=flow.domain, why=why)
            self.driver.unreachable(flow)
            return
        for packet in waiting:
            connection.send(packet.data)

    def _look_round(self) -> None:
        now = self.loop.time()
        for connection in list(self._by_number.values()):
            connection.sweep(now)
        self._sweep = self.loop.call_later(self.limits.sweep, self._look_round)

    def _run(self, work: asyncio._CoroutineLike[None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        for connection in list(self._by_number.values()):
            connection.close()

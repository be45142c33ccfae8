"""One connection of a stream transport, accepted or opened by us."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from engine.sip.errors import BadMessage
from engine.sip.flow import Flow
from engine.transports.framing import Framing

if TYPE_CHECKING:
    from engine.transports.streams import Streams

ALIVE: Final = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
"""Seconds and tries after which a peer that vanished without a word is given up by the kernel."""


class Connection(asyncio.Protocol):
    """Cuts what arrives into messages, and lets nobody wait for a peer that does not read."""

    def __init__(self, streams: Streams, number: int, framing: Framing, ours: bool, domain: str = "") -> None:
        self._streams = streams
        self._framing = framing
        self.number = number
        self.ours = ours
        self.domain = domain
        """Whose certificate was asked for, where we opened it by TLS."""
        self.transport: asyncio.Transport | None = None
        self.peer: tuple[str, int] = ("", 0)
        self.heard = 0.0
        """When the peer said something last."""
        self.begun = 0.0
        """When the message that is not whole yet was begun; 0.0 when there is none."""
        self.spoke = ours
        """A whole message has come, or we opened it."""
        self.fault = ""
        """Why it was given up before it was used."""
        self._early: bytearray | None = None

    @property
    def flow(self) -> Flow:
        return Flow(self._streams.name, self.peer[0], self.peer[1], self.number)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = (peer[0], peer[1]) if peer else ("", 0)
        self.heard = self._streams.loop.time()
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        self._streams.opened(self)

    def wait_for_tls(self) -> None:
        """What comes from now on is kept until `secured`: a reply by the plain transport would be a plain one."""
        self._early = bytearray()

    def secured(self, transport: asyncio.Transport) -> None:
        """The TLS handshake is done. The peer's first words may have come with its end."""
        self.transport = transport
        early, self._early = self._early, None
        if early:
            self.data_received(bytes(early))

    def data_received(self, data: bytes) -> None:
        if self._early is not None:
            self._early += data
            return
        now = self._streams.loop.time()
        framing = self._framing
        try:
            messages = framing.feed(data)
        except BadMessage as fault:
            self._lost_track(fault)
            return
        if messages:
            self.spoke = True
        if self.spoke:
            self.heard = now
        if messages or not framing.pending:
            self.begun = 0.0
        if framing.pending and not self.begun:
            self.begun = now
        self._write(framing.owed())
        if messages:
            self._streams.received(self, messages)
        if framing.over and self.transport is not None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._streams.closed(self)

    def send(self, message: bytes) -> None:
        """Never waits; a peer that reads too slowly is given up."""
        self._write(self._framing.wrap(message))

    def sweep(self, now: float) -> None:
        """Close what is too slow or too silent; keep the others alive."""
        limits, quiet = self._streams.limits, now - self.heard
        if self.transport is not None and self.transport.is_closing():
            self.close()  # a farewell that the peer does not read is not waited for
        elif self.begun and now - self.begun > limits.unfinished:
            self._give_up(f"a message that is not whole after {limits.unfinished:g} s")
        elif quiet > (limits.idle if self.spoke else limits.speechless):
            self.close()
        elif quiet > 2 * limits.ping and self._framing.must_pong and self.spoke:
            self._give_up("no answer to a ping")
        elif quiet > limits.ping and self.spoke:
            self._write(self._framing.ping())

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _write(self, data: bytes) -> None:
        transport = self.transport
        if not data or transport is None or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > self._streams.limits.unsent:
            self._give_up(f"more than {self._streams.limits.unsent} bytes that the peer does not read")

    def _lost_track(self, fault: BadMessage) -> None:
        """Where the next message starts cannot be known any more (RFC 3261 section 18.3)."""
        self._write(self._framing.owed())
        self._streams.driver.refused(self.flow, fault.why)
        if self.transport is not None:
            self.transport.close()

    def _give_up(self, why: str) -> None:
        self._streams.driver.refused(self.flow, why)
        self.close()

"""Where a SIP packet enters by UDP."""

from __future__ import annotations

import asyncio
import socket

from engine.sip.flow import Flow, Packet
from engine.transports.driver import Driver

BATCH = 32
"""Datagrams read before tasks and timers get their turn."""
LARGEST = 65_535
BUFFER = 4 << 20
"""Bytes the kernel may queue for us while the loop is busy."""


class Udp:
    """One bound UDP socket, read in bounded batches (asyncio's own datagram transport costs four times as much)."""

    def __init__(self, host: str, port: int, driver: Driver) -> None:
        """Binds at once; OSError says that the address is taken or not ours."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self._socket.setblocking(False)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self._driver = driver
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        messages: list[tuple[bytes, Flow]] = []
        receive = self._socket.recvfrom
        while len(messages) < BATCH:
            try:
                data, source = receive(LARGEST)
            except BlockingIOError:
                break
            except OSError:
                continue  # an ICMP error of an earlier packet is reported here; the stack's timers see the silence
            messages.append((data, Flow("udp", source[0], source[1])))
        if messages:
            self._driver.received(messages)

    def send(self, packet: Packet) -> None:
        flow = packet.flow
        try:
            self._socket.sendto(packet.data, (flow.host, flow.port))
        except BlockingIOError:
            return  # the kernel's queue is full: UDP lost it, and the transaction's timer sends it again
        except (OSError, OverflowError):
            self._loop.call_soon(self._driver.unreachable, flow)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

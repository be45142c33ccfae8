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


def bind_udp(host: str, port: int) -> socket.socket:
    """A bound socket. OSError says that the address is taken or not ours."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        sock.setblocking(False)
        if sock.family is socket.AF_INET6:
            sock.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1
            )  # addresses of IPv4 keep their own form
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class Udp:
    """One bound UDP socket, read in bounded batches (asyncio's own datagram transport costs four times as much)."""

    def __init__(self, sock: socket.socket, driver: Driver) -> None:
        self._socket = sock
        self._driver = driver
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._loop.add_reader(sock, self._readable)

    def _readable(self) -> None:
        messages: list[tuple[bytes, Flow]] = []
        receive = self._socket.recvfrom
        for _ in range(BATCH):
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
        """To an address, never to a name: those would be asked for on the event loop."""
        flow = packet.flow
        if self._closed:
            return
        try:
            self._socket.sendto(packet.data, (flow.host, flow.port))
        except BlockingIOError:
            return  # the kernel's queue is full: UDP lost it, and the transaction's timer sends it again
        except (OSError, OverflowError):
            self._loop.call_soon(self._driver.unreachable, flow)

    def close(self) -> None:
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._socket.close()

"""The RTP ports of this node: even ports in a range, each with its odd neighbour for RTCP, rested after use
(RFC 3550 11)."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from media.control import NoRow

REST, LEAST = 30.0, 2.0
"""Seconds a port is left alone after use, so that a stranger's late packets find nobody; and when calls are so many
that there is no other."""
BUFFER = 16_384
"""Octets of SO_RCVBUF, which the kernel doubles: some 20 packets, so that an outage never queues seconds of
sound."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bound, non-blocking UDP sockets."""

    port: int
    rtp: socket.socket
    rtcp: socket.socket

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class Ports:
    """Hands out pairs in turn, starting at a random place. Each is left alone for REST after use, while others can
    be had; at LEAST for a moment."""

    def __init__(
        self, address: str, first: int, last: int, monotonic: Callable[[], float], chance: random.Random
    ) -> None:
        self.address = address
        self._family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        even = range(first + first % 2, last, 2)
        if not even:
            raise ValueError(f"RTP ports {first}-{last}: an even port and the odd one after it are needed")
        self._span = f"{even[0]}-{even[-1] + 1}"
        self._fresh = deque(even)
        self._fresh.rotate(-chance.randrange(len(even)))
        self._resting: deque[tuple[float, int]] = deque()
        """Since when, and which; the longest first."""
        self._used: set[int] = set()
        self._monotonic = monotonic
        self.size = len(even)
        """Pairs there are in all."""

    @property
    def used(self) -> int:
        """Pairs handed out and not given back."""
        return len(self._used)

    def take(self) -> Pair:
        """The next free pair. Raises NoRow when all are used, were used just now, or are held by another program."""
        now = self._monotonic()
        for _ in range(self.size - self.used):
            port = self._next(now)
            if port is None:
                break
            pair = self._bind(port)
            if pair is not None:
                self._used.add(port)
                return pair
            self._resting.append((now, port))
        raise NoRow(
            f"no free RTP port in {self._span} at {self.address}: {self.used} in use, others rest or are taken"
        )

    def _next(self, now: float) -> int | None:
        """One that has rested, else the one that has rested longest."""
        while self._resting and self._resting[0][0] + REST <= now:
            self._fresh.append(self._resting.popleft()[1])
        if self._fresh:
            return self._fresh.popleft()
        if self._resting and self._resting[0][0] + LEAST <= now:
            return self._resting.popleft()[1]
        return None

    def give_back(self, port: int) -> None:
        """The pair was closed: let it rest."""
        self._used.discard(port)
        self._resting.append((self._monotonic(), port))

    def _bind(self, port: int) -> Pair | None:
        rtp = self._socket(port)
        if rtp is None:
            return None
        rtcp = None
        try:
            rtcp = self._socket(port + 1)
        finally:
            if rtcp is None:
                rtp.close()
        return Pair(port, rtp, rtcp) if rtcp is not None else None

    def _socket(self, port: int) -> socket.socket | None:
        """A bound socket; None when the port is taken. Raises NoRow when this process may have no more sockets."""
        try:
            udp = socket.socket(self._family, socket.SOCK_DGRAM)
        except OSError as fault:
            raise NoRow(f"no socket for RTP port {port}: {fault.strerror}") from fault
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        try:
            udp.bind((self.address, port))
        except OSError as fault:
            udp.close()
            if fault.errno == errno.EADDRINUSE:
                return None
            raise NoRow(f"no RTP port {port} at {self.address}: {fault.strerror}") from fault
        return udp

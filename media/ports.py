"""The RTP ports of this node: even ports in a range, each with its odd neighbour for RTCP, rested after use
(RFC 3550 11)."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass

from media.control import NoRow

REST = 30.0
"""Seconds a port is left alone after use, so that a stranger's late packets find nobody."""
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
    """Hands out pairs, starting at a random place and going round."""

    def __init__(
        self, address: str, first: int, last: int, monotonic: Callable[[], float], chance: random.Random
    ) -> None:
        self.address = address
        self._family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        self._even = range(first + first % 2, last, 2)
        if not self._even:
            raise ValueError(f"RTP ports {first}-{last}: an even port and the odd one after it are needed")
        self._next = chance.randrange(len(self._even))
        self._rested: dict[int, float] = {}
        self._used: set[int] = set()
        self._monotonic = monotonic

    @property
    def size(self) -> int:
        """Pairs there are in all."""
        return len(self._even)

    @property
    def used(self) -> int:
        """Pairs handed out and not given back."""
        return len(self._used)

    def take(self) -> Pair:
        """The next free pair. Raises NoRow when all are used, resting, or held by another program."""
        now = self._monotonic()
        for _ in self._even:
            port = self._even[self._next]
            self._next = (self._next + 1) % len(self._even)
            if port in self._used or self._rested.get(port, 0.0) > now:
                continue
            pair = self._bind(port)
            if pair is not None:
                self._used.add(port)
                self._rested.pop(port, None)
                return pair
        span = f"{self._even[0]}-{self._even[-1] + 1}"
        raise NoRow(
            f"no free RTP port in {span} at {self.address}: {self.used} in use, others rest {REST:.0f} s"
        )

    def give_back(self, port: int) -> None:
        """The pair was closed: let it rest."""
        self._used.discard(port)
        self._rested[port] = self._monotonic() + REST

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

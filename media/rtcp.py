"""Sender and receiver reports, staggered over the rows (RFC 3550 6.4), from port + 1 to port + 1."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from media.columns import Columns
from media.g711 import FRAME
from media.ledger import PHASES
from media.wire import Wire

INTERVAL: Final = 250
"""Ticks between two reports of a row: 5 s."""
_NTP: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""


class Reports:
    """`wall` gives seconds since 1970."""

    def __init__(self, columns: Columns, wire: Wire, wall: Callable[[], float] = time.time) -> None:
        self.columns = columns
        self.wire = wire
        self.wall = wall
        self._told = np.zeros((columns.rows, 2), np.int64)
        """Packets expected and received at the last report."""

    def forget(self, row: int) -> None:
        self._told[row] = 0

    def send(self, m: int) -> None:
        """The rows whose turn this tick is."""
        ledger = self.columns.ledger
        tick = m // PHASES
        turn = np.arange(-tick % INTERVAL, self.columns.rows, INTERVAL)
        for row in turn[(ledger.aimed[turn] != 0) & (ledger.packets[turn] != 0)].tolist():
            self.wire.send_to(self.columns.rtcp_sockets[row], self.compose(row), self._target(row))

    def _target(self, row: int) -> tuple[str, int]:
        ledger = self.columns.ledger
        if ledger.latched[row]:
            return bytes(ledger.peer_host[row]).decode(), int(ledger.peer_port[row]) + 1
        return bytes(ledger.aim_host[row]).decode(), int(ledger.aim_port[row]) + 1

    def compose(self, row: int) -> bytes:
        """A sender report with one block about what is heard, if anything is, and the canonical name."""
        ledger = self.columns.ledger
        block = self._block(row) if ledger.received[row] else b""
        ntp = int((self.wall() + _NTP) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
        ssrc, packets = int(ledger.ssrc[row]), int(ledger.packets[row])
        report = struct.pack(
            "!BBHIQIII",
            0x81 if block else 0x80,
            200,
            6 + len(block) // 4,
            ssrc,
            ntp,
            int(ledger.stamp[row]),
            packets,
            packets * FRAME & 0xFFFFFFFF,
        )
        return report + block + _name(ssrc)

    def _block(self, row: int) -> bytes:
        """RFC 3550 6.4.1 and A.3: fraction and number lost, highest sequence number, jitter."""
        ledger = self.columns.ledger
        high = int(ledger.high_seq[row])
        expected, received = (high - int(ledger.first_seq[row]) + 1) & 0xFFFFFFFF, int(ledger.received[row])
        expected_now, received_now = expected - int(self._told[row, 0]), received - int(self._told[row, 1])
        self._told[row] = expected, received
        lost_now = max(expected_now - received_now, 0)
        fraction = min(lost_now * 256 // expected_now, 255) if expected_now > 0 else 0
        lost = min(max(expected - received, -0x800000), 0x7FFFFF) & 0xFFFFFF
        jitter = int(ledger.jitter[row])
        return struct.pack("!IIIIII", int(ledger.heard[row]), fraction << 24 | lost, high, jitter, 0, 0)


def _name(ssrc: int) -> bytes:
    """SDES with a CNAME that tells nothing of the host (RFC 7022)."""
    name = f"{ssrc:08x}".encode()
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk

"""Sender and receiver reports, ours staggered over the rows, theirs read (RFC 3550 6.4).

Ours go from port + 1 to port + 1, or to wherever theirs come from. Theirs count when they come from the party's
host and speak of our stream or the one we hear.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from media.columns import Columns
from media.compound import BadRtcp, Block, Goodbye, Part, Report, parse
from media.g711 import FRAME
from media.ledger import PHASES, STEP, expected
from media.wire import Address, Wire

INTERVAL: Final = 250
"""Ticks between two reports of a row: 5 s."""
_NTP: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""
_SECOND: Final = 1_000_000_000
_UNITS: Final = 65_536
"""A second as reports count delays."""


class Reports:
    """`wall` gives seconds since 1970; `offset` is this worker's part of the spread of grids, in nanoseconds.

    Times are nanoseconds since phase 0 of the epoch.
    """

    def __init__(
        self, columns: Columns, wire: Wire, offset: int, wall: Callable[[], float] = time.time
    ) -> None:
        self.columns = columns
        self.wire = wire
        self.wall = wall
        self.epoch = columns.ledger.epoch + offset
        rows = columns.rows
        self._told = np.zeros((rows, 2), np.int64)
        """Packets expected and received at the last report."""
        self._packets = np.zeros(rows, np.int64)
        """Packets sent at the last report."""
        self._sent = np.zeros((rows, 2), np.int64)
        """Middle 32 bits of the NTP time of our last sender report, and when it went."""

    def forget(self, row: int) -> None:
        self._told[row] = self._packets[row] = self._sent[row] = 0

    # ------------------------------------------------------------------------------------------ ours

    def send(self, m: int) -> None:
        """The rows whose turn this tick is."""
        ledger = self.columns.ledger
        tick = m // PHASES
        turn = np.arange(-tick % INTERVAL, self.columns.rows, INTERVAL)
        speaks = (ledger.packets[turn] != 0) | (ledger.received[turn] != 0)
        for row in turn[(ledger.aimed[turn] != 0) & speaks].tolist():
            self.wire.send_to(self._socket(row), self.compose(row, m * STEP), self._target(row))

    def _socket(self, row: int) -> Any:
        """RTCP of a party that sends it by its RTP port comes back that way (RFC 5761)."""
        columns, ledger = self.columns, self.columns.ledger
        muxed = ledger.latched[row] and ledger.rtcp_port[row] == ledger.peer_port[row]
        return columns.sockets[row] if muxed else columns.rtcp_sockets[row]

    def _target(self, row: int) -> Address:
        ledger = self.columns.ledger
        if ledger.latched[row]:
            port = int(ledger.rtcp_port[row]) or int(ledger.peer_port[row]) + 1
            return bytes(ledger.peer_host[row]).decode(), port
        return bytes(ledger.aim_host[row]).decode(), int(ledger.aim_port[row]) + 1

    def compose(self, row: int, now: int) -> bytes:
        """A report with one block about what is heard, if anything is, and the canonical name.

        A sender report when something was sent since the one before, else a receiver report.
        """
        ledger = self.columns.ledger
        ssrc, packets = int(ledger.ssrc[row]), int(ledger.packets[row])
        block = self._block(row, now) if ledger.received[row] else b""
        sender = self._sender(row, packets, now) if packets != self._packets[row] else b""
        self._packets[row] = packets
        length = 1 + (len(sender) + len(block)) // 4
        head = struct.pack("!BBHI", 0x80 | bool(block), 200 if sender else 201, length, ssrc)
        return head + sender + block + _name(ssrc)

    def _sender(self, row: int, packets: int, now: int) -> bytes:
        ledger = self.columns.ledger
        ntp = int((self.wall() + _NTP) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
        self._sent[row] = ntp >> 16 & 0xFFFFFFFF, now
        return struct.pack("!QIII", ntp, int(ledger.stamp[row]), packets, packets * FRAME & 0xFFFFFFFF)

    def _block(self, row: int, now: int) -> bytes:
        """RFC 3550 6.4.1 and A.3: fraction and number lost, highest sequence number, jitter, their last report."""
        ledger = self.columns.ledger
        due, received = expected(ledger, row), int(ledger.received[row])
        due_now, received_now = due - int(self._told[row, 0]), received - int(self._told[row, 1])
        self._told[row] = due, received
        lost_now = max(due_now - received_now, 0)
        fraction = min(lost_now * 256 // due_now, 255) if due_now > 0 else 0
        lost = min(max(due - received, -0x800000), 0x7FFFFF) & 0xFFFFFF
        last = int(ledger.sr_mid[row])
        delay = max(now - int(ledger.sr_at[row]), 0) * _UNITS // _SECOND if last else 0
        heard, high, jitter = int(ledger.heard[row]), int(ledger.high_seq[row]), int(ledger.jitter[row])
        return struct.pack("!6I", heard, fraction << 24 | lost, high, jitter, last, delay & 0xFFFFFFFF)

    # ------------------------------------------------------------------------------------------ theirs

    def receive(self, m: int, row: int, data: bytes, source: Address) -> None:
        """A packet that came to the row's RTCP port: the party's, if it comes from its host."""
        ledger = self.columns.ledger
        if not ledger.latched[row] or source[0] != bytes(ledger.peer_host[row]).decode():
            self.columns.counts.strangers += 1
        elif self._take(row, data, self._arrival(m, self.columns.rtcp_sockets[row])):
            ledger.rtcp_port[row] = source[1]

    def muxed(self, m: int, row: int, data: bytes) -> None:
        """RTCP that came to the row's RTP port, which hears its party alone."""
        ledger = self.columns.ledger
        if ledger.latched[row] and self._take(row, data, self._arrival(m, self.columns.sockets[row])):
            ledger.rtcp_port[row] = ledger.peer_port[row]

    def _arrival(self, m: int, sock: Any) -> int:
        at = self.wire.arrivals([sock])[0] - self.epoch
        return at if at > 0 else m * STEP

    def _take(self, row: int, data: bytes, came: int) -> bool:
        """Keep what it says; False when it says nothing of our streams."""
        try:
            parts = parse(data)
        except BadRtcp:
            self.columns.counts.bad_reports += 1
            return False
        self.columns.counts.reports += 1
        ours = [self._is_ours(row, part) for part in parts]
        if any(ours):
            for part in parts:
                self._keep(row, part, came)
        return any(ours)

    def _is_ours(self, row: int, part: Part) -> bool:
        ledger = self.columns.ledger
        if not isinstance(part, Report):
            return False
        heard = ledger.heard[row] == part.source and ledger.received[row] != 0
        return bool(heard or any(block.source == ledger.ssrc[row] for block in part.blocks))

    def _keep(self, row: int, part: Part, came: int) -> None:
        ledger = self.columns.ledger
        match part:
            case Report(source, ntp, blocks):
                if ntp is not None and source == ledger.heard[row]:
                    ledger.sr_mid[row], ledger.sr_at[row] = ntp >> 16 & 0xFFFFFFFF, came
                for block in blocks:
                    if block.source == ledger.ssrc[row]:
                        self._hear_of_us(row, block, came)
            case Goodbye(sources):
                if ledger.heard[row] in sources:
                    ledger.sr_mid[row] = 0

    def _hear_of_us(self, row: int, block: Block, came: int) -> None:
        """What the party hears of us, and how far away it is (6.4.1)."""
        ledger = self.columns.ledger
        behind = int(ledger.seq[row]) - block.high & 0xFFFF
        ledger.far_expected[row] = max(int(ledger.packets[row]) - (behind if behind < 0x8000 else 0), 0)
        ledger.far_lost[row], ledger.far_fraction[row] = block.lost, block.fraction
        ledger.far_jitter[row] = block.jitter
        last, sent = self._sent[row].tolist()
        if last and block.last == last:
            ledger.round_trip[row] = max(came - sent - block.delay * _SECOND // _UNITS, 1)
        ledger.told[row] += 1


def _name(ssrc: int) -> bytes:
    """SDES with a CNAME that tells nothing of the host (RFC 7022)."""
    name = f"{ssrc:08x}".encode()
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk

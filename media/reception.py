"""Packets in: from the sockets of one phase into the cells of the ledger, all rows at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.columns import HEADER, NEVER, PACKET, STAMPS, Columns, Hearing, Rows, mark
from media.g711 import FRAME, SILENCE
from media.ledger import PHASES, SLOTS, VOICE
from media.noise import COMFORT_NOISE, ComfortNoise
from media.rtp import is_rtcp, straighten
from media.wire import Wire

Flags = NDArray[np.bool_]
Sizes = NDArray[np.int64]

RETRIES = 4
"""Packets read for a row beyond the first while the frame it owes is missing."""
ASTRAY = 10
"""Ticks of packets none of which could be used, after which a row's clock is set anew: 200 ms."""
FAR = 10 * PHASES
"""A packet this early, of a row whose frame is missing, is not early: the sender's timestamps jumped."""
FARTHEST = (SLOTS - 16) * PHASES
_UNUSED = -1
_NO_SEQ = np.uint32(0x00007FFF)
"""Leaves version and payload type of the first word, octets as on the wire."""


class Reception:
    """`keys` gets the rows that hold an RFC 4733 event; `anchor` sets the clock of rows whose stream is
    new; `told` gets RTCP that came to the RTP port (RFC 5761)."""

    def __init__(
        self,
        columns: Columns,
        wire: Wire,
        keys: Callable[[int, Rows], None],
        anchor: Callable[[int, Rows, Sizes], None],
        told: Callable[[int, int, bytes], None],
        noise: ComfortNoise,
    ) -> None:
        self.columns = columns
        self.wire = wire
        self.keys = keys
        self.anchor = anchor
        self.told = told
        self.noise = noise
        self.late: list[Rows] = []
        """Rows that had a packet too late to be heard, since this was last emptied."""
        rows = columns.rows
        self._cells = columns.frames()
        self._tags = columns.ledger.tag.reshape(-1, 2)
        self._due = columns.ledger.due.reshape(-1)
        self._state = columns.ledger.state.reshape(-1)
        self._ahead = np.zeros(rows, np.int64)
        """Timestamp units from `base` to the end of the newest sound of rows with odd packets."""
        self._odd = np.zeros(rows, bool)
        """Rows whose packets do not fill whole cells."""
        self._astray = np.zeros(rows, np.int16)
        self._any_odd = False
        self._any_astray = False
        self._early = NEVER
        """Up to this phase some cell may be filled before its time."""

    def forget(self, row: int) -> None:
        """The row changes hands or streams."""
        self._odd[row] = False
        self._astray[row] = self._ahead[row] = 0

    # ------------------------------------------------------------------------------------------ a phase

    def receive(self, m: int, hearing: Hearing) -> bool:
        """Read each row once; True when that brought every row the frame it owes in this phase.

        Rows that it did not are read again a few times.
        """
        rows = hearing.rows
        if self._early >= m:
            have = self._complete(m, rows)
            if have.any():
                self._receive(m, hearing, np.flatnonzero(~have))
                return False
        sizes = self._read(hearing.sockets, hearing.views)
        if sizes.count(PACKET) == len(sizes) and self._ordinary(m, hearing):
            return True
        hearing.settle(self.columns.ledger)
        hearing.followed = False
        self._read_on(m, rows, np.array(sizes, np.int64))
        return False

    def _receive(self, m: int, hearing: Hearing, needed: Rows) -> None:
        hearing.settle(self.columns.ledger)
        hearing.followed = False
        sockets = [hearing.sockets[i] for i in needed.tolist()]
        sizes = self._read(sockets, [hearing.views[i] for i in needed.tolist()])
        self._read_on(m, hearing.rows[needed], np.array(sizes, np.int64))

    def _ordinary(self, m: int, hearing: Hearing) -> bool:
        """The common case: every row has brought exactly the frame due now. Then all is copied, and True."""
        columns, rows = self.columns, hearing.rows
        words = columns.rx_words.take(hearing.index)
        words[:, 0] &= _NO_SEQ
        hearing.words[:, 1] = (hearing.stamp + np.uint32(m * STAMPS & 0xFFFFFFFF)).byteswap()
        if (words != hearing.words).any():
            return False
        cell = rows + m // PHASES % SLOTS * columns.rows
        columns.ledger.cells[cell] = columns.rx_frames[rows]
        hearing.tags[:, 0] = m
        columns.ledger.marks[cell] = hearing.marks
        columns.last_due[rows] = m
        if hearing.followed:
            columns.counts.received += len(rows)
            hearing.ticks += 1
        else:
            self._count(rows, columns.rx32[rows, 0].astype(np.uint32))
            hearing.followed = True
        if self._any_astray:
            self._astray[rows] = 0
        return True

    def _read_on(self, m: int, rows: Rows, sizes: Sizes) -> None:
        columns = self.columns
        self.ingest(m, rows, sizes)
        for _ in range(RETRIES):
            rows = rows[(sizes > 0) & ~self._complete(m, rows) & (columns.keyed_until[rows] < m)]
            if not len(rows):
                return
            picked = rows.tolist()
            again = self._read([columns.sockets[i] for i in picked], [columns.rx_views[i] for i in picked])
            sizes = np.array(again, np.int64)
            self.ingest(m, rows, sizes)

    def _read(self, sockets: list[Any], views: list[memoryview]) -> list[int]:
        """One `recv_into` per socket, run by map in C; an empty socket costs one exception and re-entry."""
        sizes: list[int] = []
        reads = map(self.wire.receive, sockets, views)
        while True:
            try:
                sizes.extend(reads)
                break
            except OSError:
                sizes.append(_UNUSED)
        return sizes

    def _complete(self, m: int, rows: Rows) -> Flags:
        """Which rows hold all of the frame that is due now."""
        ledger = self.columns.ledger
        have: Flags = self._due[m // PHASES % SLOTS * self.columns.rows + rows] == m
        if self._any_odd:
            end = ((m - ledger.c[rows]) // PHASES + 1) * FRAME
            have &= ~self._odd[rows] | (self._ahead[rows] >= end)
        return have

    def ingest(self, m: int, rows: Rows, sizes: Sizes) -> None:
        """Packets that lie in `rx` to ledger cells. The common packet is one frame, in order, due in this
        phase."""
        columns, ledger = self.columns, self.columns.ledger
        words = columns.rx32[rows, :3].astype(np.uint32)
        offset = (words[:, 1] - ledger.base[rows]).view(np.int32)
        at = offset // FRAME
        due = ledger.c[rows] + PHASES * at
        fine = (sizes == PACKET) & (due == m) & (at * FRAME == offset) & (ledger.anchored[rows] != 0)
        fine &= (words[:, 0] & 0xFF7F0000 == columns.want[rows]) & (words[:, 2] == ledger.heard[rows])
        if not fine.all():
            self._unusual(m, rows[~fine], sizes[~fine])
            rows, words = rows[fine], words[fine]
        if len(rows):
            self._count(rows, words[:, 0])
            self._store(rows, np.full(len(rows), m, np.int64))

    def _store(self, rows: Rows, due: Sizes) -> None:
        columns, ledger = self.columns, self.columns.ledger
        if not len(rows):
            return
        cell = due // PHASES % SLOTS * columns.rows + rows
        ledger.cells[cell] = columns.rx_frames[rows]
        self._tags[cell, 1] = mark(ledger.owner[rows], ledger.codec[rows], VOICE)
        self._tags[cell, 0] = due
        columns.last_due[rows] = due
        self._early = max(self._early, int(due.max()))
        self._astray[rows] = 0

    def _count(self, rows: Rows, word: NDArray[np.uint32]) -> None:
        """Sequence numbers as RFC 3550 A.1 extends them, for the receiver reports."""
        ledger = self.columns.ledger
        high = ledger.high_seq[rows]
        ahead = (word.astype(np.uint16) - high.astype(np.uint16)).view(np.int16)
        ledger.high_seq[rows] = high + np.maximum(ahead, 0).astype(np.uint32)
        ledger.received[rows] += 1
        self.columns.counts.received += len(rows)

    # ------------------------------------------------------------------------------------------ the rest

    def _unusual(self, m: int, rows: Rows, sizes: Sizes) -> None:
        """Whatever is not one frame exactly on time: sort out what is voice, and where it belongs."""
        columns, ledger = self.columns, self.columns.ledger
        there = sizes > 0
        rows, sizes = rows[there], sizes[there].copy()
        for i in np.flatnonzero(is_rtcp(columns.rx[rows, 1])).tolist():
            self.told(m, int(rows[i]), bytes(columns.rx_views[rows[i]][: sizes[i]]))
            sizes[i] = 0
        for i in np.flatnonzero((columns.rx[rows, 0] != 0x80) | (sizes < HEADER)).tolist():
            view = columns.rx_views[rows[i]]
            sizes[i] = straighten(view, int(sizes[i]))
        sizes[ledger.hears[rows] == 0] = 0
        kind = columns.rx[rows, 1].astype(np.int16) & 0x7F
        keyed = (sizes >= HEADER + 4) & (kind == ledger.events[rows])
        if keyed.any():
            self.keys(m, rows[keyed])
            self._count(rows[keyed], columns.rx32[rows[keyed], 0].astype(np.uint32))
        quiet = (sizes >= HEADER) & (kind == COMFORT_NOISE)
        if quiet.any():
            self.noise.packets(m, rows[quiet], sizes[quiet])
            self._count(rows[quiet], columns.rx32[rows[quiet], 0].astype(np.uint32))
        voice = (sizes > HEADER) & (kind == ledger.payload[rows])
        if voice.any():
            self._voice(m, rows[voice], sizes[voice] - HEADER)

    def _voice(self, m: int, rows: Rows, length: Sizes) -> None:
        columns, ledger = self.columns, self.columns.ledger
        word = columns.rx32[rows, 0].astype(np.uint32)
        new = (ledger.anchored[rows] == 0) | (columns.rx32[rows, 2] != ledger.heard[rows])
        new |= self._jumped(m, rows)
        if new.any():
            self.anchor(m, rows[new], length[new])
        self._count(rows, word)
        offset = (columns.rx32[rows, 1].astype(np.uint32) - ledger.base[rows]).view(np.int32).astype(np.int64)
        due = ledger.c[rows] + PHASES * (offset // FRAME)
        last = ledger.c[rows] + PHASES * ((offset + length - 1) // FRAME)
        late = (last < m) | (due > m + FARTHEST)
        self._too_late(rows[late], due[late])
        whole = ~late & (length == FRAME) & (offset % FRAME == 0)
        self._store(rows[whole], due[whole])
        for i in np.flatnonzero(~late & ~whole).tolist():
            self._spread(m, int(rows[i]), int(offset[i]), int(length[i]))

    def _jumped(self, m: int, rows: Rows) -> Flags:
        """Timestamps that leapt ahead, or a stream of which nothing is usable for a
        while."""
        columns, ledger = self.columns, self.columns.ledger
        offset = (columns.rx32[rows, 1].astype(np.uint32) - ledger.base[rows]).view(np.int32)
        early = ledger.c[rows] + PHASES * (offset // FRAME) - m
        jumped: Flags = (early > FAR) | (self._astray[rows] >= ASTRAY)
        return jumped

    def _too_late(self, rows: Rows, due: Sizes) -> None:
        """A packet behind its time. One that is a copy of a frame already played is nobody's fault."""
        cell = due // PHASES % SLOTS * self.columns.rows + rows
        late = rows[(self._due[cell] != due) | (self._state[cell] != VOICE)]
        if len(late):
            self.columns.ledger.late[late] += 1
            self._astray[late] += 1
            self._any_astray = True
            self.late.append(late)

    def _spread(self, m: int, row: int, offset: int, length: int) -> None:
        """A packet that does not fill exactly one cell: its octets go where their time is."""
        columns, ledger = self.columns, self.columns.ledger
        if offset % FRAME or length % FRAME:
            self._odd[row] = self._any_odd = True
        self._ahead[row] = max(int(self._ahead[row]), offset + length)
        done = 0
        first = None
        while done < length:
            place, inside = divmod(offset + done, FRAME)
            part = min(FRAME - inside, length - done)
            due = int(ledger.c[row]) + PHASES * place
            if due >= m:
                first = due if first is None else first
                cell = self._open_cell(row, due)
                octets = columns.rx[row, HEADER + done : HEADER + done + part]
                self._cells[cell, inside : inside + part] = octets
            done += part
        if first is not None:
            columns.last_due[row] = first
            self._astray[row] = 0

    def _open_cell(self, row: int, due: int) -> int:
        ledger = self.columns.ledger
        cell = due // PHASES % SLOTS * self.columns.rows + row
        if self._due[cell] != due or self._state[cell] != VOICE:
            self._cells[cell] = SILENCE[ledger.codec[row]]
            one = slice(row, row + 1)
            self._tags[cell, 1] = mark(ledger.owner[one], ledger.codec[one], VOICE)[0]
            self._tags[cell, 0] = due
            self._early = max(self._early, due)
        return cell

    def rebase(self, rows: Rows, frames: Sizes) -> None:
        """`base` moved on by so many frames."""
        self._ahead[rows] -= frames * FRAME

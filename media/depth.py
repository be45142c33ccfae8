"""How deep the jitter buffer is: one number per row, `c`, that says when a frame is due.

The frame at RTP timestamp t is due at phase c + 4 * ((t - base) // 160): read, published and sent in that
one phase.
One step of c is 5 ms of depth. It grows when packets come late twice within five seconds or hardly in time,
shrinks when
all packets of some five seconds lay waiting; that is also all there is to clock drift.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media.columns import NEVER, Columns, Rows
from media.g711 import FRAME, RATE
from media.ledger import I64, PHASES, SHIFTS, SLOTS, STEP, STRETCHED, expected
from media.reception import Reception
from media.wire import Wire

GUARD: Final = 2_000_000
"""Nanoseconds from a packet's arrival to the phase that plays it, at least, when a stream begins."""
SAMPLE: Final = 64
"""One row in so many asks for its packet's arrival in each tick."""
WINDOW: Final = 4
"""Samples over which the least slack is taken: some five seconds."""
SECOND_LATE: Final = 250 * PHASES
"""Phases within which a second late tick makes a row deeper: 5 s."""
SLEEPY: Final = 50 * PHASES
"""Phases without a packet after which a row is only watched: 1 s."""
_DEEP: Final = 60_000_000
"""Slack from which a whole frame is dropped at a time."""
_REBASE: Final = 16_384
"""Ticks between renewals of `base`, so that timestamps never wrap past it."""
_LEAST: Final = GUARD // 3
_PLENTY: Final = GUARD + STEP + 1_000_000


class Depth:
    """`offset` is this worker's part of the spread of grids, in nanoseconds."""

    def __init__(self, columns: Columns, wire: Wire, offset: int) -> None:
        self.columns = columns
        self.wire = wire
        self.epoch = columns.ledger.epoch + offset
        rows = columns.rows
        self.amnesty = NEVER
        """Late packets before this phase are our own fault."""
        self.reception: Reception
        self._samples = np.zeros(rows, np.int16)
        self._least = np.full(rows, 1 << 60, np.int64)
        self._last_late = np.full(rows, NEVER, np.int64)
        self._moves: list[tuple[int, int, int]] = []

    def arrivals(self, rows: Rows) -> I64:
        """Nanoseconds since phase 0 at which the last packet read on each row arrived; below 0 when not
        known."""
        sockets = self.columns.sockets
        return np.array(self.wire.arrivals([sockets[row] for row in rows.tolist()]), np.int64) - self.epoch

    # ------------------------------------------------------------------------------------------ a stream
    # begins

    def anchor(self, m: int, rows: Rows, lengths: I64) -> None:
        """Set the clock of each row by the packet in `rx`: the first phase at least GUARD after its
        arrival."""
        columns, ledger = self.columns, self.columns.ledger
        load, full = self._load(), self._fair_share()
        came = np.where((at := self.arrivals(rows)) < 0, m * STEP, at)
        for row, length, arrived in zip(rows.tolist(), lengths.tolist(), came.tolist(), strict=True):
            before = int(ledger.c[row])
            incomplete = FRAME - math.gcd(FRAME, length)
            ripe = arrived + GUARD + incomplete * 1_000_000_000 // RATE
            c = max(-(-ripe // STEP), m - SLOTS * PHASES)
            c += next((d for d in range(PHASES) if load[(c + d) % PHASES] < full), 0)
            load[c % PHASES] += 1
            self._begin(row, c)
            columns.heard_in(before, c)

    def _begin(self, row: int, c: int) -> None:
        columns, ledger = self.columns, self.columns.ledger
        words = columns.rx32[row]
        if not ledger.anchored[row] or ledger.heard[row] != words[2]:
            if ledger.received[row]:
                past = int(ledger.past_expected[row]) + expected(ledger, row)
                ledger.past_expected[row] = past & 0xFFFFFFFF
                ledger.past_received[row] += ledger.received[row]
            ledger.heard[row] = words[2]
            ledger.first_seq[row] = columns.rx16[row, 1]
            ledger.received[row] = 0
            ledger.jitter[row] = 0
        ledger.high_seq[row] = (int(ledger.high_seq[row]) & 0xFFFF0000) | int(columns.rx16[row, 1])
        if not ledger.received[row]:
            ledger.high_seq[row] = columns.rx16[row, 1]
        ledger.base[row] = words[1]
        ledger.c[row] = c
        ledger.anchored[row] = 1
        self._moves = [move for move in self._moves if move[1] != row]
        self.forget(row)
        self.reception.forget(row)

    def forget(self, row: int) -> None:
        """Nothing measured of the row before holds any more."""
        self._samples[row] = 0
        self._least[row] = 1 << 60
        self._last_late[row] = NEVER
        self._moves = [move for move in self._moves if move[1] != row]

    def _load(self) -> I64:
        ledger = self.columns.ledger
        return np.bincount(ledger.c[ledger.anchored != 0] % PHASES, minlength=PHASES)

    def _fair_share(self) -> float:
        """Rows a phase may have before newcomers go to the next, counting those who have yet to speak."""
        return 1.25 * np.count_nonzero(self.columns.ledger.aimed) / PHASES + 8

    # ------------------------------------------------------------------------------------------ every phase

    def measure(self, m: int, rows: Rows) -> None:
        """Look at lateness, and at the slack of a few of the rows just read."""
        self._late(m)
        tick = m // PHASES
        asked = rows[(rows + tick) % SAMPLE == 0]
        if len(asked):
            self._sample(m, asked)
        if self._moves:
            self._shift(m)
        if m % (_REBASE * PHASES) == 0:
            self._rebase(m)

    def _late(self, m: int) -> None:
        if not self.reception.late:
            return
        ledger = self.columns.ledger
        rows = np.unique(np.concatenate(self.reception.late))
        self.reception.late.clear()
        if m < self.amnesty:
            return
        self.columns.counts.late += len(rows)
        rows = rows[ledger.c[rows] % PHASES == m % PHASES]
        again = rows[m - self._last_late[rows] < SECOND_LATE]
        self._last_late[rows] = m
        self._move(m, again.tolist(), 1)

    def _sample(self, m: int, rows: Rows) -> None:
        columns, ledger = self.columns, self.columns.ledger
        heard = columns.last_due[rows] >= m - PHASES
        for row in rows[~heard].tolist():
            excused = max(columns.keyed_until[row], columns.noise_until[row])
            if max(columns.last_due[row], excused) < m - SLEEPY:
                self._sleep(row)
        rows = rows[heard]
        arrived = self.arrivals(rows)
        rows, arrived = rows[arrived > 0], arrived[arrived > 0]
        slack = columns.last_due[rows] * STEP - arrived
        moved = np.abs(slack - ledger.slack[rows]) * (RATE / 1e9)
        ledger.jitter[rows] += (moved - ledger.jitter[rows]) / 16
        ledger.slack[rows] = slack
        self._samples[rows] += 1
        least = self._least[rows] = np.minimum(self._least[rows], slack)
        self._weigh(m, rows, least)

    def _weigh(self, m: int, rows: Rows, least: I64) -> None:
        """Deeper at once when there is hardly any slack; shallower when there was too much for a whole
        window."""
        self._move(m, rows[least < _LEAST].tolist(), 1)
        full = (self._samples[rows] >= WINDOW) & (least >= _LEAST)
        self._move(m, rows[full & (least > _DEEP)].tolist(), -PHASES)
        self._move(m, rows[full & (least > _PLENTY) & (least <= _DEEP)].tolist(), -1)
        self._samples[rows[full]], self._least[rows[full]] = 0, 1 << 60

    def _sleep(self, row: int) -> None:
        """Nothing has come for a while: leave the row to epoll. Whatever comes next is a new beginning."""
        columns = self.columns
        columns.awake[row] = False
        columns.ledger.anchored[row] = 0
        columns.heard_in(int(columns.ledger.c[row]))
        self.wire.watch(columns.sockets[row], row)

    # ------------------------------------------------------------------------------------------ moves

    def _move(self, m: int, rows: list[int], by: int) -> None:
        """Ask for more or less depth. A phase that has its fair share of rows is passed over.

        A row that moves to a later phase does so only after that phase, or it would run twice in one tick.
        """
        if not rows:
            return
        ledger = self.columns.ledger
        load, full = self._load(), self._fair_share()
        pending = {move[1] for move in self._moves}
        for row in rows:
            self._least[row] = 1 << 60
            self._samples[row] = -3 * WINDOW if by > 0 else 0
            if row in pending:
                continue
            tries = range(1, PHASES) if by > 0 else (by,)
            step = next((d for d in tries if load[(ledger.c[row] + d) % PHASES] < full), max(by, 0))
            if step:
                self._moves.append((m + max(step, 0), row, step))

    def _shift(self, m: int) -> None:
        ripe = [move for move in self._moves if move[0] <= m]
        self._moves = [move for move in self._moves if move[0] > m]
        for _, row, step in ripe:
            self._shift_row(m, row, step)

    def _shift_row(self, m: int, row: int, step: int) -> None:
        """Change a row's depth, and take along the cells filled for later."""
        columns, ledger = self.columns, self.columns.ledger
        before = int(ledger.c[row])
        ledger.c[row] = before + step
        columns.heard_in(before, before + step)
        columns.counts.deeper += step > 0
        columns.counts.shallower += step < 0
        old = np.flatnonzero(ledger.due[:, row] > m)
        due = ledger.due[old, row] + step
        ring: tuple[NDArray[Any], ...] = (ledger.frame, ledger.gen, ledger.law, ledger.state)
        cells = [column[old, row].copy() for column in ring]
        ledger.due[old, row] = -1
        kept = due > m
        new = due[kept] // PHASES % SLOTS
        for column, values in zip(ring, cells, strict=True):
            column[new, row] = values[kept]
        ledger.due[new, row] = due[kept]
        if before // PHASES != (before + step) // PHASES:
            ledger.corrections[row] += 1
            if step > 0:
                self._stretch(m, row)

    def _stretch(self, m: int, row: int) -> None:
        """The row leaves out a tick: say the frame before once more, for those who go by ticks."""
        ledger = self.columns.ledger
        last = int(self.columns.last_due[row]) // PHASES
        if last * PHASES < m - 2 * PHASES or ledger.due[(last + 1) % SLOTS, row] > m:
            return
        here, there = last % SLOTS, (last + 1) % SLOTS
        for column in (ledger.frame, ledger.gen, ledger.law):
            column[there, row] = column[here, row]
        ledger.state[there, row] = STRETCHED
        ledger.due[there, row] = (last + 1) * PHASES + PHASES - 1

    def _rebase(self, m: int) -> None:
        ledger = self.columns.ledger
        rows = np.flatnonzero(ledger.anchored != 0)
        frames = (m - ledger.c[rows]) // PHASES
        ledger.base[rows] += (frames * FRAME).astype(np.uint32)
        ledger.c[rows] += frames * PHASES
        self.reception.rebase(rows, frames)
        ledger.head[SHIFTS] += 1

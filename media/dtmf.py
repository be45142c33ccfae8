"""DTMF keys, once per press: RFC 4733 events, and tones in the voice (ITU-T Q.23, Q.24)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.columns import HEADER, NEVER, Columns, Rows
from media.g711 import FRAME, RATE, ULAW, decode_pairs
from media.ledger import PHASES, SLOTS, STEP

KEYS: Final = "0123456789*#ABCD"
"""By RFC 4733 event number (section 3.2)."""
GRID: Final = "123A456B789C*0#D"
"""By row and column of the keypad."""

Report = Callable[[int, str, int], None]
"""(row, key, milliseconds)"""
Began = Callable[[int, str], bool]
"""(row, key) as soon as a press is known; True when it has done its work and is not to be reported."""

_LOST_END: Final = 20 * PHASES
"""Phases after the last event packet at which a press whose end never came is over: 400 ms."""
_ECHO: Final = 40 * PHASES
"""Phases in which the same key by the other way is the same press."""


class Events:
    """RFC 4733 presses. A press is known by its timestamp, however often and in whatever order its packets
    come."""

    def __init__(self, columns: Columns, report: Report, began: Began) -> None:
        self.columns = columns
        self.report = report
        self.began = began
        rows = columns.rows
        self.seen = np.full(rows, NEVER, np.int64)
        """Phase of the last event packet."""
        self._live: dict[int, tuple[int, int, int, bool]] = {}
        """Row -> event, timestamp and duration of the press that goes on, and whether it has done its work."""
        self._done = np.zeros(rows, np.uint32)
        self._any_done = np.zeros(rows, bool)
        self._tone = np.full(rows, NEVER, np.int64)
        self._tone_key = np.full(rows, -1, np.int8)

    def forget(self, row: int) -> None:
        self._live.pop(row, None)
        self._any_done[row] = False
        self.seen[row] = self._tone[row] = NEVER

    def toned(self, m: int, row: int, key: str) -> None:
        """A tone has done its work: its event, if one comes yet, is the same press."""
        self._tone[row] = m
        self._tone_key[row] = KEYS.index(key)

    def packets(self, m: int, rows: Rows) -> None:
        """Event packets that lie in `rx`."""
        for row in rows.tolist():
            self._packet(m, row)

    def _packet(self, m: int, row: int) -> None:
        columns = self.columns
        event, flags, high, low = columns.rx[row, HEADER : HEADER + 4].tolist()
        stamp = int(columns.rx32[row, 1])
        self.seen[row] = m
        columns.keyed_until[row] = max(int(columns.keyed_until[row]), m + 4 * PHASES)
        before = int(columns.last_due[row])
        columns.last_due[row] = max(before, m - PHASES)
        if columns.noise_after[row] == before:  # a key does not end comfort noise
            columns.noise_after[row] = columns.last_due[row]
        if event >= len(KEYS) or self._is_past(row, stamp):
            return
        live = self._live.get(row)
        if live is not None and live[1] != stamp:
            if (stamp - live[1]) & 0x80000000:
                return  # reordered: of the press before
            self._end(m, row)
            live = None
        taken = live[3] if live else self._is_toned(m, row, event) or self.began(row, KEYS[event])
        duration = max(high << 8 | low, live[2] if live else 0)
        self._live[row] = event, stamp, duration, taken
        if flags & 0x80:
            self._end(m, row)

    def _is_past(self, row: int, stamp: int) -> bool:
        """True for packets of a press that was reported, or of one before it; a far older timestamp is a new
        stream."""
        if not self._any_done[row]:
            return False
        behind = (int(self._done[row]) - stamp) & 0xFFFFFFFF
        return behind < 10 * RATE

    def _end(self, m: int, row: int) -> None:
        event, stamp, duration, taken = self._live.pop(row)
        self._done[row], self._any_done[row] = stamp, True
        if not taken and not self._is_toned(m, row, event):
            self.report(row, KEYS[event], duration * 1000 // RATE)

    def _is_toned(self, m: int, row: int, event: int) -> bool:
        """Whether the same key was just heard as a tone."""
        return bool(self._tone_key[row] == event and m - self._tone[row] < _ECHO)

    def expire(self, m: int) -> None:
        """Once a tick: presses whose end packets were all lost."""
        for row in [row for row in self._live if self.seen[row] < m - _LOST_END]:
            self._end(m, row)


class Tones:
    """In-band keys on all rows of a phase as one matrix product: two like frames begin a press, two others
    end it.

    Against talk-off: both tones of the pair hold most of the energy of the frame (a tone 1.5 % off, or one
    that fills half of it, has no more), neither is far louder than
    the other,
    and each stands out in its group.
    """

    LOUDNESS: Final = 1e8
    """Squared correlation of a tone of some -36 dBm0."""
    PURITY: Final = 0.5
    TWIST: Final = 10 ** (9 / 10)
    APART: Final = 6.0

    def __init__(self, columns: Columns, events: Events, report: Report, began: Began) -> None:
        self.columns = columns
        self.events = events
        self.report = report
        self.began = began
        rows = columns.rows
        angle = 2 * np.pi * np.array([697, 770, 852, 941, 1209, 1336, 1477, 1633]) / RATE
        turn = np.outer(np.arange(FRAME), angle)
        self._basis = np.concatenate([np.cos(turn), np.sin(turn)], 1).T.astype(np.float32, order="C")
        self._table = decode_pairs()
        self._cells = columns.frames().view("<u2")
        self._pcm = np.zeros((rows, FRAME // 2), np.complex64)
        self._last = np.full(rows, -1, np.int8)
        self._run = np.full(rows, 2, np.int8)
        self._pressed = np.full(rows, -1, np.int8)
        self._taken = np.zeros(rows, bool)
        """Rows whose present press has done its work."""
        self._hot = np.zeros(rows, bool)
        """Rows in which a tone was heard in the last two frames, or goes on."""
        self._any_hot = False
        self._since = np.zeros(rows, np.int64)

    def forget(self, row: int) -> None:
        self._last[row] = self._pressed[row] = -1
        self._run[row] = 2
        self._hot[row] = self._taken[row] = False

    def listen(self, m: int, rows: Rows) -> None:
        """Hear the frames of this phase: of every second row, and of all in which there is something.

        A row in which a tone is found has its frame before heard as well, so that nothing is missed by that.
        """
        if not len(rows):
            return
        rows = rows[((rows + m // PHASES) % 2 == 0) | self._hot[rows]]
        key = self._keys(self._linear(m, rows))
        if not self._any_hot and not (key >= 0).any():
            return
        fresh = rows[(key >= 0) & ~self._hot[rows]]
        if len(fresh):
            self._follow(m - PHASES, fresh, self._keys(self._linear(m - PHASES, fresh)))
        self._hot[rows] = False
        self._follow(m, rows, key)
        self._any_hot = bool(self._hot.any())

    def _follow(self, m: int, rows: Rows, key: NDArray[np.int8]) -> None:
        """Two like frames change what is pressed."""
        run = np.where(key == self._last[rows], np.minimum(self._run[rows] + 1, 100), 1).astype(np.int8)
        settled = (run >= 2) & (key != self._pressed[rows])
        self._last[rows], self._run[rows] = key, run
        for i in np.flatnonzero(settled).tolist():
            self._change(m, int(rows[i]), int(key[i]))
        self._hot[rows] = (key >= 0) | (self._pressed[rows] >= 0) | (run < 2)

    def _linear(self, m: int, rows: Rows) -> NDArray[np.float32]:
        columns = self.columns
        cells = self._cells.take(m // PHASES % SLOTS * columns.rows + rows, axis=0)
        pcm = self._pcm[: len(rows)]
        codec = columns.ledger.codec[rows]
        np.take(self._table[ULAW], cells, out=pcm, mode="clip")
        other = np.flatnonzero(codec != ULAW)
        if len(other):
            pcm[other] = self._table[1].take(cells[other])
        return pcm.view(np.float32)

    def _keys(self, pcm: NDArray[np.float32]) -> NDArray[np.int8]:
        """Per row the index in GRID, or -1."""
        correlated = self._basis @ pcm.T
        correlated *= correlated
        power = correlated[:8] + correlated[8:]
        low, high = power[:4].max(0), power[4:].max(0)
        keys = np.full(len(pcm), -1, np.int8)
        maybe = np.flatnonzero((low > self.LOUDNESS) & (high > self.LOUDNESS))
        if len(maybe):
            energy = np.einsum("ij,ij->i", pcm[maybe], pcm[maybe])
            maybe = maybe[low[maybe] + high[maybe] > self.PURITY * FRAME / 2 * energy]
        if len(maybe):
            keys[maybe] = self._pick(power[:, maybe].T, low[maybe], high[maybe])
        return keys

    def _pick(
        self, power: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
    ) -> NDArray[np.int8]:
        ranked_low, ranked_high = np.sort(power[:, :4], 1), np.sort(power[:, 4:], 1)
        good = (low < self.TWIST * high) & (high < self.TWIST * low)
        good &= (ranked_low[:, 2] * self.APART < low) & (ranked_high[:, 2] * self.APART < high)
        key = power[:, :4].argmax(1) * 4 + power[:, 4:].argmax(1)
        return np.where(good, key, -1).astype(np.int8)

    def _change(self, m: int, row: int, key: int) -> None:
        """Two like frames: what was pressed is released, what they hold is pressed."""
        before = int(self._pressed[row])
        began = int(self._since[row])
        self._pressed[row] = key
        self._since[row] = m - PHASES
        if before >= 0 and self.events.seen[row] <= began - _ECHO:
            self.events.toned(m, row, GRID[before])
            if not self._taken[row]:
                self.report(row, GRID[before], (m - PHASES - began) * STEP // 1_000_000)
        self._taken[row] = key >= 0 and self._begin(m, row, GRID[key])

    def _begin(self, m: int, row: int, key: str) -> bool:
        """A press, unless it is the tone of an event; True when it has done its work."""
        if self.events.seen[row] > m - PHASES - _ECHO or not self.began(row, key):
            return False
        self.events.toned(m, row, key)
        return True

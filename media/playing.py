"""What rows are told above what they hear: clips one after the other, again at an interval, until a key is
pressed.

All of it stands in the ledger, so that a worker that takes over goes on by the clock. Python runs for a row
only where one clip ends and the next begins.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from media.columns import Columns, Rows
from media.control import Play
from media.dtmf import KEYS
from media.ledger import PHASES


class Playing:
    """`ended` is called with a row whose Play is over, its number, and the key that ended it or ""."""

    def __init__(self, columns: Columns, ended: Callable[[int, int, str], None]) -> None:
        self.columns = columns
        self.ended = ended
        self._pauses: list[tuple[int, int, int]] = []
        """Heap of (tick, row, number): the beginnings of rounds to come. One whose Play is gone is nothing."""

    # ------------------------------------------------------------------------------------------ commands

    def begin(self, row: int, play: Play) -> None:
        """Play from the row's next packet on. What it played before is over."""
        ledger = self.columns.ledger
        if ledger.play[row]:
            self._end(row)
        ledger.piece_count[row] = len(play.pieces)
        ledger.pieces[row, : len(play.pieces)] = play.pieces
        ledger.play[row], ledger.play_from[row], ledger.play_keys[row] = play.number, -1, play.keys
        ledger.play_every[row], ledger.play_left[row] = play.every, play.times
        self._sound(row)

    def stop(self, row: int, number: int) -> None:
        """No more of that Play, and nobody is told."""
        if self.columns.ledger.play[row] == number:
            self._hush(row)

    def key(self, row: int, key: str) -> bool:
        """A key goes down: True when that ended what the row played."""
        ledger = self.columns.ledger
        if not ledger.play[row] or not ledger.play_keys[row] >> KEYS.index(key) & 1:
            return False
        self._end(row, key)
        return True

    def resume(self, row: int, tick: int) -> None:
        """Another worker played it until some ticks before this one."""
        ledger = self.columns.ledger
        if ledger.clip[row]:
            self._advance(row, tick - 1)
        elif ledger.play[row]:
            heapq.heappush(self._pauses, (int(ledger.play_next[row]), row, int(ledger.play[row])))

    # ------------------------------------------------------------------------------------------ every tick

    def wake(self, tick: int) -> None:
        """Begin the rounds whose time has come."""
        ledger = self.columns.ledger
        while self._pauses and self._pauses[0][0] <= tick:
            due, row, number = heapq.heappop(self._pauses)
            if ledger.play[row] == number and not ledger.clip[row] and ledger.play_next[row] == due:
                self._sound(row)

    def frames(self, m: int, rows: Rows) -> NDArray[np.void]:
        """What each of these rows sends in phase `m`; a clip counts from the tick of its first packet."""
        ledger, arena, tick = self.columns.ledger, self.columns.arena, m // PHASES
        self._started(rows, tick)
        inside = np.minimum(tick - ledger.clip_from[rows], ledger.clip_len[rows] - 1)
        at = ledger.codec[rows] * np.int64(arena.capacity) + ledger.clip_at[rows] + inside
        frames: NDArray[np.void] = self.columns.sounds[at]
        return frames

    def turn(self, m: int, rows: Rows) -> None:
        """After the frames of phase `m` were sent: go on where one was its clip's last."""
        ledger, tick = self.columns.ledger, m // PHASES
        for row in rows[tick - ledger.clip_from[rows] >= ledger.clip_len[rows] - 1].tolist():
            self._advance(row, tick)

    def overdue(self, m: int) -> None:
        """Rows that send nothing just now (on hold) are told the same by the clock, and unheard."""
        ledger, tick = self.columns.ledger, m // PHASES
        mute = np.flatnonzero((ledger.clip != 0) & (ledger.sends == 0) & (ledger.aimed != 0))
        if len(mute):
            self._started(mute, tick)
            self.turn(m, mute)

    def _started(self, rows: Rows, tick: int) -> None:
        ledger = self.columns.ledger
        fresh = rows[ledger.clip_from[rows] < 0]
        if len(fresh):
            ledger.clip_from[fresh] = tick
            ledger.play_from[fresh[ledger.play_from[fresh] < 0]] = tick

    # ------------------------------------------------------------------------------------------ one row

    def _sound(self, row: int) -> None:
        """A round begins with the row's next packet."""
        ledger = self.columns.ledger
        self._take(row, 0, -1)
        ledger.clip[row] = ledger.play[row]
        self.columns.spoken_to(row)

    def _take(self, row: int, piece: int, first: int) -> None:
        """That clip of the list is next; its first frame is that of tick `first`."""
        ledger = self.columns.ledger
        ledger.piece[row], ledger.clip_from[row] = piece, first
        ledger.clip_at[row], ledger.clip_len[row] = ledger.pieces[row, piece]

    def _advance(self, row: int, tick: int) -> None:
        """Go on to the clip that is due after `tick`, in the same packet beat: nothing is heard between two."""
        ledger = self.columns.ledger
        while ledger.clip[row] and 0 <= ledger.clip_from[row] <= tick + 1 - ledger.clip_len[row]:
            end, piece = int(ledger.clip_from[row] + ledger.clip_len[row]), int(ledger.piece[row]) + 1
            if piece < ledger.piece_count[row]:
                self._take(row, piece, end)
            else:
                self._repeat(row, end)

    def _repeat(self, row: int, end: int) -> None:
        """A round is over with the tick before `end`: the next one now, later, or never."""
        ledger = self.columns.ledger
        left, every = int(ledger.play_left[row]), int(ledger.play_every[row])
        if left == 1:
            self._end(row)
            return
        ledger.play_left[row] = max(left - 1, 0)
        first = int(ledger.play_from[row])
        begins = first - (first - end) // every * every if every else end
        if begins == end:
            self._take(row, 0, end)
        else:
            self._pause(row, begins)

    def _pause(self, row: int, until: int) -> None:
        """What lies under the clips is heard until then."""
        ledger = self.columns.ledger
        ledger.clip[row], ledger.play_next[row] = 0, until
        heapq.heappush(self._pauses, (until, row, int(ledger.play[row])))
        self.columns.spoken_to(row)

    def _end(self, row: int, key: str = "") -> None:
        number = int(self.columns.ledger.play[row])
        self._hush(row)
        self.ended(row, number, key)

    def _hush(self, row: int) -> None:
        ledger = self.columns.ledger
        ledger.play[row] = ledger.clip[row] = 0
        self.columns.spoken_to(row)

"""Comfort noise (RFC 3389): a party that falls silent on purpose names a level, and is heard as noise of that
level until it speaks again.

The noise is white: what a packet says of its spectrum is left out, as RFC 3389 section 4 allows. We send none of
our own: every row sends in every tick, so that a listener's phone never has to guess, and silence is silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.columns import HEADER, NEVER, Columns, Rows
from media.g711 import ALAW, DECODE, FRAME, ULAW, encode
from media.ledger import PHASES

COMFORT_NOISE: Final = 13
"""Static payload type (RFC 3551)."""
LASTS: Final = 3000 * PHASES
"""Phases for which one packet holds: a minute. Senders repeat it far more often, or have gone away."""
LOUDEST: Final = 127
"""Levels are 0 to 127 dB below overload, a square wave at the largest amplitude of the law."""
_STEP: Final = 2
"""Decibels from one level of the table to the next."""
_FRAMES: Final = 32
"""Frames of each level, picked at random, so that no rhythm is heard."""


def _table() -> NDArray[np.uint8]:
    """[(law * levels + level) * frames + frame][byte]"""
    white = np.random.default_rng(3389).standard_normal(_FRAMES * FRAME)
    levels = 10.0 ** (-np.arange(0, LOUDEST + 1, _STEP) / 20)
    sound = np.clip(np.outer(levels, white), -1, 1).ravel()
    laws = [encode((sound * DECODE[law].max()).astype(np.int16), law) for law in (ULAW, ALAW)]
    return np.concatenate(laws).reshape(-1, FRAME)


_LEVELS: Final = LOUDEST // _STEP + 1
_NOISE: Final = _table()


class ComfortNoise:
    """`anchor` sets the clock of rows whose stream begins in silence."""

    def __init__(self, columns: Columns, anchor: Callable[[int, Rows, NDArray[np.int64]], None]) -> None:
        self.columns = columns
        self.anchor = anchor
        self._level = np.zeros(columns.rows, np.int64)
        self._latest = NEVER
        """Up to this phase some row may be noise."""

    def packets(self, m: int, rows: Rows, sizes: NDArray[np.int64]) -> None:
        """Packets that lie in `rx`. One that speech has overtaken says nothing any more."""
        columns, ledger = self.columns, self.columns.ledger
        new = (ledger.anchored[rows] == 0) | (columns.rx32[rows, 2] != ledger.heard[rows])
        seq = columns.rx16[rows, 1].astype(np.uint16)
        ahead = (seq - ledger.high_seq[rows].astype(np.uint16)).view(np.int16)
        fresh = new | (ahead > 0)
        if new.any():
            self.anchor(m, rows[new], np.full(int(new.sum()), FRAME))
        told = columns.rx[rows, HEADER].astype(np.int64) & LOUDEST
        level = np.where(sizes > HEADER, told, LOUDEST)[fresh]
        rows = rows[fresh]
        self._level[rows] = level // _STEP
        columns.noise_after[rows] = columns.last_due[rows]
        columns.noise_until[rows] = self._latest = m + LASTS

    def heard(self, m: int, rows: Rows) -> NDArray[np.bool_]:
        """Which of these rows, that have no frame in phase `m`, are noise in it."""
        columns = self.columns
        if m > self._latest:
            return np.zeros(len(rows), bool)
        silent: NDArray[np.bool_] = columns.noise_after[rows] == columns.last_due[rows]
        silent &= columns.noise_until[rows] >= m
        return silent

    def frames(self, m: int, rows: Rows) -> NDArray[np.uint8]:
        """A frame for each, of its level and law."""
        law = self.columns.ledger.codec[rows].astype(np.int64)
        pick = (m // PHASES * 2_654_435_761 + rows * 40_503 >> 7) % _FRAMES
        return _NOISE[(law * _LEVELS + self._level[rows]) * _FRAMES + pick]

"""Mixing: what several parties said, as one sound; all rows that send in a phase at once.

G.711 has 14 bits at most, so sums are made of quarters of the 16-bit samples. A sum up to `LINEAR` of full scale
is kept as it is; above, it is bent towards full scale, so that loud parties neither wrap around nor crackle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.g711 import ALAW, DECODE, ENCODE, FRAME, SILENCE, ULAW, Bytes
from media.ledger import PHASES, SLOTS, U32, Ledger
from media.sets import Rows, Summands

LINEAR: Final = 24_000
"""Amplitude up to which a sum is heard as it is: 2.7 dB below full scale."""
FULL: Final = 32_124
"""What no sum exceeds: the peak of u-law."""
_LAW: Final = np.uint64(0xFF << 32)
_ZERO: Final = 1 << 15
"""Place of the sum 0 in the tables below; sums beyond their ends are held to them."""


def _decode_pairs(law: int) -> U32:
    """Two octets as a little-endian word -> two quartered samples; digital silence is 0 in both laws."""
    quarter = DECODE[law] // 4
    quarter[SILENCE[law]] = 0
    both = np.arange(1 << 16, dtype="<u2").view(np.uint8).reshape(-1, 2)
    pairs: U32 = quarter.astype("<i2")[both].view(np.uint32).ravel()
    return pairs


def limited(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of 16-bit samples, bent so that none exceeds FULL."""
    size, room = np.abs(sums), FULL - LINEAR
    bent = LINEAR + room * np.tanh(np.maximum(size - LINEAR, 0) / room)
    return np.where(size > LINEAR, np.copysign(bent, sums), sums)


def _encode_sums(law: int) -> Bytes:
    """Quartered sum + _ZERO -> octet."""
    levels = limited(4 * np.arange(-_ZERO, _ZERO, dtype=np.float64)).round().astype(np.int16)
    table: Bytes = ENCODE[law][levels.view(np.uint16)]
    table[_ZERO] = SILENCE[law]
    return table


_DECODE: Final = (_decode_pairs(ULAW), _decode_pairs(ALAW))
_ENCODE: Final = (_encode_sums(ULAW), _encode_sums(ALAW))


class Taken(NamedTuple):
    """Parts of a blend whose frames are in the ledger of one worker."""

    ledger: Ledger
    lag: int
    at: Rows
    """Their places among all parts."""
    rows: Rows
    want: U32
    """Generations."""
    into: U32
    """Their samples."""


class Block(NamedTuple):
    """Sets of one size."""

    first: int
    last: int
    """Of the sets."""
    begin: int
    end: int
    """Of their parts."""
    size: int


class Blend:
    """The rows that hear a mix and send in one phase, and what has to be added up for them."""

    def __init__(self, ledgers: Sequence[Ledger], me: int, rows: Rows) -> None:
        codec = ledgers[me].codec
        rows = rows[np.argsort(codec[rows], kind="stable")]
        self.rows = rows
        """u-law first."""
        self._ulaw = int((codec[rows] == ULAW).sum())
        what = self._what = Summands(ledgers, me, rows)
        self._blocks = _blocks(what.sizes)
        self._words = np.zeros((len(what.parts) + 1, FRAME // 2), np.uint32)
        """[part]: its samples, two to a word; the last row is silence, for those who are in no part."""
        self._samples = self._words.view(np.int16)
        self._taken = [self._take(worker, at) for worker, at in what.by_worker()]
        self._sums = np.empty((len(what.sizes), FRAME), np.int32)
        self._octets = np.empty((len(rows), FRAME), np.uint8)
        self._frames: NDArray[np.void] = self._octets.view(f"V{FRAME}")[:, 0]

    def _take(self, worker: int, at: Rows) -> Taken:
        what, whole = self._what, len(at) == len(self._what.parts)
        into = self._words[:-1] if whole else np.empty((len(at), FRAME // 2), np.uint32)
        _, rows, generations = what.parts[at].T
        want = generations.astype(np.uint32)
        return Taken(what.ledgers[worker], what.lag(worker), at, rows.copy(), want, into)

    def frames(self, m: int) -> NDArray[np.void]:
        """The frame that each of `rows` sends in phase `m`."""
        for taken in self._taken:
            self._decode(m, taken)
        for block in self._blocks:
            voices = self._samples[block.begin : block.end]
            voices = voices.reshape(block.last - block.first, block.size, FRAME)
            sums = self._sums[block.first : block.last]
            np.sum(voices, axis=1, dtype=np.int32, out=sums, initial=_ZERO)
        heard = self._sums.take(self._what.which, axis=0) - self._samples.take(self._what.own, axis=0)
        np.take(_ENCODE[ULAW], heard[: self._ulaw], out=self._octets[: self._ulaw], mode="clip")
        np.take(_ENCODE[ALAW], heard[self._ulaw :], out=self._octets[self._ulaw :], mode="clip")
        return self._frames

    def _decode(self, m: int, taken: Taken) -> None:
        """The newest frame of each part that could be had by now, which is one more with every tick.

        A party whose clock was just set back has none that is new: its last one is heard once more.
        """
        ledger, now = taken.ledger, m - taken.lag
        tick = now // PHASES
        cell = tick % SLOTS * ledger.rows + taken.rows
        tags = ledger.marks[cell].view(np.uint64).reshape(-1, 2)
        older = np.flatnonzero(tags[:, 0] - np.uint64(tick * PHASES) > now % PHASES)
        if len(older):
            cell[older] = (tick - 1) % SLOTS * ledger.rows + taken.rows[older]
            tags[older] = ledger.marks[cell[older]].view(np.uint64).reshape(-1, 2)
            tags[older[tags[older, 0] // PHASES != tick - 1]] = 0
        _linear(ledger.cells[cell].view("<u2").reshape(-1, FRAME // 2), tags[:, 1], taken.want, taken.into)
        if taken.into.base is not self._words:
            self._words[taken.at] = taken.into


def _linear(words: NDArray[np.uint16], tags: NDArray[np.uint64], want: U32, into: U32) -> None:
    """Samples of frames in the laws of their tags; silence where a frame is not of the generation wanted."""
    alaw = tags & _LAW == ALAW << 32
    np.take(_DECODE[ALAW if alaw.all() else ULAW], words, out=into, mode="clip")
    if alaw.any() and not alaw.all():
        into[alaw] = _DECODE[ALAW].take(words[alaw])
    there = tags.astype(np.uint32) == want
    if not there.all():
        into[~there] = 0


def _blocks(sizes: Rows) -> list[Block]:
    """Runs of equal size in an ascending list."""
    blocks, begin = [], 0
    for size in np.unique(sizes).tolist():
        first, last = np.searchsorted(sizes, [size, size + 1]).tolist()
        end = begin + size * (last - first)
        blocks.append(Block(first, last, begin, end, size))
        begin = end
    return blocks

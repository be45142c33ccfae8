"""The sets of parties whose sum somebody hears, and the phase in which a row that hears one had best send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.control import MOST, RowRef
from media.ledger import I64, MIX, PHASES, Ledger

Rows = NDArray[np.intp]
Key = tuple[tuple[int, int, int], ...]


class Summands:
    """Who is in the sets that some rows hear, set after set, those of one size together.

    A conference of n is n frames to add up and n to take out again, not n * (n - 1).
    """

    def __init__(self, ledgers: Sequence[Ledger], me: int, rows: Rows) -> None:
        ledger = ledgers[me]
        sets, which = np.unique(ledger.mix[rows], return_inverse=True)
        by_size = np.argsort(ledger.parts_n[sets], kind="stable")
        sets = sets[by_size]
        self.ledgers, self.me, self.rows = ledgers, me, rows
        self.sizes = ledger.parts_n[sets].astype(np.intp)
        """Parts of each set."""
        self.which: Rows = np.argsort(by_size)[which]
        """Set of each row."""
        self.parts = ledger.parts[sets][np.arange(MOST) < self.sizes[:, None]].astype(np.intp)
        """[part]: worker, row, generation."""
        self.owner: Rows = np.repeat(np.arange(len(sets)), self.sizes)
        """Set of each part."""
        self.own = self._own(ledger)
        """Part that is the row itself; one past the last when it is in no part of its set."""

    def _own(self, ledger: Ledger) -> Rows:
        worker, row, generation = self.parts.T
        ours = np.flatnonzero(worker == self.me)
        ours = ours[ledger.owner[row[ours]] == generation[ours]]
        keys = self.owner[ours] * ledger.rows + row[ours]
        order = np.argsort(keys)
        wanted = self.which * ledger.rows + self.rows
        ranked = np.append(keys[order], -1)
        place = np.searchsorted(ranked[:-1], wanted)
        part = np.append(ours[order], 0)[place]
        return np.where(ranked[place] == wanted, part, len(self.parts))

    def by_worker(self) -> list[tuple[int, Rows]]:
        """Parts that sit on each worker."""
        workers = self.parts[:, 0]
        return [(worker, np.flatnonzero(workers == worker)) for worker in np.unique(workers).tolist()]

    def lag(self, worker: int) -> int:
        """Workers' grids are offset by their number: a later one's frames can be had a phase after they are
        due."""
        return int(worker > self.me)

    def phases(self, kept: I64) -> I64:
        """The phase in which each row is to send, `kept` being those it has now.

        The one that lets the frame that waits longest wait least; another than now only if that is gained.
        """
        phase = np.full(len(self.parts) + 1, -1)
        for worker, at in self.by_worker():
            other, rows = self.ledgers[worker], self.parts[at, 1]
            live = (other.anchored[rows] != 0) & (other.owner[rows] == self.parts[at, 2])
            phase[at[live]] = (other.c[rows[live]] + self.lag(worker)) % PHASES
        live = np.flatnonzero(phase[:-1] >= 0)
        seen = np.bincount(self.owner[live] * PHASES + phase[live], minlength=PHASES * len(self.sizes))
        others = seen.reshape(-1, PHASES)[self.which]
        speaks = np.flatnonzero(phase[self.own] >= 0)
        others[speaks, phase[self.own[speaks]]] -= 1
        chosen: I64 = _BEST[(others > 0) @ _BITS, kept]
        return chosen


_BITS: Final = 1 << np.arange(PHASES)


def _best() -> I64:
    """[bits of the phases in which there are frames][phase now] -> best phase."""
    best = np.empty((1 << PHASES, PHASES), np.int64)
    for bits in range(1 << PHASES):
        due = [phase for phase in range(PHASES) if bits >> phase & 1]
        waits = [max(((phase - other) % PHASES for other in due), default=0) for phase in range(PHASES)]
        for kept in range(PHASES):
            best[bits, kept] = kept if waits[kept] == min(waits) else waits.index(min(waits))
    return best


_BEST: Final = _best()


class Sets:
    """Keeps each set once in the ledger, however many rows hear it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._places: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}
        self._listeners: dict[int, int] = {}
        self._free = list(range(ledger.rows - 1, -1, -1))

    def join(self, row: int, sources: Iterable[RowRef]) -> None:
        """The row hears that set from now on."""
        self.leave(row)
        key = tuple(sorted((ref.worker, ref.row, ref.generation) for ref in set(sources)))
        place = self._places.get(key)
        if place is None:
            place = self._free.pop()
            self._write(place, key)
        self._count(place, key)
        self.ledger.mix[row], self.ledger.kind[row] = place, MIX

    def leave(self, row: int) -> None:
        """The row hears no set any more, if it did; what it hears instead is for the caller to write."""
        place = int(self.ledger.mix[row])
        if self.ledger.kind[row] != MIX:
            return
        self._listeners[place] -= 1
        if not self._listeners[place]:
            del self._listeners[place], self._places[self._keys.pop(place)]
            self._free.append(place)

    def restore(self, row: int) -> None:
        """Go on with what a worker that died wrote of a row."""
        ledger, place = self.ledger, int(self.ledger.mix[row])
        if ledger.kind[row] != MIX:
            return
        if place in self._free:
            self._free.remove(place)
        parts = ledger.parts[place, : ledger.parts_n[place]].tolist()
        self._count(place, tuple((worker, seat, generation) for worker, seat, generation in parts))

    def _write(self, place: int, key: Key) -> None:
        """The count comes last: whoever takes over in between finds an empty set, and the command again."""
        ledger = self.ledger
        ledger.parts_n[place] = 0
        ledger.parts[place, : len(key)] = key
        ledger.parts_n[place] = len(key)

    def _count(self, place: int, key: Key) -> None:
        self._places[key], self._keys[place] = place, key
        self._listeners[place] = self._listeners.get(place, 0) + 1

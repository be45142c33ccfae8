"""A ledger that a test fills by hand, and a clock that it turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from media.drain import Heard

SLOTS = 64


@dataclass(frozen=True)
class Cell:
    tick: int
    generation: int
    frame: bytes | None
    alaw: bool = False


@dataclass
class FakeRing:
    """Keeps the last 64 ticks of each row, as the shared memory does."""

    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)

    def say(self, row: int, generation: int, tick: int, frame: bytes | None, alaw: bool = False) -> None:
        """A frame played out at that tick; None is a packet that never came."""
        self.cells[row, tick % SLOTS] = Cell(tick, generation, frame, alaw)

    def heard(self, rows: Sequence[int], generations: Sequence[int], first: int, last: int) -> Heard:
        shape = (len(rows), last - first)
        frames, voice = np.zeros((*shape, 160), np.uint8), np.zeros(shape, np.bool_)
        alaw = np.zeros(shape, np.bool_)
        for i, (row, generation) in enumerate(zip(rows, generations, strict=True)):
            for tick in range(first, last):
                cell = self.cells.get((row, tick % SLOTS))
                if cell and cell.frame and (cell.tick, cell.generation) == (tick, generation):
                    frames[i, tick - first] = np.frombuffer(cell.frame, np.uint8)
                    voice[i, tick - first], alaw[i, tick - first] = True, cell.alaw
        return Heard(frames, voice, ~voice, alaw)


@dataclass
class Ticks:
    """The plane's clock, in ticks."""

    now: int = 1000

    def __call__(self) -> int:
        return self.now

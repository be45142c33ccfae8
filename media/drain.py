"""From the ledgers to files, by the clock, not by their owners: a dead worker is silence of the right length.

Nothing here waits: `drain` copies what was played out since the last time and hands it to the disk's thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from media.control import Record, RecordingEnded, RowRef, StopRecording
from media.disk import Closed, Disk
from media.laws import TO_OTHER, Law
from media.wav import FRAME
from media.wavfile import WavFile

SETTLED = 2
"""Ticks after which a cell is read: its worker may be that late with it."""
STAGGER = 4
"""A file is written at every fourth drain; each drain writes a quarter of the files."""
REACH = 56
"""Ticks that are read at most; what is older has left the ring."""

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Heard:
    """A copy of ledger cells, [row][tick]."""

    frames: Bytes
    """Shape (rows, ticks, 160): G.711 bytes, meaningful where `voice`. Its reader may write into it."""
    voice: Flags
    """The party was heard in that tick."""
    lost: Flags
    """Something should have been heard and was not: missing packets, a dead worker, an overtaken cell."""
    alaw: Flags
    """The bytes are A-law, else u-law."""


class Ring(Protocol):
    """What the recorder needs of a worker's ledger."""

    def heard(self, rows: Sequence[int], generations: Sequence[int], first: int, last: int) -> Heard:
        """What these rows' owners said in ticks first..last-1."""
        ...


@dataclass(slots=True, eq=False)
class Take:
    """One recording under way."""

    key: int
    ref: RowRef
    path: str
    law: Law
    start: int
    """First tick."""
    next: int
    """First tick not read yet."""
    until: int | None = None
    """First tick that is no longer wanted."""
    gaps: int = 0
    spoken: bool = False
    """The party was heard at least once; silence before that is no gap."""
    at: int = 0
    """Frame of the file that the first of `pieces` is."""
    pieces: list[memoryview] = field(default_factory=list)


class Drain:
    """All recordings of a node. `now` says the current tick."""

    def __init__(self, rings: Sequence[Ring], disk: Disk, now: Callable[[], int]) -> None:
        self._rings = rings
        self._disk = disk
        self._now = now
        self._takes: dict[int, Take] = {}
        self._closing: dict[int, Take] = {}
        self._running: dict[RowRef, Take] = {}
        self._keys = count()
        self._round = 0

    @property
    def busy(self) -> bool:
        """Some file is not whole yet."""
        return bool(self._takes or self._closing)

    def record(self, asked: Record) -> None:
        """Begin a file; what of its ticks is still in the ring is kept too."""
        tick = self._now() if asked.tick is None else asked.tick
        self.stop(StopRecording(asked.ref, tick))
        law = Law[asked.codec]
        kept = WavFile.kept(Path(asked.path)) if asked.resume else 0
        take = Take(next(self._keys), asked.ref, asked.path, law, tick, tick + kept, spoken=kept > 0, at=kept)
        self._takes[take.key] = self._running[asked.ref] = take
        self._disk.open(take.key, Path(asked.path), law, asked.resume)

    def stop(self, asked: StopRecording) -> None:
        """End the row's recording before that tick; nothing when there is none."""
        if take := self._running.pop(asked.ref, None):
            tick = self._now() if asked.tick is None else asked.tick
            take.until = max(tick, take.start)

    def stop_all(self) -> None:
        """End every recording with the present tick."""
        for ref in list(self._running):
            self.stop(StopRecording(ref, self._now()))

    def drain(self) -> list[RecordingEnded]:
        """Read what is settled, hand on what is due; the recordings whose files became whole."""
        last = self._now() - SETTLED
        alike: dict[tuple[int, int], list[Take]] = defaultdict(list)
        for take in self._takes.values():
            if take.next < last - REACH:
                self._skip(take, last - REACH)
            if take.next < last:
                alike[take.ref.worker, take.next].append(take)
        for (worker, first), takes in alike.items():
            self._read(self._rings[worker], takes, first, last)
        self._round += 1
        for take in list(self._takes.values()):
            self._hand_over(take)
        return [self._ended(closed) for closed in self._disk.closed()]

    def _read(self, ring: Ring, takes: list[Take], first: int, last: int) -> None:
        heard = ring.heard([t.ref.row for t in takes], [t.ref.generation for t in takes], first, last)
        frames = _in_their_law(heard, takes)
        spoken = np.array([t.spoken for t in takes])[:, None] | np.logical_or.accumulate(heard.voice, axis=1)
        gaps = heard.lost & spoken
        for i, take in enumerate(takes):
            ticks = (last if take.until is None else min(last, take.until)) - first
            if ticks > 0:
                take.pieces.append(memoryview(frames[i])[: ticks * FRAME])
                take.gaps += int(np.count_nonzero(gaps[i, :ticks]))
            take.spoken = bool(spoken[i, -1])
            take.next = last

    def _skip(self, take: Take, to: int) -> None:
        """The recorder was away: the ticks before `to` are a hole, which the file fills when it goes on."""
        self._write(take)
        take.next = to
        take.at = to - take.start

    def _write(self, take: Take) -> None:
        if take.pieces:
            self._disk.append(take.key, take.at, take.pieces)
            take.at += sum(map(len, take.pieces)) // FRAME
            take.pieces = []

    def _hand_over(self, take: Take) -> None:
        over = take.until is not None and take.next >= take.until
        if over or (self._round + take.key) % STAGGER == 0:
            self._write(take)
        if over and take.until is not None:
            self._disk.finish(take.key, take.until - take.start)
            self._closing[take.key] = self._takes.pop(take.key)

    def _ended(self, closed: Closed) -> RecordingEnded:
        take = self._closing.pop(closed.key, None) or self._takes.pop(closed.key)
        if self._running.get(take.ref) is take:
            del self._running[take.ref]
        return RecordingEnded(take.ref, take.path, closed.seconds, take.gaps + closed.holes, closed.fault)


def _in_their_law(heard: Heard, takes: Sequence[Take]) -> Bytes:
    """Every row in the law of its file, silence where nobody was heard: shape (rows, bytes)."""
    frames = heard.frames
    alaw = np.array([take.law is Law.PCMA for take in takes])
    if (other := heard.voice & (heard.alaw != alaw[:, None])).any():
        for cells, law in ((other & heard.alaw, Law.PCMA), (other & ~heard.alaw, Law.PCMU)):
            frames[cells] = TO_OTHER[law][frames[cells]]
    silence = np.array([take.law.silence for take in takes], np.uint8)
    quiet = ~heard.voice
    frames[quiet] = silence[quiet.nonzero()[0], None]
    return frames.reshape(len(takes), -1)

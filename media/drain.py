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
STAGGER = 3
"""A file is written at every third drain; each drain writes a third of the files."""
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
        self._ending: dict[int, Take] = {}
        self._closing: dict[int, Take] = {}
        self._running: dict[RowRef, Take] = {}
        self._keys = count()
        self._round = 0

    @property
    def busy(self) -> bool:
        """Some file is not whole yet."""
        return bool(self._takes or self._closing)

    @property
    def ending(self) -> bool:
        """Somebody waits for a file to become whole."""
        return bool(self._ending or self._closing)

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
            self._ending[take.key] = take

    def stop_all(self) -> None:
        """End every recording with the present tick."""
        for ref in list(self._running):
            self.stop(StopRecording(ref, self._now()))

    def drain(self) -> list[RecordingEnded]:
        """Read what is settled, hand on what is due; the recordings whose files became whole."""
        self._round += 1
        return self._turn(list(self._takes.values()))

    def attend(self) -> list[RecordingEnded]:
        """The same for those recordings only that come to their end: cheap, for between two drains."""
        return self._turn(list(self._ending.values()))

    def _turn(self, takes: list[Take]) -> list[RecordingEnded]:
        self._read_all(takes, self._now() - SETTLED)
        for take in takes:
            if take.until is not None and take.next >= take.until:
                self._finish(take, take.until)
            elif (self._round + take.key) % STAGGER == 0:
                self._write(take)
        self._disk.go()
        return [self._ended(closed) for closed in self._disk.closed()]

    def _read_all(self, takes: list[Take], last: int) -> None:
        alike: dict[tuple[int, int], list[Take]] = defaultdict(list)
        for take in takes:
            if take.next < last - REACH:
                self._skip(take, last - REACH)
            if take.next < last:
                alike[take.ref.worker, take.next].append(take)
        for (worker, first), group in alike.items():
            self._read(self._rings[worker], group, first, last)

    def _read(self, ring: Ring, takes: list[Take], first: int, last: int) -> None:
        heard = ring.heard([t.ref.row for t in takes], [t.ref.generation for t in takes], first, last)
        until = np.array([last if take.until is None else take.until for take in takes])
        spoken = np.array([take.spoken for take in takes])[:, None]
        spoken = spoken | np.logical_or.accumulate(heard.voice, axis=1)
        gaps = heard.lost & spoken & (np.arange(first, last) < until[:, None])
        counted = zip(takes, gaps.sum(axis=1).tolist(), spoken[:, -1].tolist(), strict=True)
        frames, size = _in_their_law(heard, takes).data, (last - first) * FRAME
        for i, (take, lost, ever) in enumerate(counted):
            take.pieces.append(frames[i * size : (i + 1) * size])
            take.gaps += lost
            take.spoken = ever
            take.next = last

    def _skip(self, take: Take, to: int) -> None:
        """The recorder was away: the ticks before `to` are a hole, which the file fills when it goes on."""
        self._write(take)
        take.next = to
        take.at = to - take.start

    def _write(self, take: Take) -> None:
        if take.pieces:
            size = sum(map(len, take.pieces))
            self._disk.append(take.key, take.at, take.pieces, size)
            take.at += size // FRAME
            take.pieces = []

    def _finish(self, take: Take, until: int) -> None:
        """What was read beyond the end is cut off again."""
        self._write(take)
        self._disk.finish(take.key, until - take.start)
        self._closing[take.key] = self._takes.pop(take.key)
        del self._ending[take.key]

    def _ended(self, closed: Closed) -> RecordingEnded:
        take = self._closing.pop(closed.key, None) or self._takes.pop(closed.key)
        self._ending.pop(closed.key, None)
        if self._running.get(take.ref) is take:
            del self._running[take.ref]
        return RecordingEnded(take.ref, take.path, closed.seconds, take.gaps + closed.holes, closed.fault)


def _in_their_law(heard: Heard, takes: Sequence[Take]) -> Bytes:
    """Every row in the law of its file, silence where nobody was heard: shape (all bytes,)."""
    frames = heard.frames
    alaw = np.array([take.law is Law.PCMA for take in takes])
    if (other := heard.voice & (heard.alaw != alaw[:, None])).any():
        for cells, law in ((other & heard.alaw, Law.PCMA), (other & ~heard.alaw, Law.PCMU)):
            frames[cells] = TO_OTHER[law][frames[cells]]
    silence = np.array([take.law.silence for take in takes], np.uint8)
    quiet = ~heard.voice
    frames[quiet] = silence[quiet.nonzero()[0], None]
    return frames.reshape(-1)

"""The thread of the recorder that touches the disk, so that a slow one never keeps the ledger waiting."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from media.laws import Law
from media.wav import FRAME, RATE
from media.wavfile import WavFile

LIMIT = 128 * 1024 * 1024
"""Bytes that may wait for the disk; what comes on top is dropped and becomes silence. 8 s of 2,000 legs."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A file that is whole: asked for, or because of `fault`."""

    key: int
    seconds: float
    holes: int
    """Frames that were never handed over and are silence."""
    fault: str | None


@dataclass(frozen=True, slots=True)
class _Open:
    key: int
    path: Path
    law: Law
    resume: bool


@dataclass(frozen=True, slots=True)
class _Append:
    key: int
    at: int
    pieces: Sequence[memoryview]
    size: int


@dataclass(frozen=True, slots=True)
class _Finish:
    key: int
    frames: int


_Job = _Open | _Append | _Finish


class Disk:
    """Takes jobs without waiting, does them after `go`; a key names one file from `open` to its Closed."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._jobs: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._batch: list[_Job] = []
        self._closed: deque[Closed] = deque()
        self._files: dict[int, tuple[WavFile, Path]] = {}
        self._limit = limit
        self._put = 0
        self._done = 0
        self._thread = threading.Thread(target=self._work, name="disk")
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Bytes handed over and not yet written."""
        return self._put - self._done

    def open(self, key: int, path: Path, law: Law, resume: bool) -> None:
        """Create the file, or with `resume` go on with the one that is there."""
        self._batch.append(_Open(key, path, law, resume))

    def append(self, key: int, at: int, pieces: Sequence[memoryview], size: int) -> None:
        """Write frames, `size` bytes, at that position. They are dropped when the disk is too far behind."""
        if self.waiting + size > self._limit:
            return
        self._put += size
        self._batch.append(_Append(key, at, pieces, size))

    def finish(self, key: int, frames: int) -> None:
        """Close the file at that length; Closed follows."""
        self._batch.append(_Finish(key, frames))

    def go(self) -> None:
        """Hand the jobs since the last time to the thread."""
        if self._batch:
            self._jobs.put(self._batch)
            self._batch = []

    def closed(self) -> list[Closed]:
        """The files that became whole since the last time this was asked."""
        return [self._closed.popleft() for _ in range(len(self._closed))]

    def stop(self) -> None:
        """Do what was asked so far, close what is still open, end the thread."""
        self.go()
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (batch := self._jobs.get()) is not None:
            for job in batch:
                self._try(job)
        for key, (file, _) in list(self._files.items()):
            self._try(_Finish(key, file.frames))

    def _try(self, job: _Job) -> None:
        try:
            self._do(job)
        except OSError as error:
            self._fail(job, error)
        if isinstance(job, _Append):
            self._done += job.size

    def _do(self, job: _Job) -> None:
        match job:
            case _Append():
                if job.key in self._files:
                    self._files[job.key][0].append(job.at, job.pieces)
            case _Open(key, path, law, resume):
                self._files[key] = (WavFile.resume(path, law) if resume else WavFile.create(path, law)), path
            case _Finish(key, frames) if key in self._files:
                file, _ = self._files[key]
                file.finish(frames)
                self._end(key, file, None)

    def _fail(self, job: _Job, error: OSError) -> None:
        """The disk refused: keep what is there, and say so once."""
        if isinstance(job, _Open):
            return self._end(job.key, None, f"{job.path}: {error.strerror}")
        file, path = self._files[job.key]
        fault = f"{path}: {error.strerror}"
        try:
            file.close()
        except OSError as second:
            if second.strerror != error.strerror:
                fault += f"; then {second.strerror}"
        return self._end(job.key, file, fault)

    def _end(self, key: int, file: WavFile | None, fault: str | None) -> None:
        self._files.pop(key, None)
        seconds, holes = (file.frames * FRAME / RATE, file.holes) if file else (0.0, 0)
        self._closed.append(Closed(key, seconds, holes, fault))

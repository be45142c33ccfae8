"""Where records wait on disk while the database is away: a folder of numbered files, oldest first.

Each file holds frames (see `frames`); it is written to the end once and removed when the database has all of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import structlog

from engine.store.frames import NoFrame, bodies, frame, record_of
from engine.store.records import Record

log = structlog.get_logger()


class SpoolTaken(Exception):
    """Another process has this spool."""


class Spool:
    """The spool of one engine; every method may block on the disk, and may be called from any thread."""

    def __init__(self, folder: Path, *, room: int = 256 << 20, segment: int = 1 << 20) -> None:
        """At most `room` bytes, in files of about `segment` bytes. Raises SpoolTaken, or OSError."""
        self._folder = folder
        self._room = room
        self._segment = segment
        self._turn = threading.Lock()
        folder.mkdir(exist_ok=True)
        self._lock = _locked(folder / "lock")
        self._files = deque(sorted(folder.glob("*.records")))
        self._sizes = {path: path.stat().st_size for path in self._files}
        self._next = int(self._files[-1].stem) + 1 if self._files else 1
        self._open: int | None = None
        self._front: deque[bytes] = deque()
        self.waiting = sum(sum(1 for _ in bodies(path.read_bytes())) for path in self._files)
        """Records in it."""

    def append(self, records: Sequence[Record]) -> int:
        """Put records behind those that are there; they survive a crash of the machine when it returns.

        Gives how many were taken: what no frame can hold is logged and left out. Raises OSError (ENOSPC when
        the spool has no room), and then none was taken.
        """
        frames = [made for record in records if (made := _frame(record))]
        data = b"".join(frames)
        with self._turn:
            if sum(self._sizes.values()) + len(data) > self._room:
                raise OSError(errno.ENOSPC, f"the spool has its {self._room >> 20} MiB")
            self._put(data)
            self.waiting += len(frames)
        return len(frames)

    def read(self, limit: int) -> tuple[list[Record], int]:
        """The oldest records, at most `limit`, and how many they were as `done` is to be told."""
        with self._turn:
            while not self._front and self._files:
                self._load()
            taken = [self._front[i] for i in range(min(limit, len(self._front)))]
        return [record for body in taken if (record := _record(body))], len(taken)

    def done(self, count: int) -> None:
        """The oldest `count` that were read are in the database. Raises OSError, and then they are still there."""
        with self._turn:
            if count == len(self._front) > 0:
                self._drop()
            for _ in range(count):
                self._front.popleft()
            self.waiting -= count

    def close(self) -> None:
        """Give the spool back; what is in it stays for the next engine."""
        with self._turn:
            self._shut()
            os.close(self._lock)

    def _put(self, data: bytes) -> None:
        if self._open is None or self._sizes[self._files[-1]] >= self._segment:
            self._begin()
        assert self._open is not None
        path = self._files[-1]
        try:
            _write(self._open, data)
            os.fsync(self._open)
        except OSError:
            os.ftruncate(self._open, self._sizes[path])
            raise
        self._sizes[path] += len(data)

    def _begin(self) -> None:
        self._shut()
        path = self._folder / f"{self._next:010}.records"
        self._open = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._next += 1
        self._files.append(path)
        self._sizes[path] = 0
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _load(self) -> None:
        path = self._files[0]
        if len(self._files) == 1:
            self._shut()
        self._front.extend(bodies(path.read_bytes()))
        if not self._front:
            self._drop()

    def _drop(self) -> None:
        self._files[0].unlink()
        del self._sizes[self._files.popleft()]

    def _shut(self) -> None:
        if self._open is not None:
            os.close(self._open)
            self._open = None


def _locked(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise SpoolTaken(
            f"{path.parent} is in use by another engine; each needs a store of its own"
        ) from None
    return file


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _frame(record: Record) -> bytes | None:
    try:
        return frame(record)
    except NoFrame as error:
        log.error("record_refused", record=repr(record), reason=str(error))
        return None


def _record(body: bytes) -> Record | None:
    try:
        return record_of(body)
    except NoFrame as error:
        log.error("record_refused", record=repr(body), reason=str(error))
        return None

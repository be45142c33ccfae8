"""One recording on disk. Frame i of the file is tick `start + i` of the plane, whatever was lost on the way.

That law is the whole crash story: a recorder that comes back counts the frames in the file and goes on there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from media.laws import TO_OTHER, Law
from media.wav import FRAME, HEADER, header, law_of

_SILENCE_AT_ONCE = 500
"""Frames of silence written by one call: 10 s."""


class WavFile:
    """A WAV of one leg that grows at its end, playable after every append."""

    def __init__(self, fd: int, law: Law, given: Law, frames: int) -> None:
        self._fd = fd
        self._law = law
        self._given = given
        self.frames = frames
        """Whole 20 ms frames on disk."""
        self.holes = 0
        """Frames of silence that stand for frames which never came."""

    @classmethod
    def create(cls, path: Path, law: Law) -> WavFile:
        """A new file; its folder is made. Raises OSError, FileExistsError when the name is taken."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        return cls._begin(fd, law, law, 0)

    @classmethod
    def resume(cls, path: Path, law: Law) -> WavFile:
        """Go on with the file of a killed recorder, in the law it began with; a missing file is created.

        `law` is that of the frames to come.
        Raises OSError, FileExistsError when the file is not one of our recordings.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return cls.create(path, law)
        start, size = os.pread(fd, HEADER, 0), os.fstat(fd).st_size
        found = law_of(start)
        if found is None and not header(law, 0).startswith(start):
            os.close(fd)
            raise FileExistsError(17, "a file that is not a recording has this name", str(path))
        return cls._begin(fd, found or law, law, max(size - HEADER, 0) // FRAME)

    @staticmethod
    def kept(path: Path) -> int:
        """Whole frames in the file that a killed recorder left; 0 when there is none."""
        try:
            return max(path.stat().st_size - HEADER, 0) // FRAME
        except OSError:
            return 0

    @classmethod
    def _begin(cls, fd: int, law: Law, given: Law, frames: int) -> WavFile:
        file = cls(fd, law, given, frames)
        try:
            fcntl.flock(
                fd, fcntl.LOCK_EX | fcntl.LOCK_NB
            )  # media.wav.repair keeps away from what is being written
            os.ftruncate(fd, min(HEADER + frames * FRAME, os.fstat(fd).st_size))
            file._write_header()
            os.lseek(fd, 0, os.SEEK_END)
        except OSError:
            os.close(fd)
            raise
        return file

    def append(self, at: int, frames: Sequence[memoryview]) -> None:
        """Put whole frames at position `at`: silence fills a hole before them, what is there already stays.

        Raises OSError; what was written until then can be kept with `close`.
        """
        self._fill(at)
        rest = frames if at == self.frames else _without(frames, (self.frames - at) * FRAME)
        if self._law is not self._given:
            table = TO_OTHER[self._given].tobytes()
            rest = [memoryview(bytes(piece).translate(table)) for piece in rest]
        length = left = sum(map(len, rest))
        while left:
            written = os.writev(self._fd, rest)
            left -= written
            rest = _without(rest, written) if left else []
        self.frames += length // FRAME
        self._write_header()

    def finish(self, frames: int) -> None:
        """Make the file `frames` long, cut off or filled with silence, and close it. Raises OSError."""
        self._fill(frames)
        os.ftruncate(self._fd, HEADER + frames * FRAME)
        self.close()

    def close(self) -> None:
        """Cut a torn frame off, write the last header, close. Raises OSError, the file closed anyway."""
        if self._fd < 0:
            return
        try:
            size = os.fstat(self._fd).st_size
            self.frames = max(size - HEADER, 0) // FRAME
            os.ftruncate(self._fd, HEADER + self.frames * FRAME)
            self._write_header()
        finally:
            os.close(self._fd)
            self._fd = -1

    def _fill(self, until: int) -> None:
        while (missing := min(until - self.frames, _SILENCE_AT_ONCE)) > 0:
            silence = memoryview(bytes([self._law.silence]) * (missing * FRAME))
            while silence:
                silence = silence[os.write(self._fd, silence) :]
            self.frames += missing
            self.holes += missing

    def _write_header(self) -> None:
        os.pwrite(self._fd, header(self._law, self.frames * FRAME), 0)


def _without(pieces: Sequence[memoryview], count: int) -> list[memoryview]:
    """The same bytes less the first `count`."""
    rest = []
    for piece in pieces:
        if count < len(piece):
            rest.append(piece[max(count, 0) :])
        count -= len(piece)
    return rest

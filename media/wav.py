"""WAV files of G.711 bytes exactly as they were received: write, repair after a kill, ask how long.

RIFF as in "Multimedia Programming Interface and Data Specifications 1.0"; format tags 6 (A-law) and 7 (u-law)
need the long `fmt ` chunk and a `fact` chunk. Its size is fixed: lengths can be rewritten in place.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from media.laws import Law

RATE = 8000
"""Samples, and with G.711 bytes, in a second."""
FRAME = 160
"""Samples of one 20 ms tick."""
_LAYOUT = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")
HEADER = _LAYOUT.size
"""Bytes before the first sample of a file that we wrote."""
_FMT = struct.Struct("<HHIIHH")


class BadWav(Exception):
    """A file that is not a WAV, or not one that we can mend; the text says which and why."""


@dataclass(frozen=True, slots=True)
class WavFacts:
    """What a WAV says of itself, lengths taken from what is really on disk."""

    tag: int
    """Format tag: 1 PCM, 6 A-law, 7 u-law."""
    rate: int
    block: int
    """Bytes of one sample of all channels."""
    data_at: int
    """Offset of the first sample."""
    promised: int
    """Bytes of sound that the header promises."""
    present: int
    """Bytes of sound that the file holds, whole samples only, never more than a finished header promises."""

    @property
    def seconds(self) -> float:
        return self.present / self.block / self.rate


def header(law: Law, samples: int) -> bytes:
    """The HEADER bytes in front of `samples` G.711 bytes."""
    return _LAYOUT.pack(
        *(b"RIFF", HEADER - 8 + samples + samples % 2, b"WAVE"),
        *(b"fmt ", 18, law.tag, 1, RATE, RATE, 1, 8, 0),
        *(b"fact", 4, samples, b"data", samples),
    )


def inspect(path: Path) -> WavFacts:
    """Read the header of any RIFF/WAVE file. Raises BadWav, or OSError when it cannot be read at all."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(12)
        if len(start) < 12 or start[:4] != b"RIFF" or start[8:] != b"WAVE":
            raise BadWav(f"{path}: not a WAV file (no RIFF/WAVE header)")
        shape: tuple[int, int, int] | None = None
        while len(chunk := file.read(8)) == 8:
            name, length = chunk[:4], int.from_bytes(chunk[4:], "little")
            if name == b"data":
                return _facts(path, shape, file.tell(), length, size)
            body = file.read(length + length % 2)
            if name == b"fmt " and len(body) >= _FMT.size:
                tag, _, rate, _, block, _ = _FMT.unpack_from(body)
                shape = (tag, rate, block)
    raise BadWav(f"{path}: a WAV file without a data chunk")


def _facts(path: Path, shape: tuple[int, int, int] | None, at: int, promised: int, size: int) -> WavFacts:
    if shape is None or not shape[1] or not shape[2]:
        raise BadWav(f"{path}: no usable fmt chunk before the data")
    tag, rate, block = shape
    held = size - at
    return WavFacts(tag, rate, block, at, promised, min(held, promised) // block * block)


def seconds(path: Path) -> float:
    """How long the sound in a WAV file is. Raises BadWav."""
    return inspect(path).seconds


def repair(path: Path) -> float:
    """Make a killed recorder's file whole: lengths from the size of the file. Returns its seconds.

    A file that is whole is left as it is; a file cut off inside its own header becomes an empty recording.
    Raises BadWav for a file that is not one of our recordings, BlockingIOError for one that a recorder still
    writes, OSError when it cannot be written.
    """
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        size = os.fstat(file.fileno()).st_size
        start = file.read(HEADER)
        law = law_of(start) or (Law.PCMU if header(Law.PCMU, 0).startswith(start) else None)
        if law is None:
            raise BadWav(f"{path}: not a recording of ours (no G.711 header of {HEADER} bytes)")
        samples = max(size - HEADER, 0) & ~1
        whole = header(law, samples)
        if start != whole or size != HEADER + samples:
            file.truncate(HEADER + samples)
            file.seek(0)
            file.write(whole)
    return samples / RATE


def law_of(start: bytes) -> Law | None:
    """Whose header these first HEADER bytes are; None when it is not one that `header` wrote."""
    for law in Law:
        ours = header(law, 0)
        if (
            len(start) == HEADER
            and start[8:46] == ours[8:46]
            and start[:4] == ours[:4]
            and start[50:54] == b"data"
        ):
            return law
    return None

"""Decoded sound, shared by every worker: 20 ms frames of u-law and of A-law in one memfd that only the
client appends to."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import Final

import numpy as np

from media.g711 import ALAW, FRAME, RATE, ULAW, Bytes, Pcm, encode

CAPACITY: Final = 7200 * RATE // FRAME
"""Frames a node can hold: two hours of sound. Memory is taken as it is filled."""


class ArenaFull(Exception):
    """There is no room for a clip; the text says how much there is and how much was asked for."""


@dataclass(frozen=True, slots=True)
class ClipRef:
    """A clip in the arena: `frames` frames of 20 ms from frame `at`. The last one is padded with silence."""

    at: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames * FRAME / RATE


class Arena:
    """One writer (the client), any number of readers. A clip is never moved or changed once added."""

    def __init__(self, fd: int, capacity: int = CAPACITY) -> None:
        self.fd = fd
        self.capacity = capacity
        size = 2 * capacity * FRAME
        if os.fstat(fd).st_size < size:
            os.ftruncate(fd, size)
        self.frames: Bytes = np.frombuffer(mmap.mmap(fd, size), np.uint8).reshape(2 * capacity, FRAME)
        """[law * capacity + frame][byte]"""
        self._used = 0

    @classmethod
    def create(cls, capacity: int = CAPACITY) -> Arena:
        return cls(os.memfd_create("arena"), capacity)

    def add(self, pcm: Pcm) -> ClipRef:
        """Keep 8 kHz int16 sound for the life of this arena. Raises ArenaFull, or ValueError when there is
        no sound."""
        if not len(pcm):
            raise ValueError("a clip needs at least one sample")
        count = -(-len(pcm) // FRAME)
        if self._used + count > self.capacity:
            free = (self.capacity - self._used) * FRAME / RATE
            raise ArenaFull(
                f"a clip of {len(pcm) / RATE:.1f} s does not fit: {free:.1f} s of sound memory are free"
            )
        padded = np.zeros(count * FRAME, np.int16)
        padded[: len(pcm)] = pcm
        for law in (ULAW, ALAW):
            start = law * self.capacity + self._used
            self.frames[start : start + count] = encode(padded, law).reshape(count, FRAME)
        self._used += count
        return ClipRef(self._used - count, count)

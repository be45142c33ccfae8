"""The music that comes with the product, played from its scores (media.scores) by pad, harp, bell and bass.

A piece is a ring: a note that sounds past the end sounds on at the beginning, so it loops without a seam. All
partials lie below 3.4 kHz, so the same sound comes out at every rate; the same samples come out every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.scores import PIECES, Note, Score

__all__ = ["PIECES", "render"]

Sound = NDArray[np.float32]

LOUDNESS: Final = 0.09
"""Root mean square of a piece, full scale 1: -21 dB, about as loud as a person on a telephone line."""
BAND: Final = 3400.0
"""Hz that no partial exceeds."""
_GRID: Final = 8000
"""Echoes fall on this grid, the same at every rate."""


@dataclass(frozen=True, slots=True)
class Timbre:
    """How one instrument sounds."""

    partials: Sequence[tuple[float, float, float]]
    """(multiple of the note's frequency, amplitude, seconds to decay to 37 %; 0 = it does not decay)."""
    attack: float
    """Seconds of raised-cosine fade in."""
    release: float
    """Seconds that it sounds on after the note's end, fading out."""
    gain: float


PAD: Final = Timbre(((0.9985, 0.5, 0), (1.0015, 0.5, 0), (2.001, 0.16, 0), (3, 0.05, 0)), 0.7, 1.4, 0.7)
BELL: Final = Timbre(((1, 1.0, 0.9), (2, 0.16, 0.4), (3, 0.08, 0.25), (4, 0.07, 0.12)), 0.015, 0.5, 0.62)
HARP: Final = Timbre(((1, 1.0, 0.5), (2, 0.16, 0.25), (3, 0.06, 0.12)), 0.008, 0.4, 0.34)
BASS: Final = Timbre(((1, 0.4, 1.6), (2, 0.5, 0.9), (3, 0.25, 0.6), (4, 0.1, 0.4)), 0.03, 0.3, 0.7)


def render(name: str, rate: int) -> Sound:
    """One turn of a piece of PIECES, mono, peaks below 0.6. `rate`: 8,000 or a multiple of it."""
    score = PIECES[name]
    ring = np.zeros(round(score.seconds * rate), np.float64)
    for timbre, notes in _parts(score):
        for note in notes:
            _add(ring, rate, note, timbre)
    ring = _in_a_room(ring, rate)
    return np.asarray(ring * (LOUDNESS / np.sqrt(np.mean(ring**2))), np.float32)


def _parts(score: Score) -> list[tuple[Timbre, list[Note]]]:
    return [(PAD, score.pad()), (BASS, score.bass()), (HARP, score.harp()), (BELL, score.tune())]


def _add(ring: NDArray[np.float64], rate: int, note: Note, timbre: Timbre) -> None:
    length = round((note.seconds + timbre.release) * rate)
    t = np.arange(length) / rate
    wave = np.zeros(length)
    for multiple, amplitude, decay in timbre.partials:
        if note.hertz * multiple < BAND:
            partial = amplitude * np.sin(2 * np.pi * note.hertz * multiple * t)
            wave += partial * np.exp(-t / decay) if decay else partial
    wave *= _envelope(t, note.seconds, timbre) * timbre.gain * note.force
    np.add.at(ring, (round(note.start * rate) + np.arange(length)) % len(ring), wave)


def _envelope(t: NDArray[np.float64], held: float, timbre: Timbre) -> NDArray[np.float64]:
    rise = np.clip(t / timbre.attack, 0, 1)
    fall = np.clip((held + timbre.release - t) / timbre.release, 0, 1)
    shape: NDArray[np.float64] = (1 - np.cos(np.pi * rise)) * (1 - np.cos(np.pi * fall)) / 4
    return shape


def _in_a_room(ring: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Forty echoes at irregular times, dying away over a second and a half."""
    wet = ring.copy()
    for n in range(1, 41):
        at = 0.03 + 1.5 * (n * 0.6180339887 % 1)
        gain = 0.11 * np.exp(-at / 0.5) * (1 if n % 2 else -1)
        wet += gain * np.roll(ring, round(at * _GRID) * (rate // _GRID))
    return wet

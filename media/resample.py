"""Sound at one rate as sound at another: a Kaiser-windowed sinc, one set of taps per phase."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Sound = NDArray[np.float32]

_STOP_DB = 80.0
"""What would alias is this much weaker."""
_EDGE = 0.9
"""The pass band ends at this share of the lower rate's half; the stop band begins at the half itself."""
_CHUNK = 4096
"""Outputs worked on at once."""
_SQUARES = np.linspace(0, 1, 1 << 14)
_KAISER = np.i0(0.1102 * (_STOP_DB - 8.7) * np.sqrt(_SQUARES))
"""The window over the square of the distance from its end: a table, for i0 is slow."""


def resample(sound: Sound, rate: int, wanted: int) -> Sound:
    """The same sound at `wanted` samples a second. Loudness stays; what `wanted` cannot carry is left out."""
    if rate == wanted or not len(sound):
        return sound
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    half = min(rate, wanted) / 2
    cutoff, width = half * (1 + _EDGE) / 2 / rate, half * (1 - _EDGE) / rate
    reach = math.ceil((_STOP_DB - 7.95) / (14.36 * width) / 2)
    padded = np.concatenate([np.zeros(reach, np.float32), sound, np.zeros(reach + down, np.float32)])
    out = np.empty(-(-len(sound) * up // down), np.float32)
    for phase in range(min(up, len(out))):
        first, part = divmod(phase * down, up)
        taps = _taps(reach, part / up, cutoff)
        out[phase::up] = _convolve(padded[first + 1 :], taps, down, len(out[phase::up]))
    return out


def _taps(reach: int, shift: float, cutoff: float) -> Sound:
    """The low-pass around a point `shift` samples after the middle; cutoff in cycles per sample."""
    at = np.arange(1 - reach, reach + 1) - shift
    window = np.interp(1 - (at / reach) ** 2, _SQUARES, _KAISER)
    taps = np.sinc(2 * cutoff * at) * window
    return np.asarray(taps / taps.sum(), np.float32)


def _convolve(sound: Sound, taps: Sound, step: int, count: int) -> Sound:
    """The taps laid on every `step`-th sample."""
    size = sound.strides[0]
    pieces = []
    for start in range(0, count, _CHUNK):
        rows = min(_CHUNK, count - start)
        windows = as_strided(sound[start * step :], (rows, len(taps)), (step * size, size), writeable=False)
        pieces.append(windows @ taps)
    return np.concatenate(pieces)

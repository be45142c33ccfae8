"""Tones as the marks of who speaks, and looking for them in what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000
BLOCK = 800
"""Samples looked at together: 100 ms, so tones are told apart that lie 40 Hz and more from each other."""
PURE = 0.98
"""Share of a block's energy that makes it one tone and nothing else: a voice 15 dB softer breaks it."""
SPLICED = 0.85
"""Share of a block's energy within 150 Hz of a tone with one or two jumps in it, as a lost or late frame leaves it."""
LONGEST_SPLICE = 2
"""Blocks: a jump may fall on the edge between two, or two of them into neighbours."""
FRAME = 160
PURE_FRAME = 0.97
"""The same as PURE for 20 ms, in which tones are told apart that lie 300 Hz from each other."""
AUDIBLE = 0.01
"""Root mean square, full scale 1, above which a block is sound."""

Samples = NDArray[np.float64]


def tone(hertz: float, seconds: float, level: float = 0.4) -> Samples:
    """A sine, full scale 1."""
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def write_wav(path: Path, samples: Samples) -> Path:
    """A mono WAV of 16 bits at 8 kHz."""
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return path


def write_ulaw(path: Path, samples: Samples) -> Path:
    """Bare mu-law bytes without any header, as SIPp's rtp_stream takes them."""
    soundfile.write(path, samples, RATE, subtype="ULAW", format="RAW")
    return path


def read_wav(path: Path) -> Samples:
    """A mono WAV at 8 kHz, of any encoding, full scale 1."""
    samples, rate = soundfile.read(path, dtype="float64")
    assert rate == RATE, f"{path} has {rate} Hz"
    assert samples.ndim == 1, f"{path} has {samples.shape[1]} channels"
    return np.asarray(samples, dtype=np.float64)


def _blocks(samples: Samples) -> Samples:
    whole = len(samples) // BLOCK
    return samples[: whole * BLOCK].reshape(whole, BLOCK)


def _shares(blocks: Samples, hertz: Sequence[float], within: float = 25) -> Samples:
    """For each block, the share of its energy that lies within so many Hz of any of these tones."""
    size = blocks.shape[1]
    power = np.abs(np.fft.rfft(blocks * np.hanning(size), axis=1)) ** 2
    bins = np.fft.rfftfreq(size, 1 / RATE)
    near = (
        np.any([np.abs(bins - one) <= within for one in hertz], axis=0)
        if hertz
        else np.zeros(len(bins), bool)
    )
    total = np.maximum(power.sum(axis=1), 1e-12)
    return np.asarray(power[:, near].sum(axis=1) / total)


def _audible(blocks: Samples) -> NDArray[np.bool_]:
    return np.asarray(np.sqrt(np.mean(blocks**2, axis=1)) > AUDIBLE)


def seconds_of(samples: Samples, hertz: float) -> float:
    """How long this tone is heard, alone, in these samples."""
    blocks = _blocks(samples)
    return float(np.sum(_audible(blocks) & (_shares(blocks, [hertz]) > PURE))) * BLOCK / RATE


def seconds_of_sound(samples: Samples) -> float:
    """How long anything at all is heard."""
    return float(np.sum(_audible(_blocks(samples)))) * BLOCK / RATE


def seconds_of_others(samples: Samples, *allowed: float) -> float:
    """How long something else is heard than one of these tones at a time.

    What a change between them, or a frame lost or late within one, does to the block or two it falls in does not count;
    nor do lost frames, however many, that left silence in a recording of whole frames.
    """
    blocks = _blocks(samples)
    sound = _audible(blocks)
    kinds = np.stack(
        [~sound, *(sound & ((_shares(blocks, [one]) > PURE) | _holed(blocks, one)) for one in allowed)]
    )
    pure = kinds.any(axis=0)
    jumps = _shares(blocks, allowed, within=150) > SPLICED
    return (
        sum(len(run) for run in _runs(np.asarray(~pure)) if len(run) > LONGEST_SPLICE or not jumps[run].all())
        * BLOCK
        / RATE
    )


def _holed(blocks: Samples, hertz: float) -> NDArray[np.bool_]:
    """Blocks with silent frames in them, all others being this tone and nothing else."""
    frames = blocks.reshape(-1, FRAME)
    audible = _audible(frames)
    good = (~audible | (_shares(frames, [hertz], within=150) > PURE_FRAME)).reshape(len(blocks), -1)
    return np.asarray(good.all(axis=1) & ~audible.reshape(len(blocks), -1).all(axis=1))


def _runs(marked: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """The places that are marked, those next to each other together."""
    places = np.flatnonzero(marked)
    return [run for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(run)]

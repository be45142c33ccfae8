"""What phones say: audio files and tones as linear samples at 8 kHz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from media.g711 import RATE, Pcm

LONGEST = 600
"""Seconds of an audio file that a phone will say."""


class BadAudio(Exception):
    """A file that a phone cannot say; the text names it, what is wrong and what is allowed."""


def tone(hertz: float, seconds: float, level: float = 0.4) -> Pcm:
    """A sine; `level` 1 is full scale."""
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return (wave * level * 32767).astype(np.int16)


BEEP = tone(1000.0, 0.4)
"""What a voicemail system says before it listens."""
PAUSE = np.zeros(RATE // 2, np.int16)


def load(path: Path) -> Pcm:
    """An audio file of any rate and number of channels. Raises BadAudio."""
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            samples = file.read(LONGEST * rate, dtype="float64", always_2d=True).mean(axis=1)
    except (OSError, soundfile.LibsndfileError) as fault:
        raise BadAudio(f"{path}: {fault}; wav, flac, ogg and mp3 are read") from None
    return (resampled(samples, rate) * 32767).clip(-32768, 32767).astype(np.int16)


def resampled(
    samples: np.ndarray[tuple[int], np.dtype[np.float64]], rate: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """At 8 kHz, by cutting or padding the spectrum: exact for what fits below 4 kHz."""
    if rate == RATE or not len(samples):
        return samples
    length = round(len(samples) * RATE / rate)
    spectrum = np.fft.rfft(samples)
    wanted = np.zeros(length // 2 + 1, np.complex128)
    shared = min(len(spectrum), len(wanted))
    wanted[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(wanted, length) * (length / len(samples)), np.float64)

"""A sound file as 8 kHz mono samples."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from media.g711 import RATE, Pcm
from media.resample import Sound, resample

FORMATS: Final = ("WAV", "WAVEX", "RF64", "MP3", "OGG", "FLAC")
"""What libsndfile may call a file that we play. MPEG layers I and II are MP3 to it."""
LONGEST: Final = 600
"""Seconds of sound in one file."""
RATES: Final = range(4000, 96001)
CHANNELS: Final = 8
ALLOWED: Final = "allowed are .wav, .mp3, .mp2, .ogg and .flac, of up to 10 minutes, 4-96 kHz, 1-8 channels"
_BLOCK = 1 << 16


class Undecodable(Exception):
    """What is wrong with a file and what is allowed. The file's name is left to who asked."""


def decode(path: Path) -> Pcm:
    """The file's sound, as loud as it was, at 8 kHz. Raises Undecodable."""
    try:
        with path.open("rb") as raw, soundfile.SoundFile(raw.fileno(), closefd=False) as file:
            _check(file)
            sound, rate = _read(file), file.samplerate
    except OSError as error:
        raise Undecodable(f"cannot be read: {error.strerror}") from error
    except soundfile.LibsndfileError as error:
        raise Undecodable(f"not a sound file that can be played ({error.error_string}); {ALLOWED}") from error
    return as_pcm(resample(mono(sound), rate, RATE))


def _check(file: soundfile.SoundFile) -> None:
    if file.format not in FORMATS:
        raise Undecodable(f"a {file.format} file; {ALLOWED}")
    if file.samplerate not in RATES:
        raise Undecodable(f"{file.samplerate} samples a second; {ALLOWED}")
    if file.channels > CHANNELS:
        raise Undecodable(f"{file.channels} channels; {ALLOWED}")


def _read(file: soundfile.SoundFile) -> Sound:
    """All frames, [frame][channel]. Counted while reading: a header may promise anything."""
    blocks: list[Sound] = []
    left = LONGEST * file.samplerate
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        left -= len(block)
        if left < 0:
            raise Undecodable(f"longer than 10 minutes; {ALLOWED}")
        blocks.append(block)
    if not blocks:
        raise Undecodable("holds no sound")
    return np.nan_to_num(np.concatenate(blocks), posinf=1.0, neginf=-1.0)


def mono(sound: Sound) -> Sound:
    """The channels' mean, made as loud as the loudest of them; that one alone where channels cancel out."""
    if sound.shape[1] == 1:
        return sound[:, 0]
    power = np.einsum("ij,ij->j", sound, sound, dtype=np.float64)
    loudest = int(power.argmax())
    mean = sound.mean(axis=1, dtype=np.float32)
    kept = float(np.dot(mean.astype(np.float64), mean))
    if kept <= power[loudest] / 8:
        return np.ascontiguousarray(sound[:, loudest])
    return np.asarray(mean * np.float32((power[loudest] / kept) ** 0.5), np.float32)


def as_pcm(sound: Sound) -> Pcm:
    """-1..1 as 16 bits. What is louder is turned down as a whole rather than clipped."""
    peak = max(float(np.abs(sound).max(initial=0.0)), 1.0)
    return np.asarray(np.rint(sound * (32767 / peak)), np.int16)

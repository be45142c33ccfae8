"""Phones that hum, each at a pitch of its own, and what can be made out of what others hear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.g711 import DECODE, FRAME, LAWS, RATE, encode
from tests.media.plane_kit import Phone, Rig

STEP = 50
"""Hertz between two pitches: every 20 ms frame of one is alike."""
Levels = dict[int, float]


def hum(pitch: int, codec: str = "PCMU", level: float = 4000.0) -> bytes:
    """20 ms of a sine of that amplitude."""
    wave = level * np.sin(2 * np.pi * pitch * np.arange(FRAME) / RATE)
    return encode(wave.astype(np.int16), LAWS[codec]).tobytes()


def keep_humming(
    rig: Rig,
    phone: Phone,
    pitch: int,
    *,
    count: int,
    first: int = 0,
    codec: str = "PCMU",
    level: float = 4000.0,
    ms: float = 0.0,
) -> None:
    """Have that many frames of it arrive, 20 ms apart."""
    frame = hum(pitch, codec, level)
    for n in range(count):
        rig.post(phone, phone.packet(first + n, frame), ms + 20 * n)


def sound(packets: list[bytes]) -> NDArray[np.float64]:
    """What is in packets of PCMU or PCMA, as samples."""
    frames = [DECODE[int(packet[1] & 0x7F == 8)][np.frombuffer(packet[12:], np.uint8)] for packet in packets]
    return np.concatenate(frames).astype(np.float64)


def levels(phone: Phone, frames: int = 20) -> Levels:
    """Amplitude at each pitch that stands out in the last frames a phone heard; what is 30 dB below
    the strongest is G.711's rounding."""
    wave = sound([packet for _, packet in phone.heard[-frames:]])
    spectrum = np.abs(np.fft.rfft(wave)) * 2 / len(wave)
    pitches = np.arange(len(spectrum)) * RATE / len(wave)
    return {
        round(pitches[i]): float(spectrum[i])
        for i in np.flatnonzero(spectrum > max(0.03 * spectrum.max(), 10))
    }

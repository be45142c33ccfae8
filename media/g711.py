"""G.711 as tables: u-law and A-law to linear and back, and each law to the other (ITU-T G.711)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Pcm = NDArray[np.int16]

ULAW: Final = 0
ALAW: Final = 1
LAWS: Final = {"PCMU": ULAW, "PCMA": ALAW}
"""Encoding name as in a=rtpmap to the number by which tables are indexed."""

SILENCE: Final[Bytes] = np.array([0xFF, 0xD5], np.uint8)
"""The byte of digital silence, by law."""

RATE: Final = 8000
FRAME: Final = 160
"""Samples, and bytes, of 20 ms."""


def _decode_ulaw() -> Pcm:
    code = ~np.arange(256) & 0xFF
    size = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - size, size - 0x84).astype(np.int16)


def _decode_alaw() -> Pcm:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    size = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


def _encode(levels: Pcm) -> Bytes:
    """The code of the nearest level for each of the 65,536 samples; ties go to the smaller magnitude."""
    order = np.argsort(levels, kind="stable")
    known = levels[order].astype(np.int32)
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    above = np.clip(np.searchsorted(known, samples), 1, 255)
    low, high = known[above - 1], known[above]
    twice = 2 * samples - low - high
    upper = (twice > 0) | ((twice == 0) & (samples < 0))
    return order[np.where(upper, above, above - 1)].astype(np.uint8)


DECODE: Final[Pcm] = np.stack([_decode_ulaw(), _decode_alaw()])
"""[law][byte] -> linear sample; peaks are 32124 (u-law) and 32256 (A-law)."""

ENCODE: Final[Bytes] = np.stack([_encode(levels) for levels in DECODE])
"""[law][sample as uint16] -> byte."""
ENCODE[ULAW, 0] = SILENCE[ULAW]

ACROSS: Final[Bytes] = np.stack(
    [ENCODE[ALAW][DECODE[ULAW].view(np.uint16)], ENCODE[ULAW][DECODE[ALAW].view(np.uint16)]]
)
"""[law of the source][byte] -> byte of the other law."""

SOFTER: Final[Bytes] = np.stack([ENCODE[law][(DECODE[law] // 2).view(np.uint16)] for law in (ULAW, ALAW)])
"""[law][byte] -> the byte at half the amplitude (6 dB less)."""


def encode(pcm: Pcm, law: int) -> Bytes:
    """Linear samples to G.711 bytes of that law."""
    data: Bytes = ENCODE[law][np.ascontiguousarray(pcm, np.int16).view(np.uint16)]
    return data


def decode(data: Bytes, law: int) -> Pcm:
    """G.711 bytes of that law to linear samples."""
    pcm: Pcm = DECODE[law][data]
    return pcm


def decode_pairs() -> NDArray[np.complex64]:
    """[law][two bytes as a little-endian uint16] -> two float32 samples side by side, as one word.

    Half the look-ups of a byte table; `.view(np.float32)` of what is taken from it are the samples.
    """
    both = np.arange(65536, dtype="<u2").view(np.uint8).reshape(-1, 2)
    return np.stack([DECODE[law][both].astype(np.float32).view(np.complex64).ravel() for law in (ULAW, ALAW)])

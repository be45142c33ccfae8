"""G.711 as tables: what each byte means, and each law's bytes in the other."""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]


class Law(Enum):
    """A G.711 variant: its encoding name in SDP, its WAV format tag and the byte that is silence."""

    PCMU = (7, 0xFF)
    PCMA = (6, 0xD5)

    def __init__(self, tag: int, silence: int) -> None:
        self.tag = tag
        self.silence = silence


def _decode_u() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = ((((code & 0x0F) << 3) + 0x84) << (code >> 4 & 7)) - 0x84
    samples: Samples = np.where(code & 0x80, -size, size).astype(np.int16)
    return samples


def _decode_a() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = code >> 4 & 7
    size = ((code & 0x0F) << 4) + 8 + np.where(exponent > 0, 0x100, 0)
    size = size << np.maximum(exponent - 1, 0)
    samples: Samples = np.where(code & 0x80, size, -size).astype(np.int16)
    return samples


DECODE: dict[Law, Samples] = {Law.PCMU: _decode_u(), Law.PCMA: _decode_a()}
"""Each byte's sample, 16 bits (ITU-T G.711, tables 1 and 2)."""


def _nearest(given: Law, wanted: Law) -> Bytes:
    """For each byte of one law the byte of the other whose sample is nearest, of the same sign."""
    table = np.zeros(256, np.uint8)
    target = DECODE[wanted].astype(np.int32)
    for positive in (True, False):
        codes = np.arange(0x80, 0x100) if positive else np.arange(0x80)
        samples = DECODE[given][codes].astype(np.int32)
        distance = np.abs(samples[:, None] - target[codes][None, :])
        table[codes] = codes[distance.argmin(axis=1)]
    return table


U_TO_A = _nearest(Law.PCMU, Law.PCMA)
A_TO_U = _nearest(Law.PCMA, Law.PCMU)
A_TO_U[Law.PCMA.silence] = Law.PCMU.silence  # nearest would be one step off; silence stays silence

"""The least MPEG-1 layer II encoder (ISO/IEC 11172-3): one tone, in the middle of one subband."""

from __future__ import annotations

RATE = 48000
HERTZ = 1125
"""The middle of the second of 32 subbands of 750 Hz."""
_HEADER = bytes.fromhex("FFFD44C0")  # layer II, no checksum, 64 kbit/s, 48 kHz, mono
_FRAME = 144 * 64000 // RATE
_ALLOCATION = (4,) * 11 + (3,) * 12 + (2,) * 4
"""Bits of each subband's allocation, table 3-B.2a."""
_LEVELS_255 = 7
"""Allocation index of 8 bits a sample in subband 1."""


def tone(frames: int, amplitude: float) -> bytes:
    """Frames of 24 ms each. In its subband the tone is the sequence +a, 0, -a, 0."""
    codes = [_code(a) for a in (amplitude, 0.0, -amplitude, 0.0)]
    bits = "".join(f"{_LEVELS_255 * (k == 1):0{n}b}" for k, n in enumerate(_ALLOCATION))
    bits += "10"  # one scale factor for all three parts of the frame
    bits += f"{3:06b}"  # scale factor 1.0
    bits += "".join(f"{codes[n % 4]:08b}" for n in range(36))
    body = int(bits.ljust((_FRAME - 4) * 8, "0"), 2).to_bytes(_FRAME - 4, "big")
    return (_HEADER + body) * frames


def _code(sample: float) -> int:
    """Requantization of 2.4.3.3.4 backwards: C = 256 / 255, D = 1 / 128, the top bit inverted."""
    return (round((sample * 255 / 256 - 1 / 128) * 128) & 0xFF) ^ 0x80

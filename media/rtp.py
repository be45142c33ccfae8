"""RTP packets that are not the ordinary ones: optional header parts, padding, RTCP on the same port (RFC
3550, RFC 5761)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.columns import HEADER

VERSION: Final = 0x80
_PADDING: Final = 0x20
_EXTENSION: Final = 0x10


def is_rtcp(second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """By the packets' second octets: which are RTCP that came to the RTP port (RFC 5761 section 4)."""
    control: NDArray[np.bool_] = (second & 0xE0) == 0xC0
    return control


def straighten(packet: memoryview, size: int) -> int:
    """Bring a packet of `size` octets into the shape of a twelve-octet header with the payload behind it, in
    place.

    Returns the new size, or 0 when it is not RTP version 2 or its parts do not fit (RFC 3550 5.1, A.1).
    """
    if size < HEADER or packet[0] & 0xC0 != VERSION:
        return 0
    start = HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & _EXTENSION:
        if size < start + 4:
            return 0
        start += 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    end = size - (packet[size - 1] if packet[0] & _PADDING else 0)
    if packet[0] & _PADDING and packet[size - 1] == 0:
        return 0
    if start > end:
        return 0
    packet[HEADER : HEADER + end - start] = bytes(packet[start:end])
    packet[0] = VERSION
    return HEADER + end - start

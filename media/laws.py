"""The two G.711 laws as forms of a recording."""

from __future__ import annotations

from enum import Enum
from typing import Final

from media.g711 import ACROSS, ALAW, SILENCE, ULAW, Bytes


class Law(Enum):
    """A G.711 variant by its encoding name in SDP: its number in the tables and its WAV format tag."""

    PCMU = (ULAW, 7)
    PCMA = (ALAW, 6)

    def __init__(self, number: int, tag: int) -> None:
        self.number = number
        self.tag = tag
        self.silence = int(SILENCE[number])


def _across(law: int) -> Bytes:
    """To the other law, silence staying silence (the nearest level would be one step off)."""
    table: Bytes = ACROSS[law].copy()
    table[SILENCE[law]] = SILENCE[1 - law]
    return table


TO_OTHER: Final = {Law.PCMU: _across(ULAW), Law.PCMA: _across(ALAW)}
"""Bytes of that law to bytes of the other."""

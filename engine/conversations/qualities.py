"""How well parties were heard and heard, in steps: a leg counts once, as it ends."""

from __future__ import annotations

from typing import Final

from engine.figures import Histogram
from media.quality import Quality

HEARD, SENT = "heard", "sent"
"""From the party to us; from us to the party, by its own reports."""


JITTER: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
"""Seconds."""
LOSS: Final = (0.0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
"""Share of the packets."""
MOS: Final = (1.5, 2.0, 2.5, 3.0, 3.25, 3.5, 3.75, 4.0, 4.1, 4.2, 4.3, 4.4)
ROUND_TRIP: Final = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
"""Seconds."""


class Qualities:
    """Histograms of all legs that ended, by direction."""

    def __init__(self) -> None:
        self.jitter = {way: Histogram(JITTER) for way in (HEARD, SENT)}
        self.loss = {way: Histogram(LOSS) for way in (HEARD, SENT)}
        self.mos = {way: Histogram(MOS) for way in (HEARD, SENT)}
        self.round_trip = Histogram(ROUND_TRIP)

    def add(self, quality: Quality) -> None:
        """A leg has ended."""
        heard, sent = quality.heard, quality.sent
        if heard.packets:
            self.jitter[HEARD].add(heard.jitter / 1000)
            self.loss[HEARD].add(heard.loss)
        self.jitter[SENT].add(None if sent.jitter is None else sent.jitter / 1000)
        self.loss[SENT].add(sent.loss)
        self.mos[HEARD].add(heard.mos)
        self.mos[SENT].add(sent.mos)
        self.round_trip.add(None if quality.round_trip is None else quality.round_trip / 1000)

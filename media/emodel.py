"""How a call sounds to a person: the E-model of ITU-T G.107 for G.711, with everything at its default but delay
and loss."""

from __future__ import annotations

import math
from typing import Final

BEST: Final = 93.2
"""R of a narrow-band call without delay or loss (G.107, table 3)."""
ROBUSTNESS: Final = 25.1
"""Bpl of G.711 with packet-loss concealment, random loss (G.113, table I.4); its Ie is 0."""
_WORST_CODEC: Final = 95.0
_UNHEARD_DELAY: Final = 100.0
"""Milliseconds one way below which nobody notices (G.107, equation 7-27)."""


def rating(delay: float, loss: float) -> float:
    """R, 93.2 at best and below 0 when hopeless. `delay`: milliseconds from mouth to ear; `loss`: share of
    packets not heard, 0..1."""
    return BEST - _delay_impairment(delay) - _loss_impairment(loss)


def mean_opinion(r: float) -> float:
    """MOS of a rating, 1 (bad) .. 4.5 (G.107, annex B)."""
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6) if r > 0 else 1.0


def _delay_impairment(delay: float) -> float:
    """Idd (G.107, 7.4): of the delay alone. Echo is taken to be cancelled, as phones do."""
    if delay <= _UNHEARD_DELAY:
        return 0.0
    x = math.log2(delay / _UNHEARD_DELAY)
    return 25 * (math.pow(1 + x**6, 1 / 6) - 3 * math.pow(1 + (x / 3) ** 6, 1 / 6) + 2)


def _loss_impairment(loss: float) -> float:
    """Ie,eff (G.107, equation 7-29) of G.711 with loss at random."""
    percent = 100 * loss
    return _WORST_CODEC * percent / (percent + ROBUSTNESS)

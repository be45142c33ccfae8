"""How well a party is heard and hears, from what its worker's ledger and the party's own reports say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from media.emodel import mean_opinion, rating
from media.g711 import RATE
from media.ledger import Ledger, expected

_PER_MS: Final = RATE / 1000
_FRAME_MS: Final = 20.0
"""A packet leaves when its first sample is that old; G.711 adds nothing to it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came from the party. Counts lag by up to 0.7 s."""

    packets: int
    """RTP packets that came, late ones included."""
    lost: int
    """That never came."""
    discarded: int
    """That came after their time and were not heard."""
    jitter: float
    """Milliseconds, as RFC 3550 6.4.1 estimates it, from a sample of the packets."""
    mos: float | None
    """1 (bad) .. 4.41 (as good as G.711 can be), by the E-model; None when nothing came."""

    @property
    def loss(self) -> float:
        """Share of the packets that were not heard, 0..1."""
        return _share(self.lost + self.discarded, self.packets + self.lost)


@dataclass(frozen=True, slots=True)
class Sent:
    """What we sent, and what the party says (RTCP) of how it came."""

    packets: int
    reports: int
    """Times the party has said so; while it is 0, nothing is known of the rest."""
    lost: int | None
    """That did not come, by its last report; None when it sends none."""
    jitter: float | None
    """Milliseconds; None when it sends no reports."""
    loss: float | None
    """Share of the packets that did not come, 0..1."""
    mos: float | None
    """As in Heard, of what the party hears; its own jitter buffer is taken to be two jitters deep."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one party's sound, both ways, since its row was opened."""

    heard: Heard
    sent: Sent
    round_trip: float | None
    """Milliseconds to the party and back; None when its reports do not tell. MOS then takes no time for the
    way."""

    @property
    def known(self) -> bool:
        """Anything was heard or sent at all."""
        return bool(self.heard.packets or self.sent.packets)

    def figures(self) -> dict[str, int | float | None]:
        """All of it by name, rounded, for records and logs. Times are in milliseconds."""
        return {
            "heard_packets": self.heard.packets,
            "heard_lost": self.heard.lost,
            "heard_discarded": self.heard.discarded,
            "heard_jitter_ms": _rounded(self.heard.jitter),
            "heard_mos": _rounded(self.heard.mos),
            "sent_packets": self.sent.packets,
            "sent_lost": self.sent.lost,
            "sent_jitter_ms": _rounded(self.sent.jitter),
            "sent_mos": _rounded(self.sent.mos),
            "round_trip_ms": _rounded(self.round_trip),
        }


NOTHING: Final = Quality(Heard(0, 0, 0, 0.0, None), Sent(0, 0, None, None, None, None), None)
"""Of a row that never heard or sent anything."""


def of_row(ledger: Ledger, row: int) -> Quality:
    """Of the row's present owner."""
    trip = int(ledger.round_trip[row]) / 1e6 or None
    way = (trip or 0.0) / 2 + _FRAME_MS
    return Quality(_heard(ledger, row, way), _sent(ledger, row, way), trip)


def _heard(ledger: Ledger, row: int, way: float) -> Heard:
    """`way`: milliseconds from a mouth to the other side's socket."""
    packets = int(ledger.past_received[row]) + int(ledger.received[row])
    due = int(ledger.past_expected[row]) + (expected(ledger, row) if ledger.received[row] else 0)
    lost, late = max(due - packets, 0), min(int(ledger.late[row]), packets)
    depth = max(int(ledger.slack[row]) / 1e6, 0.0)
    mos = _mos(way + depth, _share(lost + late, packets + lost)) if packets else None
    return Heard(packets, lost, late, float(ledger.jitter[row]) / _PER_MS, mos)


def _sent(ledger: Ledger, row: int, way: float) -> Sent:
    packets, reports = int(ledger.packets[row]), int(ledger.told[row])
    if not reports:
        return Sent(packets, 0, None, None, None, None)
    jitter, lost = int(ledger.far_jitter[row]) / _PER_MS, max(int(ledger.far_lost[row]), 0)
    loss = min(_share(lost, int(ledger.far_expected[row])), 1.0)
    return Sent(packets, reports, lost, jitter, loss, _mos(way + 2 * jitter, loss))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _mos(delay: float, loss: float) -> float:
    return mean_opinion(rating(delay, loss))


def _share(part: int, whole: int) -> float:
    return part / whole if whole > 0 else 0.0

"""What the media processes report once a second, added up."""

from __future__ import annotations

from collections import Counter

from engine.figures import Histogram
from media.control import LATENESS, Ready, WorkerReport

ADDED = (
    "received",
    "sent",
    "send_errors",
    "missing",
    "late",
    "reports",
    "bad_reports",
    "deeper",
    "shallower",
    "skipped",
)


class MediaReports:
    """Give `take` to the media plane as its `on_report`."""

    def __init__(self) -> None:
        self.latest: dict[int, WorkerReport] = {}
        """By worker."""
        self.lateness: dict[int, Histogram] = {}
        """By worker: how late phases began."""
        self.totals: dict[int, Counter[str]] = {}
        """By worker: sums of what reports count, by field."""

    def take(self, word: WorkerReport | Ready) -> None:
        if isinstance(word, WorkerReport):
            self.latest[word.worker] = word
            totals = self.totals.setdefault(word.worker, Counter())
            totals.update({name: getattr(word, name) for name in ADDED})
            late = self.lateness.setdefault(word.worker, Histogram(step / 1e3 for step in LATENESS))
            late.add_all(word.lateness, word.lateness_total / 1e3)

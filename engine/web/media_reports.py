"""What the media processes report once a second, added up."""

from __future__ import annotations

from collections import Counter

from media.control import Ready, WorkerReport

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
        self.totals: dict[int, Counter[str]] = {}
        """By worker: sums of what reports count, by field."""

    def take(self, word: WorkerReport | Ready) -> None:
        if isinstance(word, WorkerReport):
            self.latest[word.worker] = word
            totals = self.totals.setdefault(word.worker, Counter())
            totals.update({name: getattr(word, name) for name in ADDED})

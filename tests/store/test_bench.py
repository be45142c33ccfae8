"""The store's bench writes what it says it writes."""

from __future__ import annotations

from tools.bench.store import call, run


def test_every_record_of_every_call_gets_down() -> None:
    figures = run(60)
    assert figures["records"] == 60 * len(call(0))
    assert figures["lost"] == 0
    assert figures["refused"] == 0
    assert figures["records_per_second"] > 0

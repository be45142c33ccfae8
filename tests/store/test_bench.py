"""The benches of the store write what they say they write."""

from __future__ import annotations

import pytest

from tests.kit.postgres import emptied
from tools.bench.postgres import Postgres
from tools.bench.store import call, run


@pytest.mark.peer("postgres")
def test_every_record_of_every_call_gets_down(server: Postgres) -> None:
    figures = run(60, emptied(server))
    for store in ("sqlite", "postgresql"):
        assert figures[f"{store}_late_records"] == 60 * len(call(0))
        assert figures[f"{store}_lost"] == 0
        assert figures[f"{store}_refused"] == 0
        assert figures[f"{store}_late_records_per_second"] > 0
        assert figures[f"{store}_committed_records_per_second"] > 0
        assert figures[f"{store}_reservations_per_second"] > 0

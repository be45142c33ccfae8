"""The bench of signalling counts whole calls: nothing it divides by is a call that failed."""

from __future__ import annotations

import pytest

from tools.bench import sip


@pytest.mark.peer("sipp")
@pytest.mark.parametrize("kind", ["uas", "b2bua"])
def test_every_call_of_a_calm_run_is_answered_bridged_and_cleared(kind: str) -> None:
    step = sip.measure(kind, rate=5, seconds=2)
    assert (step.calls, step.failed, step.held) == (10, 0, True)
    assert 0 < step.engine_ms < 1000

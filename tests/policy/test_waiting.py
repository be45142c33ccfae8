"""What a waiting caller's next step is."""

from __future__ import annotations

import pytest

from engine.policy.waiting import Connect, GiveUp, Greet, Step, Wait, WaitingFacts, WaitingRules, next_step

ROWS: list[tuple[float, bool, str | None, float | None, Step]] = [
    # waited, greeted, agent, max_wait -> step
    (0.0, False, None, 60.0, Greet()),
    (99.0, False, None, 60.0, Greet()),
    (4.0, True, None, 60.0, Wait(56.0)),
    (4.0, True, None, None, Wait(None)),
    (4.0, True, "anna", 60.0, Connect("anna")),
    (99.0, True, "anna", 60.0, Connect("anna")),
    (60.0, True, None, 60.0, GiveUp()),
    (61.0, True, None, 60.0, GiveUp()),
]


@pytest.mark.parametrize(("waited", "greeted", "agent", "max_wait", "step"), ROWS)
def test_each_row(
    waited: float, greeted: bool, agent: str | None, max_wait: float | None, step: Step
) -> None:
    assert next_step(WaitingFacts(waited, greeted, agent), WaitingRules(max_wait)) == step


def test_a_rest_too_short_for_the_clock_is_no_wait() -> None:
    """1041.0 + 1e-14 is 1041.0: waiting that long would be tried again for ever."""
    facts = WaitingFacts(waited=40.0 - 1e-14, greeted=True, agent=None)
    assert isinstance(next_step(facts, WaitingRules(max_wait=40.0)), GiveUp)

"""What the bench of the API reads off histograms."""

from __future__ import annotations

import math

import pytest

from tools.bench.api import at_most

STEPS = {0.001: 90.0, 0.01: 99.0, 0.1: 99.0, math.inf: 100.0}


@pytest.mark.parametrize(
    ("share", "milliseconds"), [(0.5, 1.0), (0.9, 1.0), (0.91, 10.0), (0.99, 10.0), (0.999, None)]
)
def test_the_step_below_which_a_share_lies(share: float, milliseconds: float | None) -> None:
    assert at_most(STEPS, share) == milliseconds

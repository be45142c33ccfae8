"""Secrets come from outside, and stay there."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.faults import Faults
from config.load import load

YAML = """
sip: {domain: acme.test}
agents:
  anna: {name: Anna, password: {env: ANNA_PASSWORD}}
  bob: {name: Bob, password: {env: BOB_PASSWORD}}
"""


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    path = tmp_path / "deployment.yaml"
    path.write_text(YAML)
    return path


def test_a_variable_that_is_not_set_is_a_fault_at_its_place(deployment: Path) -> None:
    with pytest.raises(Faults) as caught:
        load(deployment, {"ANNA_PASSWORD": "x"})
    (fault,) = caught.value.items
    assert (fault.line, "BOB_PASSWORD" in fault.message) == (5, True)


def test_whoever_only_looks_is_told_which_variables_are_missing(deployment: Path) -> None:
    unset: list[str] = []
    settings = load(deployment, {"ANNA_PASSWORD": "x"}, unset=unset)
    assert unset == ["BOB_PASSWORD"]
    assert settings.agents["anna"].password.get_secret_value() == "x"


def test_one_that_is_set_to_nothing_is_a_fault_either_way(deployment: Path) -> None:
    with pytest.raises(Faults, match="BOB_PASSWORD is empty"):
        load(deployment, {"ANNA_PASSWORD": "x", "BOB_PASSWORD": ""}, unset=[])

"""Each section of the YAML is taken by one module."""

from __future__ import annotations

import re

import pytest

from config.built import BUILT
from config.settings import Settings
from config.walk import fields_of
from tools.where import TAKERS, Taker, main


def test_every_section_has_one_taker() -> None:
    assert set(TAKERS) == set(fields_of(Settings))


def test_takers_are_rooms_of_the_house() -> None:
    for taker in TAKERS.values():
        assert taker.module.split(".")[0] in ("engine", "media")
        assert re.fullmatch(r"[A-L]\d+((, | to )[A-L]\d+)*", taker.features)


def test_what_is_built_is_taken_by_a_module_that_is_there() -> None:
    assert [section for section in BUILT if not TAKERS[section].is_built] == []


def test_a_key_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queues.support.waiting"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("queues.*.waiting: What callers hear")
    assert "taken by engine.queues" in said
    assert "default: null" in said


def test_what_is_not_there_yet_is_said() -> None:
    assert str(Taker("engine.no_such_room.hours", "C6")) == "engine.no_such_room.hours, not built yet (C6)"


def test_an_unknown_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quues"]) == 1
    assert '"queues" (nearest)' in capsys.readouterr().out


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().out

"""Shared by all tests: those that need somebody else's program say so with @pytest.mark.peer(program)."""

from __future__ import annotations

import os

import hypothesis
import pytest

from tools.bench.postgres import located

hypothesis.settings.register_profile("long", max_examples=5_000, deadline=None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A missing peer skips the test by name; with REQUIRE_PEERS=1 it fails it."""
    needed = {program for mark in item.iter_markers("peer") for program in mark.args}
    if missing := sorted(program for program in needed if located(program) is None):
        _missing(" and ".join(missing))


def _missing(programs: str) -> None:
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"not installed: {programs}; REQUIRE_PEERS=1 asks for it", pytrace=False)
    pytest.skip(f"not installed: {programs}")

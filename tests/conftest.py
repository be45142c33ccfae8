"""Shared by all tests: those that need somebody else's program say so with @pytest.mark.peer(program)."""

from __future__ import annotations

import os

import hypothesis
import pytest

from tools.bench.postgres import located

hypothesis.settings.register_profile("long", max_examples=5_000, deadline=None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A missing peer skips the test by name; with REQUIRE_PEERS=1 it fails it."""
    for mark in item.iter_markers("peer"):
        for program in mark.args:
            if located(program) is None:
                _missing(program)


def _missing(program: str) -> None:
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"{program} is not installed, and REQUIRE_PEERS=1 asks for it", pytrace=False)
    pytest.skip(f"needs {program}, which is not installed")

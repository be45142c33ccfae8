"""The browser that the wallboard is looked at with, and the databases that the API stands on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.postgres import FAST, emptied
from tools.bench.postgres import Postgres, postgres


@pytest.fixture
def peer_chromium() -> str:
    """The executable's path; tests that use it are marked `peer("chromium")`."""
    path = shutil.which("chromium")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """One PostgreSQL for all tests; each finds it empty."""
    with postgres(*FAST) as running:
        yield running


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that does not exist yet, or is empty: sqlite or postgresql, as the test says."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    running: Postgres = request.getfixturevalue("server")
    return emptied(running)

"""What every test folder shares: programs of somebody else's that some tests talk to."""

from __future__ import annotations

import os
import shutil

import pytest


def peer(program: str) -> str:
    """The path of a program; the test is skipped without it, or fails when REQUIRE_PEERS=1."""
    path = shutil.which(program)
    if path is None and os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"{program} is not installed and REQUIRE_PEERS=1")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@pytest.fixture
def peer_chromium() -> str:
    return peer("chromium")

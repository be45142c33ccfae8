"""The browser that the wallboard is looked at with."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def peer_chromium() -> str:
    """The executable's path; tests that use it are marked `peer("chromium")`."""
    path = shutil.which("chromium")
    assert path is not None
    return path

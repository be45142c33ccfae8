"""The house itself: its names, and that what is written about it is true."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("engine", "media", "config", "tools")


def test_no_other_distribution_provides_our_package_names() -> None:
    providers = metadata.packages_distributions()
    for room in ROOMS:
        assert set(providers.get(room, [])) <= {"cordboard"}, f"{room} is provided by {providers[room]}"


@pytest.mark.parametrize(
    "link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())))
)
def test_every_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize(
    "path",
    sorted(
        set(re.findall(r"`((?:config|engine|media|tests|tools)/[\w./]+)`", (ROOT / "README.md").read_text()))
    ),
)
def test_every_place_the_readme_sends_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_lock_names_no_index() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert "--" not in text

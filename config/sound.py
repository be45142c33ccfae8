"""What of a faulty deployment is sound enough for the rules between keys to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.faults import Key
from config.settings import Settings
from config.wording import place_of

SMALLEST_SIP = {"domain": "example.invalid"}
"""Stands in for a sip section that cannot be used."""
ENTRIES = frozenset(
    name
    for name, field in Settings.model_fields.items()
    if str(field.annotation).startswith("collections.abc.Mapping")
)
"""Sections whose keys are names, each entry of which can be sound for itself."""


def entry_of(key: Key) -> Key:
    """The entry or section that a fault at a key makes unsound."""
    return key[:2] if key and key[0] in ENTRIES else key[:1]


def validated(tree: Mapping[str, Any], folder: Path) -> tuple[Settings | None, list[ErrorDetails]]:
    """Settings, or what pydantic finds wrong."""
    try:
        return Settings.model_validate(tree, context={"folder": folder}), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def sound_part(tree: Mapping[str, Any], folder: Path) -> Settings | None:
    """What is left when all that pydantic finds fault with is taken out; None when that is too little."""
    rest = deepcopy(dict(tree))
    for _ in range(4):
        settings, errors = validated(rest, folder)
        if settings is not None:
            return settings
        for key in {place_of(error["loc"])[:2] for error in errors}:
            _cut(rest, key)
    return None


def _cut(tree: dict[str, Any], key: Key) -> None:
    """Take an entry out, or the section where there is no such entry."""
    name = str(key[0])
    section = tree.get(name)
    if len(key) > 1 and isinstance(section, dict) and key[1] in section:
        del section[key[1]]
    elif name == "sip":
        tree["sip"] = dict(SMALLEST_SIP)
    else:
        tree.pop(name, None)

"""What pydantic found wrong, in words for a person, at its place in the YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from config.documents import Spot
from config.faults import Fault, Key, Mark, choice, dotted, nearest
from config.section import FORM_FAULT, shown


def place_of(loc: Iterable[str | int]) -> Key:
    """Pydantic's way to an error without the marks for members of a union and for keys."""
    return tuple(part for part in loc if not (isinstance(part, str) and re.fullmatch(r"<\w+>|\[key\]", part)))


def mark_of(spots: Mapping[Key, Spot], key: Key, root: Mark, *, value: bool = True) -> Mark:
    """Where a key or its value stands; where the nearest one above it does, when it is left out."""
    for size in range(len(key), 0, -1):
        spot = spots.get(key[:size])
        if spot is not None:
            return spot.value if value and size == len(key) else spot.key
    return root


def worded(error: ErrorDetails, spots: Mapping[Key, Spot], root: Mark) -> Fault:
    """One of pydantic's errors as a fault."""
    key = place_of(error["loc"])
    is_key = error["type"] in ("missing", "extra_forbidden") or error["loc"][-1:] == ("[key]",)
    message, allowed = _said(error)
    raw = spots[key].raw if key in spots else None
    if raw is not None and not is_key and isinstance(error["input"], int | float):
        message = message.replace(f"{shown(error['input'])} ", f"{raw} ", 1)
    return Fault(mark_of(spots, key, root, value=not is_key), f"{dotted(key)}: {message}", allowed, key)


def _said(error: ErrorDetails) -> tuple[str, str]:
    given, context = error["input"], error.get("ctx", {})
    match error["type"]:
        case "fault":
            return context["message"], context["allowed"]
        case kind if kind == FORM_FAULT:
            return f"{shown(given)} is not known here", _form(given, error["msg"])
        case "missing":
            return "the key is missing", "the key with a value"
        case "extra_forbidden":
            return "unknown key", "no such key"
        case "literal_error":
            return _literal(given, context["expected"])
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            return f"{shown(given)} is not a mapping", f"keys with values{_or_nothing(given)}"
        case "tuple_type" | "list_type":
            return f"{shown(given)} is not a list", f"a list in brackets{_or_nothing(given)}"
    return error["msg"], "another value"


def _form(given: Any, forms: str) -> str:
    words = [form for form in forms.split(" | ") if form.replace("_", "").isalpha()]
    close = nearest(given, words) if isinstance(given, str) else None
    return f'"{close}" (nearest) of {forms}' if close else forms


def _or_nothing(given: Any) -> str:
    return ", or the key left out" if given is None else ""


def _literal(given: Any, expected: str) -> tuple[str, str]:
    words = re.findall(r"'([^']*)'", expected)
    allowed = choice(given, words) if isinstance(given, str) else ", ".join(words)
    return f"{shown(given)} is not known", allowed

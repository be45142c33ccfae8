"""What is different between two deployments, said so that a person sees it and no secret shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from config.faults import Key, dotted
from config.section import Section


class _Absent:
    """Stands for what one of the two does not have."""


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One key that is different. None stands for a key that is not there."""

    key: Key
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{dotted(self.key)}: {self.before or 'nothing'} -> {self.after or 'nothing'}"


def changes(old: Section, new: Section) -> list[Change]:
    """Every key whose value is another, in the order of the models."""
    return list(_compared((), old, new))


def _compared(key: Key, old: Any, new: Any) -> Iterator[Change]:
    if old == new and type(old) is type(new):
        return
    parts = _parts(old), _parts(new)
    if parts[0] is None or parts[1] is None or type(old) is not type(new):
        yield Change(key, *_shown(old, new))
        return
    for name in dict.fromkeys((*parts[0], *parts[1])):
        yield from _compared((*key, name), parts[0].get(name, ABSENT), parts[1].get(name, ABSENT))


def _parts(value: Any) -> Mapping[str | int, Any] | None:
    """What a value is made of; None for one that is looked at as a whole."""
    if isinstance(value, Section):
        return {field.alias or name: getattr(value, name) for name, field in type(value).model_fields.items()}
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple) and any(isinstance(item, Section) for item in value):
        return dict(enumerate(value))
    return None


def _shown(old: Any, new: Any) -> tuple[str | None, str | None]:
    if isinstance(old, SecretStr) and isinstance(new, SecretStr):
        return "a secret", "changed"
    return _text(old), _text(new)


def _text(value: Any) -> str | None:
    match value:
        case None | _Absent():
            return None
        case SecretStr():
            return "a secret"
        case bool():
            return "true" if value else "false"
        case Section() | Mapping():
            return "an entry"
        case tuple():
            return f"[{', '.join(_text(item) or 'null' for item in value)}]"
    return str(value)

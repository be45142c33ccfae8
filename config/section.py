"""What every part of Settings is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from config.faults import Broken, Wrong, listed, nearest

if TYPE_CHECKING:
    from config.settings import Settings

V = TypeVar("V")


class Section(BaseModel):
    """A mapping of the YAML: unknown keys refused, unchangeable once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    def broken(self, deployment: Settings) -> Iterator[Broken]:
        """The rules between keys that do not hold here, seen in the light of the whole deployment."""
        yield from ()


class Frozen(dict[str, V]):
    """A dict that stays as it was read."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("settings do not change; load them again")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Frozen[V]], tuple[dict[str, V]]]:
        return Frozen, (dict(self),)


@dataclass(frozen=True, slots=True, eq=False)
class Reads:
    """How a scalar is read: a pure function from what YAML gave; and what an editor is told about it."""

    parse: Callable[[Any, Path], Any]
    """Takes the value and the folder that relative paths start from. Raises Wrong."""
    schema: Mapping[str, Any]
    show: Callable[[Any], Any] | None = None
    """How JSON shows the value; None for values that are JSON already."""

    def __get_pydantic_core_schema__(self, source: Any, ask: GetCoreSchemaHandler) -> CoreSchema:
        shown = self.show and core_schema.plain_serializer_function_ser_schema(self.show, when_used="json")
        return core_schema.with_info_plain_validator_function(self.read, serialization=shown)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, ask: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)

    def read(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        """Parse, with faults in the form that pydantic collects."""
        try:
            return self.parse(value, (info.context or {}).get("folder", Path()))
        except Wrong as wrong:
            raise fault(wrong.message, wrong.allowed) from wrong


FORM_FAULT = "form"
"""The error type of a value that has none of the forms of its key; its message is what is allowed."""


def fault(message: str, allowed: str) -> PydanticCustomError:
    """A fault that pydantic carries to its place; not in the template, as braces in it would be fields."""
    return PydanticCustomError(
        "fault", "{message}; allowed: {allowed}", {"message": message, "allowed": allowed}
    )


def shown(value: object) -> str:
    """A value as a message shows it: short, and as YAML writes it."""
    match value:
        case None:
            return "an empty value"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str():
            return f'"{value}"' if len(value) <= 60 else f'"{value[:60]}..."'
        case int() | float():
            return str(value)
    return "a secret"


@dataclass(frozen=True, slots=True)
class Refers:
    """Marks a name as the key of another section's entry, for instance ("queues",)."""

    section: tuple[str, ...]

    def __init__(self, *section: str) -> None:
        object.__setattr__(self, "section", section)


def by_form(*, word: str | None = None, **forms: str) -> Discriminator:
    """Tells the forms of a value apart: a bare word, or a mapping by the key that it must have.

    `forms` is key="{how: it looks}". Tags are <word> and <key>; the angle brackets tell them from keys.
    """
    allowed = " | ".join([word] if word else []) + (" | " if word else "") + " | ".join(forms.values())

    def tag(value: Any) -> str | None:
        if isinstance(value, Section):
            return next((f"<{form}>" for form in forms if form in type(value).model_fields), None)
        if isinstance(value, Mapping):
            exact = next((form for form in forms if form in value), None)
            meant = exact or next(filter(None, (nearest(str(key), forms) for key in value)), None)
            return f"<{meant}>" if meant else None
        return "<word>" if isinstance(value, str) and word and value in word.split(" | ") else None

    return _discriminator(tag, allowed)


def by_word(key: str, *words: str) -> Discriminator:
    """Tells mappings apart by the word under one key. Tags are the words in angle brackets."""

    def tag(value: Any) -> str | None:
        if not isinstance(value, Mapping):
            return f"<{getattr(value, key)}>" if isinstance(value, Section) else None
        word = value.get(key, value.get(nearest(key, value)))
        meant = nearest(word, words) if isinstance(word, str) else None
        return f"<{meant}>" if meant else None

    return _discriminator(tag, f"{key}: {' | '.join(words)}")


def by_shape(word: str) -> Discriminator:
    """A single value, or a mapping with keys of its own. Tags are <word> and <map>."""

    def tag(value: Any) -> str | None:
        if isinstance(value, list | tuple):
            return None
        return "<map>" if isinstance(value, Mapping | Section) else "<word>"

    return _discriminator(tag, f"{word}, or a mapping")


def _discriminator(tag: Callable[[Any], str | None], allowed: str) -> Discriminator:
    return Discriminator(tag, FORM_FAULT, allowed)


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise fault(f"{listed(map(str, twice))} is here twice", "each entry once")
    return values


Unique = AfterValidator(_unique)
"""For lists: no entry twice."""


def _filled(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise fault("the list is empty", "at least one entry")
    return values


Filled = AfterValidator(_filled)
"""For lists: at least one entry."""

Freeze = AfterValidator(Frozen)
T = TypeVar("T")
AnyNamed = Annotated[Mapping[str, T], Freeze]
"""A mapping of any text to T."""

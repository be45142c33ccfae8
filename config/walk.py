"""Goes through YAML values and their models side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Discriminator, Tag
from pydantic.fields import FieldInfo

from config.faults import Broken, Key
from config.section import Section


@dataclass(frozen=True, slots=True)
class Found:
    """A value where the models expect one."""

    key: Key
    value: Any
    marks: tuple[Any, ...]
    """What the model says about it beside its type: Reads, Refers ..."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key that the model of its mapping does not have."""

    key: Key
    known: tuple[str, ...]


@cache
def fields_of(model: type[Section]) -> Mapping[str, FieldInfo]:
    """A model's fields under the names that the YAML uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def walk(kind: Any, value: Any, key: Key = (), marks: tuple[Any, ...] = ()) -> Iterator[Found | Unknown]:
    """Every value that a model has a place for, and every key that it has none for."""
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        marks = (*marks, *more)
    yield Found(key, value, marks)
    if get_origin(kind) in (Union, UnionType):
        chosen = _member(get_args(kind), value, marks)
        if chosen is not None:
            yield from walk(chosen, value, key)
    elif isinstance(kind, type) and issubclass(kind, Section) and isinstance(value, dict):
        yield from _section(kind, value, key)
    elif get_origin(kind) is not None:
        yield from _items(kind, value, key)


def _section(model: type[Section], value: Mapping[str, Any], key: Key) -> Iterator[Found | Unknown]:
    fields = fields_of(model)
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            yield Unknown((*key, name), tuple(fields))
        else:
            yield from walk(field.annotation, item, (*key, name), tuple(field.metadata))


def _items(kind: Any, value: Any, key: Key) -> Iterator[Found | Unknown]:
    items: Iterator[tuple[str | int, Any]]
    if isinstance(value, dict) and get_origin(kind) is Mapping:
        items = iter(value.items())
        inner = get_args(kind)[1]
    elif isinstance(value, list) and get_origin(kind) is tuple:
        items = iter(enumerate(value))
        inner = get_args(kind)[0]
    else:
        return
    for name, item in items:
        yield from walk(inner, item, (*key, name))


def _member(members: tuple[Any, ...], value: Any, marks: tuple[Any, ...]) -> Any:
    """The member of a union that a value is meant to be; None when it is not told."""
    if value is None:
        return None
    real = [member for member in members if member is not NoneType]
    if len(real) == 1:
        return real[0]
    choosing = next((mark.discriminator for mark in marks if isinstance(mark, Discriminator)), None)
    if not callable(choosing):
        return None
    tag = choosing(value)
    if not isinstance(tag, str):
        return None
    return next((member for member in real if Tag(tag) in get_args(member)), None)


def sections(value: Any, key: Key = ()) -> Iterator[tuple[Key, Section]]:
    """Every part of validated settings with its key."""
    if isinstance(value, Section):
        yield key, value
        for name, field in type(value).model_fields.items():
            yield from sections(getattr(value, name), (*key, field.alias or name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from sections(item, (*key, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from sections(item, (*key, index))


def broken_rules(settings: Any) -> Iterator[Broken]:
    """The rules that do not hold anywhere in validated settings, with whole keys."""
    for key, section in sections(settings):
        for rule in section.broken(settings):
            yield Broken((*key, *rule.at), rule.message, rule.allowed)


@dataclass(frozen=True, slots=True)
class Place:
    """A key that the YAML can have; * stands for names and indices."""

    key: Key
    description: str
    default: str


def places(kind: Any, key: Key = ()) -> Iterator[Place]:
    """Every key of a model, and of what is below it."""
    if get_origin(kind) is Annotated or get_origin(kind) in (Union, UnionType):
        inner = get_args(kind) if get_origin(kind) is not Annotated else get_args(kind)[:1]
        for member in inner:
            yield from places(member, key)
    elif isinstance(kind, type) and issubclass(kind, Section):
        for name, field in fields_of(kind).items():
            yield Place((*key, name), field.description or "", _default(field))
            yield from places(field.annotation, (*key, name))
    elif get_origin(kind) is tuple:
        yield from places(get_args(kind)[0], (*key, "*"))
    elif get_origin(kind) is not None and get_origin(kind) is not Literal:
        yield from places(get_args(kind)[-1], (*key, "*"))


def _default(field: FieldInfo) -> str:
    """A field's default as YAML has it."""
    if field.is_required():
        return "none, it must be given"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Section):
        return "that of its keys"
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, dict)
        else "{}"
    )

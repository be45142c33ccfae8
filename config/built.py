"""Which keys of a deployment do nothing yet, and which prompts cannot be spoken yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.addresses import Listen
from config.faults import Key, dotted
from config.prompts import Say
from config.section import Section
from config.settings import Settings
from config.workstreams import InboundWorkstream, Route

Test = Callable[[Any], bool]
Tree = Mapping[str, "Tree | Test"]
"""Built keys; a test says which of a key's values are."""


def _all(value: Any) -> bool:
    return True


def _only(*values: Any) -> Test:
    return lambda value: value in values


def _within(*values: Any) -> Test:
    return lambda items: set(items) <= set(values)


ANY = "*"
"""Stands for every name of an entry and every index of a list."""
BUILT: Tree = {
    "organisation": {"name": _all, "time_zone": _all},
    "node": {"name": _all, "takeover": _all},
    "sip": {
        "listen": _all,
        "tls": _all,
        "name_servers": _all,
        "domain": _all,
        "external_address": _all,
        "digest": _all,
        "session_timer": _all,
        "register": _all,
    },
    "trunks": {ANY: {"target": _all, "accept_from": _all}},
    "numbers": {ANY: {"use": _only("shared"), "trunk": _all, "inbound": _all, "name": _all, "kind": _all}},
    "media": {
        "address": _all,
        "rtp_ports": _all,
        "workers": _all,
        "codecs": {ANY: _only("PCMU", "PCMA")},
        "srtp": _only("never"),
        "ptime": _only(20),
    },
    "agents": {ANY: {"name": _all, "password": _all, "queues": _all, "wrap_up": _all, "record": _all}},
    "calls": {"ring": {"agent": _all}, "wrap_up": {"enabled": _all, "time": _all}},
    "workstreams": {
        ANY: {
            "direction": _only("inbound"),
            "numbers": _all,
            "routes": {ANY: {"queue": _all}},
        }
    },
    "queues": {
        ANY: {"assignment": _only("longest_idle"), "waiting": _all, "priority": _all, "service_level": _all}
    },
    "waiting_strategies": {ANY: {"greeting": _all, "music": _all, "max_wait": _all, "then": _only("end")}},
    "recordings": {"enabled": _all, "direction": _all, "folder": _all, "files": _only("separate")},
    "web": {"listen": _all, "tokens": _all, "hosts": _all, "requests_per_second": _all, "webhooks": _all},
    "store": {"url": _all},
    "logging": {"level": _all, "format": _all},
}
"""What this version does. Whoever builds a feature adds its keys here."""


@dataclass(frozen=True, slots=True)
class SpokenPrompt:
    """A prompt that calls would hear and that has to be spoken."""

    key: Key
    text: str
    where: str
    """file:line:column."""

    def __str__(self) -> str:
        return f"{self.where}: {dotted(self.key)}: text-to-speech is not built yet; allowed: {{audio: path}}"


def unbuilt(settings: Settings) -> list[str]:
    """The keys of the YAML that ask for something this version does not do, each once, in order.

    A key of many entries is named at the first of them: "agents.anna.skills (and 12 more)".
    """
    found: dict[Key, list[str]] = {}
    for key, note in _unbuilt(settings, BUILT, ()):
        found.setdefault(_pattern(settings, key), []).append(dotted(key) + note)
    return [f"{first} (and {len(rest)} more)" if rest else first for first, *rest in found.values()]


def _pattern(settings: Settings, key: Key) -> Key:
    """A key without the names and indices that tell entries apart."""
    named = isinstance(getattr(settings, str(key[0]), None), Mapping)
    return tuple(
        ANY if isinstance(part, int) or (named and place == 1) else part for place, part in enumerate(key)
    )


def _unbuilt(value: Any, built: Tree | Test | None, key: Key) -> Iterator[tuple[Key, str]]:
    if _idle(value):
        return
    if built is None:
        yield key, ""
    elif callable(built):
        if not built(value):
            yield key, _note(value)
    else:
        for name, item in _given(value):
            part = built.get(str(name), built.get(ANY))
            yield from _unbuilt(item, part, (*key, name))


def _idle(value: Any) -> bool:
    """Whether a value asks for nothing."""
    return (
        value is None
        or value is False
        or value in ((), "none", "never")
        or (value == {} and isinstance(value, dict))
    )


def _note(value: Any) -> str:
    """The value that is not built, where it says more than its key."""
    return f": {value}" if isinstance(value, str | int | float | Listen) else ""


def _given(value: Any) -> Iterator[tuple[str | int, Any]]:
    """What a YAML gives of a section, mapping or list."""
    if isinstance(value, Section):
        for name, field in type(value).model_fields.items():
            if name in value.model_fields_set:
                yield field.alias or name, getattr(value, name)
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, tuple):
        yield from enumerate(value)


def first_route(workstream: InboundWorkstream) -> Route | None:
    """The route that this version follows: the first that takes every call."""
    return next((route for route in workstream.routes if route.when is None), None)


def spoken_prompts(settings: Settings) -> list[SpokenPrompt]:
    """Prompts that calls of this version would hear and that have to be spoken: greetings of queues."""
    found = (_spoken(settings, name) for name in dict.fromkeys(_strategies(settings)))
    return [prompt for prompt in found if prompt is not None]


def _strategies(settings: Settings) -> Iterator[str]:
    for workstream in settings.workstreams.values():
        route = first_route(workstream) if isinstance(workstream, InboundWorkstream) else None
        if route is not None and settings.queues[route.queue].waiting is not None:
            yield settings.queues[route.queue].waiting or ""


def _spoken(settings: Settings, name: str) -> SpokenPrompt | None:
    greeting = settings.waiting_strategies[name].greeting
    key: Key = ("waiting_strategies", name, "greeting")
    return SpokenPrompt(key, greeting.say, settings.where(*key)) if isinstance(greeting, Say) else None

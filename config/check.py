"""Checks one document in every way before saying anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr
from pydantic_core import ErrorDetails

from config.addresses import STORE_URL
from config.documents import Document
from config.faults import Fault, Faults, Key, Mark, Wrong, choice, dotted, nearest
from config.scalars import AUDIO, FILE, MUSIC, SECRET
from config.section import Refers, shown
from config.settings import Settings
from config.sound import entry_of, sound_part, validated
from config.tls import unusable
from config.walk import Found, Unknown, broken_rules, walk
from config.wording import mark_of, worded

ALWAYS_THERE: Mapping[tuple[str, ...], set[str]] = {
    ("profiles", "inbound"): {"default"},
    ("profiles", "outbound"): {"default"},
}
"""Names that can be referred to without being in the YAML."""
STAND_IN = SecretStr("\N{REPLACEMENT CHARACTER}")
"""Takes a missing secret's place for the rest of the check, which fails anyway."""


class Outside(Protocol):
    """What a deployment refers to outside of its YAML."""

    @property
    def folder(self) -> Path: ...

    def exists(self, path: str) -> bool: ...

    def reveal(self, form: Mapping[str, Any]) -> str: ...


def checked(document: Document, outside: Outside, root: Mark) -> Settings:
    """The settings that a document stands for. Raises Faults with all that is wrong."""
    check = _Check(document, outside, root)
    check.look()
    settings = check.validate()
    if settings is not None and not check.faults:
        check.secured(settings)
    if check.faults or settings is None:
        raise Faults(check.faults)
    return settings.placed(document.spots, root)


@dataclass(slots=True)
class _Check:
    """One pass over a document; every fault is put in `faults`."""

    document: Document
    outside: Outside
    root: Mark
    mistyped: dict[Key, Key] = field(default_factory=dict)
    """Keys that were meant, and how they are written."""

    @property
    def faults(self) -> list[Fault]:
        return self.document.faults

    def fault(self, key: Key, message: str, allowed: str, *, value: bool = True) -> None:
        mark = mark_of(self.document.spots, key, self.root, value=value)
        self.document.fault(mark, key, message, allowed)

    def look(self) -> None:
        """Unknown keys, references, secrets and files: what the models mark but cannot look up."""
        every = list(walk(Settings, self.document.tree))
        for unknown in every:
            if isinstance(unknown, Unknown):
                self.unknown(unknown)
        for found in every:
            if isinstance(found, Found):
                self.marked(found)

    def unknown(self, unknown: Unknown) -> None:
        key, name = unknown.key, str(unknown.key[-1])
        meant = nearest(name, unknown.known)
        if meant is not None:
            self.mistyped[(*key[:-1], meant)] = key
        said = "unknown key" + (f', nearest is "{meant}"' if meant else "")
        self.fault(key, said, choice(name, unknown.known), value=False)

    def marked(self, found: Found) -> None:
        for mark in found.marks:
            if isinstance(mark, Refers):
                self.reference(found, mark)
            elif mark in (SECRET, STORE_URL) and isinstance(found.value, dict):
                self.secret(found)
            elif mark in (FILE, AUDIO, MUSIC):
                self.file(found)

    def reference(self, found: Found, to: Refers) -> None:
        known = self.names(to.section)
        if isinstance(found.value, str) and found.value not in known:
            message = f"{shown(found.value)} is not in {dotted(to.section)}"
            self.fault(found.key, message, choice(found.value, known))

    def names(self, section: tuple[str, ...]) -> set[str]:
        """The names of a section's entries, also when the section's own key is mistyped."""
        key: Key = ()
        place: Any = self.document.tree
        for name in section:
            key = self.mistyped.get((*key, name), (*key, name))
            place = place.get(key[-1]) if isinstance(place, dict) else None
        return {*(place if isinstance(place, dict) else ()), *ALWAYS_THERE.get(section, ())}

    def secret(self, found: Found) -> None:
        """Put what {env: NAME} or {file: path} stand for in their place."""
        try:
            text = SecretStr(self.outside.reveal(found.value))
        except Wrong as wrong:
            self.fault(found.key, wrong.message, wrong.allowed)
            text = STAND_IN
        self.put(found.key, text)

    def put(self, key: Key, value: object) -> None:
        place: Any = self.document.tree
        for part in key[:-1]:
            place = place[part]
        place[key[-1]] = value

    def file(self, found: Found) -> None:
        path = found.value
        is_path = isinstance(path, str) and not path.startswith("builtin:") and "\0" not in path
        if is_path and not self.outside.exists(path):
            missing = f"the file {self.outside.folder / path} does not exist"
            self.fault(found.key, missing, "a file, seen from this YAML")

    def secured(self, settings: Settings) -> None:
        """Certificates that cannot be used."""
        tls = settings.sip.tls
        broken = unusable(tls.certificate, tls.key, tls.authorities) if tls is not None else None
        if broken is not None:
            self.fault(("sip", "tls", *broken.at), broken.message, broken.allowed)

    def validate(self) -> Settings | None:
        """Types and limits by the models, then the rules between keys on what is sound."""
        tree, folder = self.document.tree, self.outside.folder
        settings, errors = validated(tree, folder)
        self.errors(errors)
        sound = settings if settings is not None else sound_part(tree, folder)
        if sound is not None:
            self.rules(sound)
        return settings

    def errors(self, errors: Iterable[ErrorDetails]) -> None:
        """Pydantic's errors, less those that follow from another fault."""
        known = {fault.key for fault in self.faults}
        for error in errors:
            fault = worded(error, self.document.spots, self.root)
            follows = error["type"] == "missing" and fault.key in self.mistyped
            if fault.key not in known and not follows:
                self.faults.append(fault)

    def rules(self, sound: Settings) -> None:
        """Rules of entries that have no fault of their own."""
        faulty = {entry_of(fault.key) for fault in self.faults}
        for rule in broken_rules(sound):
            if entry_of(rule.at) not in faulty:
                self.fault(rule.at, rule.message, rule.allowed, value=rule.at in self.document.spots)

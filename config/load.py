"""The one place that reads YAML, files and the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from config.addresses import STORE_URL
from config.documents import Document, merge, parse
from config.faults import Fault, Faults, Key, Mark, Wrong, choice, dotted, nearest
from config.scalars import AUDIO, FILE, MUSIC, SECRET
from config.section import Refers, shown
from config.settings import Settings
from config.walk import Found, Unknown, broken_rules, walk
from config.wording import mark_of, place_of, worded

MOST_BYTES = 64_000_000
"""Of one YAML file."""
MOST_SECRET_BYTES = 64_000
ALWAYS_THERE: Mapping[tuple[str, ...], set[str]] = {
    ("profiles", "inbound"): {"default"},
    ("profiles", "outbound"): {"default"},
}
"""Names that can be referred to without being in the YAML."""


def load(path: Path | str, environ: Mapping[str, str]) -> Settings:
    """Read and check a deployment: a file, or a folder of *.yaml.

    Secrets come from `environ` and from files. Raises Faults with everything that is wrong.
    """
    place = Path(path)
    document = _read(place)
    return _settle(document, place if place.is_dir() else place.parent, environ, Mark(str(path), 1, 1))


def loads(
    text: str,
    environ: Mapping[str, str] | None = None,
    *,
    name: str = "settings.yaml",
    folder: Path | None = None,
) -> Settings:
    """The same for text; relative paths start from `folder` (the working folder when left out)."""
    document = parse(text, name)
    if not document.readable:
        raise Faults(document.faults)
    return _settle(document, folder or Path(), environ or {}, Mark(name, 1, 1))


def _read(place: Path) -> Document:
    """Every file of a deployment as one document. Raises Faults when one of them cannot be read."""
    try:
        files = _files(place)
        documents = [parse(_text(file), str(file)) for file in files]
    except Wrong as wrong:
        raise Faults([Fault(Mark(str(place), 1, 1), wrong.message, wrong.allowed)]) from wrong
    if not all(document.readable for document in documents):
        raise Faults(fault for document in documents for fault in document.faults)
    return merge(documents)


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    files = sorted(file for file in place.glob("*.yaml") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise Wrong(f"{place} has no *.yaml files", "a YAML file, or a folder with *.yaml files")
    return files


def _text(file: Path) -> str:
    try:
        raw = _bytes(file, MOST_BYTES)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Wrong(f"{file}: not UTF-8 in line {line}", "UTF-8 text") from error


def _bytes(file: Path, most: int) -> bytes:
    try:
        if file.stat().st_size > most:
            raise Wrong(f"{file} is too large", f"up to {most} bytes")
        return file.read_bytes()
    except OSError as error:
        raise Wrong(
            f"{file} cannot be read: {error.strerror}", "a file that exists and may be read"
        ) from error


def _settle(document: Document, folder: Path, environ: Mapping[str, str], root: Mark) -> Settings:
    """Check one document in every way before saying anything."""
    check = _Check(document, folder, environ, root)
    check.look()
    settings = check.validate()
    if check.faults or settings is None:
        raise Faults(check.faults)
    return settings.placed(document.spots, root)


@dataclass(slots=True)
class _Check:
    """One pass over a document; every fault is put in `faults`."""

    document: Document
    folder: Path
    environ: Mapping[str, str]
    root: Mark

    @property
    def faults(self) -> list[Fault]:
        return self.document.faults

    def fault(self, key: Key, message: str, allowed: str, *, value: bool = True) -> None:
        mark = mark_of(self.document.spots, key, self.root, value=value)
        self.document.fault(mark, key, message, allowed)

    def look(self) -> None:
        """Unknown keys, references, secrets and files: what the models mark but cannot look up."""
        for found in list(walk(Settings, self.document.tree)):
            match found:
                case Unknown(key=key, known=known):
                    self.unknown(key, known)
                case Found():
                    self.marked(found)

    def unknown(self, key: Key, known: Iterable[str]) -> None:
        name = str(key[-1])
        close = nearest(name, known)
        self.fault(
            key,
            "unknown key" + (f', nearest is "{close}"' if close else ""),
            choice(name, known),
            value=False,
        )

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
            what = dotted(to.section)
            self.fault(found.key, f"{shown(found.value)} is not in {what}", choice(found.value, known))

    def names(self, section: tuple[str, ...]) -> set[str]:
        place: Any = self.document.tree
        for name in section:
            place = place.get(name) if isinstance(place, dict) else None
        return {*(place if isinstance(place, dict) else ()), *ALWAYS_THERE.get(section, ())}

    def secret(self, found: Found) -> None:
        """Put what {env: NAME} or {file: path} stand for in their place."""
        try:
            text = self.reveal(found.value)
        except Wrong as wrong:
            self.fault(found.key, wrong.message, wrong.allowed)
            text = STAND_IN
        self.put(found.key, SecretStr(text))

    def reveal(self, form: Mapping[str, Any]) -> str:
        match form:
            case {"env": str(name), **rest} if not rest:
                text = self.environ.get(name)
                if not text:
                    state = "is not set" if text is None else "is empty"
                    raise Wrong(
                        f"the environment variable {name} {state}", "a variable with the secret in it"
                    )
                return text
            case {"file": str(path), **rest} if not rest:
                return self.contents(self.folder / path)
        raise Wrong("not a secret", "text in quotes, {env: NAME} or {file: path}")

    def contents(self, file: Path) -> str:
        try:
            text = _bytes(file, MOST_SECRET_BYTES).decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise Wrong(f"{file} is not text", "a file with the secret as UTF-8 text") from error
        if not text:
            raise Wrong(f"{file} is empty", "a file with the secret in it")
        return text

    def put(self, key: Key, value: object) -> None:
        place: Any = self.document.tree
        for part in key[:-1]:
            place = place[part]
        place[key[-1]] = value

    def file(self, found: Found) -> None:
        value = found.value
        if not isinstance(value, str) or value.startswith("builtin:") or "\0" in value:
            return
        if not (self.folder / value).is_file():
            self.fault(
                found.key, f"the file {self.folder / value} does not exist", "a file, seen from this YAML"
            )

    def validate(self) -> Settings | None:
        """Types and limits by the models, then the rules between keys on what is sound."""
        settings, errors = _validated(self.document.tree, self.folder)
        self.errors(errors)
        sound = settings if settings is not None else _sound(self.document.tree, self.folder)
        if sound is not None:
            self.rules(sound)
        return settings

    def errors(self, errors: Iterable[Any]) -> None:
        """Pydantic's errors, less those that follow from another fault."""
        meant = {(*fault.key[:-1], _nearest_of(fault)) for fault in self.faults}
        known = {fault.key for fault in self.faults}
        for error in errors:
            fault = worded(error, self.document.spots, self.root)
            if fault.key not in known and not (error["type"] == "missing" and fault.key in meant):
                self.faults.append(fault)

    def rules(self, sound: Settings) -> None:
        """Rules of entries that have no fault of their own."""
        faulty = {_entry(fault.key) for fault in self.faults}
        for rule in broken_rules(sound):
            if _entry(rule.at) not in faulty:
                self.fault(rule.at, rule.message, rule.allowed)


STAND_IN = "\N{REPLACEMENT CHARACTER}"
"""Takes a missing secret's place for the rest of the check, which fails anyway."""


def _nearest_of(fault: Fault) -> str:
    return fault.message.partition('unknown key, nearest is "')[2].rstrip('"')


def _entry(key: Key) -> Key:
    """The entry or section that a fault makes unsound."""
    return key[:2] if key and key[0] in ENTRIES else key[:1]


ENTRIES = frozenset(
    name
    for name, field in Settings.model_fields.items()
    if str(field.annotation).startswith("collections.abc.Mapping")
)
"""Sections whose keys are names, each entry of which can be sound for itself."""


def _validated(tree: Mapping[str, Any], folder: Path) -> tuple[Settings | None, list[Any]]:
    try:
        return Settings.model_validate(tree, context={"folder": folder}), []
    except ValidationError as error:
        return None, list(error.errors(include_url=False))


def _sound(tree: Mapping[str, Any], folder: Path) -> Settings | None:
    """What is left when all that pydantic found fault with is taken out; None when that is too little."""
    rest = deepcopy(dict(tree))
    for _ in range(4):
        settings, errors = _validated(rest, folder)
        if settings is not None:
            return settings
        for key in {place_of(error["loc"])[:2] for error in errors}:
            _cut(rest, key)
    return None


def _cut(tree: dict[str, Any], key: Key) -> None:
    """Take an entry out, or the section where there is no such entry."""
    if not key or key == ("sip",):
        tree["sip"] = {"domain": "example.invalid"}
        return
    section = tree.get(str(key[0]))
    if len(key) > 1 and isinstance(section, dict) and key[1] in section:
        del section[key[1]]
    elif key[0] == "sip":
        tree["sip"] = {"domain": "example.invalid"}
    else:
        tree.pop(str(key[0]), None)

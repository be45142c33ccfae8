"""The one place that reads YAML, files and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.check import checked
from config.documents import Document, merge, parse
from config.faults import Fault, Faults, Mark, Wrong
from config.settings import Settings

MOST_BYTES = 64_000_000
"""Of one YAML file."""
MOST_SECRET_BYTES = 64_000


def load(path: Path | str, environ: Mapping[str, str], *, unset: list[str] | None = None) -> Settings:
    """Read and check a deployment: a file, or a folder of *.yaml.

    Secrets come from `environ` and from files. Raises Faults with everything that is wrong. With `unset`, variables
    that are not set are no faults: their names are put there, and the settings are good for looking at only.
    """
    place = Path(path)
    document = _read(place)
    folder = place if place.is_dir() else place.parent
    return checked(document, Surroundings(folder, environ, unset), Mark(str(path), 1, 1))


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
    return checked(document, Surroundings(folder or Path(), environ or {}), Mark(name, 1, 1))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a deployment refers to outside of its YAML."""

    folder: Path
    """Where relative paths start from."""
    environ: Mapping[str, str]
    unset: list[str] | None = None
    """Takes the names of variables that are not set, where that is no fault."""

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        return (self.folder / path).is_file()

    def reveal(self, form: Mapping[str, Any]) -> str:
        """The secret that {env: NAME} or {file: path} stands for. Raises Wrong."""
        match form:
            case {"env": str(name), **rest} if not rest:
                return self._variable(name)
            case {"file": str(path), **rest} if not rest and "\0" not in path:
                return self._contents(self.folder / path)
        raise Wrong("not a secret", "text in quotes, {env: NAME} or {file: path}")

    def _variable(self, name: str) -> str:
        text = self.environ.get(name)
        if text is None and self.unset is not None:
            self.unset.append(name)
            return f"<{name} is not set>"
        if not text:
            state = "is not set" if text is None else "is empty"
            raise Wrong(f"the environment variable {name} {state}", "a variable with the secret in it")
        return text

    def _contents(self, file: Path) -> str:
        try:
            text = _bytes(file, MOST_SECRET_BYTES).decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise Wrong(f"{file} is not text", "a file with the secret as UTF-8 text") from error
        if not text:
            raise Wrong(f"{file} is empty", "a file with the secret in it")
        return text


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

"""What is wrong with a deployment, said so that a person can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

Key = tuple[str | int, ...]
"""The way to a place in the YAML: keys and list indices from the top."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file. Lines and columns count from 1, columns in characters."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong: where, what, and what would be right."""

    mark: Mark
    message: str
    """What is wrong, beginning with the key. Never shows a secret's value."""
    allowed: str
    """What is allowed in its place."""
    key: Key = field(default=(), compare=False)

    @property
    def path(self) -> str:
        """The file, as the caller named it."""
        return self.mark.path

    @property
    def line(self) -> int:
        return self.mark.line

    @property
    def column(self) -> int:
        return self.mark.column

    def __str__(self) -> str:
        return f"{self.mark}: {self.message}; allowed: {self.allowed}"


class Faults(Exception):
    """A deployment that cannot be used. `items` holds every fault found, in the order of the files."""

    def __init__(self, items: Iterable[Fault]) -> None:
        self.items: tuple[Fault, ...] = tuple(sorted(set(items)))
        super().__init__(self.items)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.items)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule between several keys that does not hold."""

    at: Key
    """The way from the section that says so to the culprit."""
    message: str
    allowed: str


class Wrong(ValueError):
    """A single value that cannot be used: what it is, and what is allowed."""

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.message = message
        self.allowed = allowed


def dotted(key: Key) -> str:
    """A key as people write it: queues.support.overflow.before[0].then."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, if any comes close."""
    found = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def listed(words: Iterable[str], most: int = 20) -> str:
    """Words for a message, cut short when they are many."""
    every = list(words)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def choice(word: str, known: Iterable[str]) -> str:
    """What is allowed where one of `known` is: the nearest first, then all."""
    every = sorted(known)
    if not every:
        return "nothing: none is defined"
    close = nearest(word, every) if len(every) > 1 else None
    return f'"{close}" (nearest) of {listed(every)}' if close else listed(every)

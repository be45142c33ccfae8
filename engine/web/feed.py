"""One stream of boards for any number of browsers: rendered once, at most four times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from engine.web.board import Board, BoardSource

APART = 0.25
"""Seconds between two issues at the least, however busy the engine is."""

Render = Callable[[Board], str]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the page that is sent only when what it shows is different."""

    shows: Callable[[Board], object]
    """The facts it is made from. Equal facts need no new rendering."""
    render: Render


@dataclass(frozen=True, slots=True)
class Piece:
    """A part as it was last rendered."""

    facts: object
    html: str
    issue: int
    """The issue that brought it."""


@dataclass(frozen=True, slots=True)
class Issue:
    """The whole page at one moment. Issues are numbered from 1."""

    number: int
    taken_at: float
    """Monotonic seconds."""
    pieces: Mapping[str, Piece]

    def since(self, seen: int) -> dict[str, str]:
        """HTML by part's name, of the parts that a browser which has seen issue `seen` lacks."""
        return {name: piece.html for name, piece in self.pieces.items() if piece.issue > seen}


class Feed:
    """Follows a source and keeps the latest issue. A slow viewer skips issues and holds up nobody."""

    def __init__(self, source: BoardSource, parts: Mapping[str, Part], apart: float = APART) -> None:
        self._source = source
        self._parts = parts
        self._apart = apart
        self._issue = Issue(0, 0.0, {})
        self._next = asyncio.Event()
        self._viewers = 0
        self._closed = False

    @property
    def viewers(self) -> int:
        """Browsers that are connected now."""
        return self._viewers

    @property
    def closed(self) -> bool:
        return self._closed

    async def run(self) -> None:
        """Publish what changes while anybody looks. Runs until cancelled; then every viewer is let go."""
        try:
            while True:
                await self._source.changed()
                if self._viewers:
                    self._publish()
                await asyncio.sleep(self._apart)
        finally:
            self.close()

    def close(self) -> None:
        """Let every viewer go. Safe to call twice."""
        self._closed = True
        self._next.set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While a viewer looks. The first one is given a fresh issue: nobody kept the last one up to date."""
        if not self._viewers:
            self._publish()
        self._viewers += 1
        try:
            yield
        finally:
            self._viewers -= 1

    async def after(self, seen: int) -> Issue | None:
        """The latest issue once it is later than `seen`; None when the feed is closed."""
        while not self._closed:
            if self._issue.number > seen:
                return self._issue
            await self._next.wait()
        return None

    def _publish(self) -> None:
        board = self._source.board()
        number = self._issue.number + 1
        pieces = {name: self._piece(name, board, number) for name in self._parts}
        self._issue = Issue(number, board.taken_at, pieces)
        self._next.set()
        self._next = asyncio.Event()

    def _piece(self, name: str, board: Board, number: int) -> Piece:
        part = self._parts[name]
        facts = part.shows(board)
        last = self._issue.pieces.get(name)
        if last is not None and last.facts == facts:
            return last
        return Piece(facts, part.render(board), number)

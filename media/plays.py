"""What one row is told to play, as the client sees it: at most one thing at a time, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from media.arena import ClipRef
from media.control import Command, Digit, Play, PromptEnded, RowRef, StopPlaying
from media.dtmf import KEYS
from media.ledger import PIECES, TICK


class Plays:
    """`tell` gives commands to the worker; `spare` gets keys that ended a play for which nobody waits any more."""

    def __init__(self, ref: RowRef, tell: Callable[[Command], None], spare: Callable[[Digit], None]) -> None:
        self._ref = ref
        self._tell = tell
        self._spare = spare
        self._number = 0
        self._going: tuple[int, asyncio.Future[str]] | None = None

    async def play(self, play: Play) -> str | None:
        """Give the command, with a number of its own, and wait for its end: the key that ended it, or None."""
        self.finish()
        self._number += 1
        number, over = self._number, asyncio.get_running_loop().create_future()
        self._going = number, over
        self._tell(Play(self._ref, number, play.pieces, play.every, play.times, play.keys))
        try:
            return await over or None
        except asyncio.CancelledError:
            if over.done() and not over.cancelled() and over.result():
                self._spare(Digit(self._ref, over.result(), 0))
            raise
        finally:
            if self._going is not None and self._going[0] == number:
                self._going = None
                self._tell(StopPlaying(self._ref, number))

    def finish(self, key: str = "") -> None:
        """Whatever goes on is over."""
        if self._going is not None:
            _, over = self._going
            self._going = None
            if not over.done():
                over.set_result(key)

    def ended(self, event: PromptEnded) -> None:
        """The worker says so. A key that crossed with our own end of that play is a key like any other."""
        if self._going is not None and self._going[0] == event.number:
            self.finish(event.key)
        elif event.key:
            self._spare(Digit(self._ref, event.key, 0))

    def resumed(self, playing: int) -> None:
        """Another worker took over; it goes on with the play of that number."""
        if self._going is not None and self._going[0] != playing:
            self.finish()


def order(ref: RowRef, clips: Iterable[ClipRef], every: float, times: int | None, interrupt: str) -> Play:
    """The command for it, without its number. Raises ValueError with what is wrong and what is allowed."""
    pieces = [(clip.at, clip.frames) for clip in clips]
    if not 1 <= len(pieces) <= PIECES:
        raise ValueError(f"{len(pieces)} clips to play one after the other: 1 to {PIECES} expected")
    if every < 0:
        raise ValueError(f"every {every:g} s: 0 or more expected")
    if times is not None and times < 1:
        raise ValueError(f"{times} times: 1 or more expected, or None for no end")
    if wrong := set(interrupt) - set(KEYS):
        raise ValueError(f"keys {''.join(sorted(wrong))}: {KEYS} expected")
    bits = sum(1 << KEYS.index(key) for key in set(interrupt))
    return Play(ref, 0, pieces, round(every * 1e9 / TICK), times or 0, bits)

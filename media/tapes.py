"""The recorder as the client sees it: which rows are being recorded, and the process that writes the
files."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from media.child import Child
from media.control import (
    Begin,
    Digit,
    MediaLost,
    Ready,
    Record,
    RecorderWord,
    RecordingEnded,
    RowRef,
    StopRecording,
)
from media.ledger import TICK, Ledger

_decode = msgspec.msgpack.Decoder(RecorderWord).decode

OnEvent = Callable[[Digit | MediaLost | RecordingEnded], None]
WHOLE: Final = 10.0
"""Seconds that files may take to become whole when the plane stops."""
_PAUSE: Final = 1.0
"""Seconds before a recorder that ended at once is started again."""


class Tapes:
    """Recordings under way. A recorder that dies is started again and goes on with the files that were
    open."""

    def __init__(self, ledgers: list[Ledger], wall: Callable[[], float]) -> None:
        self._ledgers = ledgers
        self._wall = wall
        self._child: Child | None = None
        self._open: dict[tuple[RowRef, str], tuple[Record, OnEvent]] = {}
        self._stopping: dict[tuple[RowRef, str], StopRecording] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._again: asyncio.TimerHandle | None = None
        self._wanted = False

    @property
    def pid(self) -> int | None:
        """Of the recorder process, while there is one."""
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Start the process, and tell it of every file that is open."""
        self._wanted, self._again = True, None
        child = self._child = Child("media.recorder", self._word, self._ended)
        child.send(
            Begin(-1, [ledger.rows for ledger in self._ledgers], 0), [ledger.fd for ledger in self._ledgers]
        )
        for known, (record, _) in self._open.items():
            child.send(msgspec.structs.replace(record, resume=True))
            if known in self._stopping:
                child.send(self._stopping[known])

    def record(self, ref: RowRef, path: Path, codec: str, on_event: OnEvent) -> None:
        """Begin a file. A row has one at a time: what was open for it ends."""
        if not self._wanted:
            on_event(RecordingEnded(ref, str(path), 0.0, 0, "no recorder is running"))
            return
        self.stop(ref)
        record = Record(ref, str(path), self._wall(), codec, self._tick())
        self._open[ref, str(path)] = record, on_event
        self._idle.clear()
        self._send(record)

    def stop(self, ref: RowRef) -> None:
        """End the row's file, if one is open. Its RecordingEnded follows."""
        for known in self._open:
            if known[0] == ref and known not in self._stopping:
                self._stopping[known] = StopRecording(ref, self._tick())
                self._send(self._stopping[known])

    def _tick(self) -> int:
        return (time.monotonic_ns() - self._ledgers[0].epoch) // TICK

    def _send(self, command: Record | StopRecording) -> None:
        if self._child is not None:
            self._child.send(command)

    def _word(self, data: bytes) -> None:
        word = _decode(data)
        match word:
            case RecordingEnded():
                self._whole(word)
            case Ready():
                return

    def _whole(self, word: RecordingEnded) -> None:
        self._stopping.pop((word.ref, word.path), None)
        known = self._open.pop((word.ref, word.path), None)
        if not self._open:
            self._idle.set()
        if known is not None:
            known[1](word)

    def _ended(self) -> None:
        """At once, unless it does not even come up."""
        young = self._child is not None and time.monotonic() - self._child.started < _PAUSE
        self._child = None
        if self._wanted:
            self._again = asyncio.get_running_loop().call_later(_PAUSE if young else 0.0, self.start)

    async def drain(self) -> None:
        """End every file, wait until they are whole, end the process."""
        for ref, _ in list(self._open):
            self.stop(ref)
        if self._wanted:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), WHOLE)
        self._wanted = False
        if self._again is not None:
            self._again.cancel()
        if self._child is not None:
            await self._child.stop(patience=WHOLE)
            self._child = None

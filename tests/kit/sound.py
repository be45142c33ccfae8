"""A media plane for flows in virtual time: remembers what everybody was told, and plays clips by the clock alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from engine.legs.sound import Clip, RowEvent
from media.control import MediaLost, NoRow, RecordingEnded, RowRef, Stream


@dataclass(frozen=True)
class FakeClip:
    name: str
    seconds: float


@dataclass(eq=False)
class FakeRow:
    sound: FakeSound
    ref: RowRef
    address: tuple[str, int]
    label: str
    on_event: Callable[[RowEvent], None]
    streams: list[Stream] = field(default_factory=list)
    hearing: RowRef | tuple[RowRef, ...] | Clip | None = None
    played: list[str] = field(default_factory=list)
    recording: Path | None = None
    open: bool = True
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def voices(self) -> set[RowRef]:
        """Whom the party hears, as the plane has it."""
        if isinstance(self.hearing, RowRef):
            return {self.hearing}
        return set(self.hearing) - {self.ref} if isinstance(self.hearing, tuple) else set()

    def aim(self, stream: Stream) -> None:
        assert stream.events is None or 0 <= stream.events <= 127, "as the plane takes them"
        self.streams.append(stream)

    def hear(self, source: RowRef | tuple[RowRef, ...] | Clip | None) -> None:
        self.hearing = source

    async def play(self, clip: Clip) -> None:
        assert isinstance(clip, FakeClip)
        if not self.open:
            return
        self.played.append(clip.name)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), clip.seconds)

    def record(self, path: Path) -> None:
        assert self.open, "nobody is recorded who has left"
        self.recording = path

    def lose(self) -> None:
        """The media process of this row is gone for good."""
        self.on_event(MediaLost(self.ref))

    def stop_recording(self) -> None:
        if self.recording is not None:
            ended = RecordingEnded(self.ref, str(self.recording), 0.0, 0)
            self.recording = None
            asyncio.get_running_loop().call_soon(self.on_event, ended)

    def close(self) -> None:
        if self.open:
            self.stop_recording()
            self.open = False
            self._closed.set()
            self.sound.rows.remove(self)


class FakeSound:
    """As many rows as asked for; the ones that are open are the ones not given back."""

    def __init__(self, host: str, most: int = 1000) -> None:
        self.host = host
        self.most = most
        self.rows: list[FakeRow] = []
        self._numbers = count()

    def open(
        self, label: str, on_event: Callable[[RowEvent], None], *, beside: RowRef | None = None
    ) -> FakeRow:
        if len(self.rows) >= self.most:
            raise NoRow(f"all {self.most} rows are in use")
        number = next(self._numbers)
        row = FakeRow(self, RowRef(0, number, 1), (self.host, 20000 + 2 * number), label, on_event)
        self.rows.append(row)
        return row

    def in_use(self) -> dict[str, int]:
        return {"rows": len(self.rows), "ports": len(self.rows)}

    async def all_closed(self) -> None:
        assert not self.rows

    async def load(self, path: Path) -> FakeClip:
        return FakeClip(path.name, 3.0)

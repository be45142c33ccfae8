"""A media plane for flows in virtual time: remembers what everybody was told, and plays clips by the clock alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from engine.legs.sound import Clip, RowEvent
from media.control import Digit, MediaLost, NoRow, RecordingEnded, RowRef, Stream
from media.quality import NOTHING, Quality


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
    measured: Quality = NOTHING
    """What a test says of the party's sound."""
    open: bool = True
    _interrupt: str = ""
    _over: asyncio.Future[str | None] | None = None

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

    async def play(
        self,
        clips: Clip | Sequence[Clip],
        *,
        every: float = 0.0,
        times: int | None = 1,
        interrupt: str = "",
    ) -> str | None:
        self._leave(None)
        over: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._interrupt, self._over = interrupt, over
        try:
            await self._sound([clips] if not isinstance(clips, Sequence) else clips, every, times, over)
        finally:
            if self._over is over:
                self._over = None
        return over.result() if over.done() else None

    async def _sound(
        self, clips: Sequence[Clip], every: float, times: int | None, over: asyncio.Future[str | None]
    ) -> None:
        now = asyncio.get_running_loop().time
        began, rounds = now(), 0
        while self.open and not over.done() and rounds != times:
            rounds += 1
            for clip in clips:
                assert isinstance(clip, FakeClip)
                if not over.done():
                    self.played.append(clip.name)
                    await _within(clip.seconds, over)
            if every and rounds != times:
                await _within((began - now()) % every, over)

    def press(self, key: str) -> None:
        """The party presses a key: it ends what plays, or is told as a Digit."""
        if key not in self._interrupt or not self._leave(key):
            self.on_event(Digit(self.ref, key, 100))

    def _leave(self, key: str | None) -> bool:
        """End what plays; False when nothing does."""
        over, self._over = self._over, None
        if over is None or over.done():
            return False
        over.set_result(key)
        return True

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

    def quality(self) -> Quality:
        return self.measured

    def close(self) -> None:
        if self.open:
            self.stop_recording()
            self.open = False
            self._leave(None)
            self.sound.rows.remove(self)


async def _within(seconds: float, over: asyncio.Future[str | None]) -> None:
    """Until so many seconds have passed, or it is over."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(over), seconds)


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

"""A row of the plane that only remembers what was asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.legs.sound import Clip
from media.control import RecordingEnded, RowRef, Stream
from media.laws import Law
from media.quality import Heard, Quality, Sent
from media.wavfile import WavFile


class FakeRow:
    """Records like the recorder: a file of silence that is whole when asked to stop."""

    def __init__(self, on_event: Callable[[RecordingEnded], None], fault: str | None = None) -> None:
        self._on_event = on_event
        self._fault = fault
        self.tape: WavFile | None = None
        self.path = Path()

    @property
    def ref(self) -> RowRef:
        return RowRef(0, 0, 1)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", 30000

    def aim(self, stream: Stream) -> None: ...

    def hear(self, source: RowRef | tuple[RowRef, ...] | Clip | None) -> None: ...

    async def play(
        self,
        clips: Clip | Sequence[Clip],
        *,
        every: float = 0.0,
        times: int | None = 1,
        interrupt: str = "",
    ) -> str | None: ...

    def record(self, path: Path) -> None:
        self.path = path
        if self._fault:
            self._on_event(RecordingEnded(self.ref, str(path), 0.0, 0, self._fault))
        else:
            self.tape = WavFile.create(path, Law.PCMU)

    def stop_recording(self) -> None:
        if self.tape:
            self.tape.finish(100)
            self._on_event(RecordingEnded(self.ref, str(self.path), 2.0, 3))

    def killed(self, frames: int) -> None:
        """Its recorder and engine died: the file is there, its header promises less than it holds."""
        assert self.tape
        self.tape.close()
        with self.path.open("ab") as file:
            file.write(b"\x11" * (frames * 160 + 80))

    def quality(self) -> Quality:
        return Quality(Heard(90, 10, 5, 2.5, 3.21), Sent(100, 0, None, None, None, None), None)

    def close(self) -> None: ...

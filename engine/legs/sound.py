"""What a leg asks of the media plane. media.client speaks it for real; flows in virtual time use a fake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from media.control import Digit, MediaLost, RecordingEnded, RowRef, Stream
from media.quality import Quality

RowEvent = Digit | MediaLost | RecordingEnded


class Clip(Protocol):
    """Sound that was decoded once and can be played by any number of rows."""

    @property
    def seconds(self) -> float: ...


class Row(Protocol):
    """One party's RTP socket and its row in the plane. Everything but `play` is applied in the next 5 ms phase."""

    @property
    def ref(self) -> RowRef: ...

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that our SDP names; known before anything is sent."""
        ...

    def aim(self, stream: Stream) -> None:
        """Send there, in that form, from now on. Called once per completed offer/answer."""

    def hear(self, source: RowRef | tuple[RowRef, ...] | Clip | None) -> None:
        """What the party hears: another row, several, a clip as music (all listeners at one position), or silence.

        Of several rows its own is left out. Raises ValueError for more than media.control.MOST.
        """

    async def play(
        self,
        clips: Clip | Sequence[Clip],
        *,
        every: float = 0.0,
        times: int | None = 1,
        interrupt: str = "",
    ) -> str | None:
        """Play clips one after the other without a gap, so many `times` (None: until it is stopped).

        `every` is seconds from one beginning to the next, as in "an announcement every 30 s"; between two, what
        the row hears is heard. A beginning that falls into the sound before it is left out, so 12 s every 10 s
        begin every 20 s; 0 is one round right after the other.

        Returns None when the last frame was sent, or the key of `interrupt` that the party pressed: the sound stops
        as the key goes down. That press is told by the result alone, not as a Digit; keys that are not in
        `interrupt`, and one that was down before, are Digits as ever. A second play ends the first, closing ends
        any. Cancelling stops the sound.
        """

    def record(self, path: Path) -> None:
        """Record what this party says, from now on, to a WAV of its own. A RecordingEnded follows the end."""

    def stop_recording(self) -> None: ...

    def quality(self) -> Quality:
        """How well the party is heard and hears, so far; once closed, as it was then. Never waits or raises."""
        ...

    def close(self) -> None:
        """Give the row and its port back. Safe to call twice."""


class Sound(Protocol):
    """The media plane of this node."""

    def open(self, label: str, on_event: Callable[[RowEvent], None], *, beside: RowRef | None = None) -> Row:
        """A fresh row with a bound port, without waiting. `beside` asks for the same worker. Raises NoRow when full."""
        ...

    def in_use(self) -> dict[str, int]:
        """What was handed out and not given back: "rows" and "ports"."""
        ...

    async def all_closed(self) -> None:
        """Returns once nothing is in use: a row that is closed counts until the media process has let go of it."""
        ...

    async def load(self, path: Path) -> Clip:
        """Decode a file, or compose builtin:hold, builtin:wait or builtin:transfer; once, then cached.

        Raises BadClip with what is wrong with it.
        """
        ...

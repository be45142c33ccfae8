"""The words between the engine and the media processes."""

from __future__ import annotations

import msgspec


class RowRef(msgspec.Struct, frozen=True, array_like=True):
    """One party's place in the plane. The generation changes with every owner, so that a stale reference is silence."""

    worker: int
    row: int
    generation: int


class Stream(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What offer/answer settled for one party's RTP, as seen from us: where to send and in what form."""

    host: str
    port: int
    codec: str
    """Encoding name as in a=rtpmap: PCMU or PCMA."""
    payload: int
    """Payload type of the codec, 0..127."""
    events: int | None
    """Payload type of telephone-event (RFC 4733), None when not negotiated."""
    ptime: int = 20
    """Milliseconds of audio in each packet we send: 10..60."""
    sends: bool = True
    """False while the far end asked us to be quiet (we are recvonly or inactive)."""
    hears: bool = True
    """False while the far end sends nothing (sendonly from us, or inactive)."""


class Digit(msgspec.Struct, frozen=True, tag=True):
    """A DTMF key the party pressed, once per press, whatever way it came."""

    ref: RowRef
    key: str
    """One of 0-9 * # A-D."""
    milliseconds: int


class MediaLost(msgspec.Struct, frozen=True, tag=True):
    """The worker of this row ended and could not be brought back: the party hears nothing any more."""

    ref: RowRef


class Record(msgspec.Struct, frozen=True, tag=True):
    """To the recorder: keep what this party says. One of the same row that still runs ends at `tick`."""

    ref: RowRef
    path: str
    tick: int
    """First tick of the file, (monotonic time - epoch) / 20 ms. Frame i of the file is tick + i."""
    codec: str = "PCMU"
    """PCMU or PCMA: the form of the file; what comes in the other form is converted."""
    resume: bool = False
    """Go on with the file that a killed recorder left, silence for the hole. Else the name must be free."""


class StopRecording(msgspec.Struct, frozen=True, tag=True):
    """To the recorder: the recording of this row ends before `tick`. A RecordingEnded follows."""

    ref: RowRef
    tick: int


class RecordingEnded(msgspec.Struct, frozen=True, tag=True):
    """A WAV is whole on disk: header right, nothing buffered."""

    ref: RowRef
    path: str
    seconds: float
    gaps: int
    """20 ms frames that were missing from the party's stream and are silence in the file."""
    fault: str | None = None
    """Why it ended before it was asked to (disk full, no permission); None for an ordinary end."""


class NoRow(Exception):
    """Every row or every RTP port of this node is in use."""


class BadClip(Exception):
    """A sound file that cannot be played; the text says which file, what is wrong and what is allowed."""

"""The words between the engine and the media processes."""

from __future__ import annotations

from typing import Final

import msgspec


class RowRef(msgspec.Struct, frozen=True, array_like=True):
    """One party's place in the plane. The generation changes with every owner, so that a stale reference is
    silence."""

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


# ------------------------------------------------------------------------------- from the client to a worker


class Open(msgspec.Struct, frozen=True, tag=True):
    """Take a row. Its two sockets (RTP, RTCP) come with the message, in the order of its Opens."""

    ref: RowRef
    ssrc: int
    seq: int
    stamp: int


class Aim(msgspec.Struct, frozen=True, tag=True):
    """Speak to that address in that form."""

    ref: RowRef
    stream: Stream


class Hear(msgspec.Struct, frozen=True, tag=True):
    """The party hears other rows, a clip as shared music (first frame, frames), or silence."""

    ref: RowRef
    sources: tuple[RowRef, ...] = ()
    """Whose voices: one is copied, several are summed; MOST at most. The party's own is left out if it is
    among them, so that all of a conference can name one set, which is then summed once."""
    clip: tuple[int, int] | None = None


class Play(msgspec.Struct, frozen=True, tag=True):
    """Play clips one after the other, above what is heard. A PromptEnded of that number follows, unless
    stopped."""

    ref: RowRef
    number: int
    pieces: list[tuple[int, int]]
    """Of each clip its first arena frame and its frames; 1 to media.ledger.PIECES of them."""
    every: int = 0
    """Ticks from one beginning to the next; 0 = one right after the other. A beginning that falls into the
    sound before it is left out."""
    times: int = 1
    """How often all of it is played; 0 = until it is stopped."""
    keys: int = 0
    """Keys that end it, as bits by RFC 4733 event number."""


class StopPlaying(msgspec.Struct, frozen=True, tag=True):
    """End what that Play began, if it still goes on."""

    ref: RowRef
    number: int


class Close(msgspec.Struct, frozen=True, tag=True):
    """Give the row up: nothing is sent or heard from the next phase on."""

    ref: RowRef


Command = Open | Aim | Hear | Play | StopPlaying | Close


class Commands(msgspec.Struct, frozen=True, tag=True):
    """Commands in order; the last one has the number `last`."""

    last: int
    commands: list[Command]


class Adopted(msgspec.Struct, frozen=True, array_like=True):
    """A row that a restarted worker finds in its ledger; its two sockets come with the message."""

    row: int
    generation: int


class Begin(msgspec.Struct, frozen=True, tag=True):
    """The first message to a worker or recorder. Memory comes with it: the ledgers in order, then the
    arena."""

    me: int
    """Number of this worker; -1 for the recorder."""
    rows: list[int]
    """Rows of each ledger."""
    arena_frames: int


class Adopt(msgspec.Struct, frozen=True, tag=True):
    """Rows of a worker that died, for the one that takes over."""

    rows: list[Adopted]


ClientWord = Begin | Adopt | Commands

# ------------------------------------------------------------------------------- from a worker to the client


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The process runs; `scheduling` says in what class: real-time, nice or ordinary."""

    scheduling: str


class Applied(msgspec.Struct, frozen=True, tag=True):
    """All commands up to number `last` hold since this tick."""

    last: int
    tick: int


class PromptEnded(msgspec.Struct, frozen=True, tag=True):
    """The last frame of a Play was sent, or a key ended it."""

    ref: RowRef
    number: int
    key: str = ""
    """The key that ended it. No Digit follows for that press."""


LATENESS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Milliseconds."""


class WorkerReport(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What a worker did in the last second."""

    worker: int
    rows: int
    received: int
    sent: int
    send_errors: int
    missing: int
    """Frames that were not there when they were due."""
    late: int
    """Packets that came after their phase."""
    reports: int = 0
    """RTCP packets of parties that were read."""
    bad_reports: int = 0
    """RTCP packets of parties that were not as RFC 3550 has them."""
    deeper: int
    shallower: int
    skipped: int
    """Ticks left out because the loop was a whole tick late."""
    lateness_p99: float
    """Milliseconds a phase began after its time."""
    lateness_max: float
    lateness: list[int]
    """Phases by how late they began, in steps of LATENESS and one beyond the last."""
    lateness_total: float
    """Milliseconds of all of them."""
    busy: float
    """Share of the second spent working, 0..1."""


WorkerWord = Ready | Applied | Digit | PromptEnded | WorkerReport

# ------------------------------------------------------------------------------- with the recorder


class Record(msgspec.Struct, frozen=True, tag=True):
    """Write what this row's owner says from now on to a WAV of its own. `codec` is PCMU or PCMA: the file's
    law."""

    ref: RowRef
    path: str
    wall: float
    """Seconds since 1970 at which it was asked for."""
    codec: str
    tick: int | None = None
    """The same moment as the file's first tick, (CLOCK_MONOTONIC - epoch) // TICK; frame i of the file is
    tick + i. None: the tick in which this is read."""
    resume: bool = False
    """Go on with the file that a killed recorder left, silence for the hole. Else the name must be free."""


class StopRecording(msgspec.Struct, frozen=True, tag=True):
    """Finish this row's file. A RecordingEnded follows. Another Record of the row means it too."""

    ref: RowRef
    tick: int | None = None
    """First tick that is no longer wanted; None: the present one."""


RecorderCommand = Record | StopRecording
RecorderWord = Ready | RecordingEnded

MOST: Final = 64
"""Rows that one row can hear at once."""
MESSAGE: Final = 65_536
"""Octets a control message may have at most."""
BATCH: Final = 100
"""Commands in one message at most: their sockets and their octets must fit. Hearing many counts as more."""
FDS: Final = 240
"""Descriptors that ride with one message at most (the kernel takes 253)."""

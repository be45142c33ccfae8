"""Shared memory of one worker: what each party was heard to say, frame by frame, and all that must outlive
the worker.

The ring is the jitter buffer, the bridge and the recorder's source in one. It has SLOTS ticks of 20 ms; a
tick has four
phases of 5 ms. Phase `m` counts from the epoch all processes share (`head[EPOCH]`, CLOCK_MONOTONIC
nanoseconds):

    tick(m) = m // PHASES            slot(m) = tick(m) % SLOTS           monotonic ns of phase m = epoch + m
    * STEP

A cell [slot][row] holds the frame that was due at phase `due`, said by the row's owner of generation `gen`,
in the G.711
law `law`. A reader wants a party (row, generation) at a tick: any other `gen`, or a `due` of another tick,
is silence.
A tick whose phase has run is final: at monotonic time t, every tick below tick(t) - 1 can be read until
SLOTS - 8 ticks later.

Writers: `owner` and everything else is written by the worker alone; other processes only read, but for
`head[EPOCH]`,
which the client writes before any worker starts. On x86 the stores of a cell are seen in program order,
`due` last.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media.control import MOST
from media.g711 import FRAME

SLOTS: Final = 64
"""Ticks in the ring: 1.28 s."""
PHASES: Final = 4
"""Phases in a tick."""
STEP: Final = 5_000_000
"""Nanoseconds of a phase."""
TICK: Final = PHASES * STEP

PIECES: Final = 32
"""Clips that one Play may have."""

EMPTY, VOICE, MISSING, EVENT, STRETCHED, NOISE = range(6)
"""What a cell holds: nothing yet; what the party sent; a guess for a lost packet; silence under an RFC 4733
key;
a repeated frame that stands for 20 ms of clock drift; comfort noise (RFC 3389)."""

EPOCH, NOW, APPLIED, SHIFTS = range(4)
"""Places in `head`: the epoch; the last phase that ran; the number of the last command applied; a count of
changes of
`c` or `owner`, by which the other workers see that their lists are stale."""

NOTHING, SILENT, BRIDGE, LOOP, MIX = range(5)
"""Kinds of sound a row sends: no packets; silence; another row; a clip as shared music; the sum of a set of
rows."""

_RING: Final = (
    ("frame", np.uint8, (FRAME,)),
    ("tag", np.uint64, (2,)),
)
_ROWS: Final = (
    ("owner", np.uint32),
    ("aimed", np.uint8),
    ("aim_host", "S46"),
    ("aim_port", np.uint16),
    ("payload", np.uint8),
    ("codec", np.uint8),
    ("events", np.int16),
    ("ptime", np.uint8),
    ("sends", np.uint8),
    ("hears", np.uint8),
    ("kind", np.uint8),
    ("src_w", np.uint8),
    ("src", np.int32),
    ("src_gen", np.uint32),
    ("mix", np.int32),
    ("loop_at", np.int64),
    ("loop_len", np.int64),
    ("clip", np.uint32),
    ("clip_at", np.int64),
    ("clip_len", np.int64),
    ("clip_from", np.int64),
    ("play", np.uint32),
    ("play_from", np.int64),
    ("play_every", np.int64),
    ("play_left", np.int64),
    ("play_next", np.int64),
    ("play_keys", np.uint16),
    ("piece", np.uint8),
    ("piece_count", np.uint8),
    ("ssrc", np.uint32),
    ("sent", np.int64),
    ("latched", np.uint8),
    ("peer_host", "S46"),
    ("peer_port", np.uint16),
    ("anchored", np.uint8),
    ("heard", np.uint32),
    ("base", np.uint32),
    ("c", np.int64),
    ("slack", np.int64),
    ("first_seq", np.uint32),
    ("high_seq", np.uint32),
    ("received", np.uint32),
    ("jitter", np.float32),
    ("corrections", np.uint32),
    ("late", np.uint32),
    ("past_expected", np.uint32),
    ("past_received", np.uint32),
    ("sr_mid", np.uint32),
    ("sr_at", np.int64),
    ("rtcp_port", np.uint16),
    ("told", np.uint32),
    ("far_expected", np.uint32),
    ("far_lost", np.int32),
    ("far_fraction", np.uint8),
    ("far_jitter", np.uint32),
    ("round_trip", np.int64),
)

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
U32 = NDArray[np.uint32]


class Ledger:
    """One worker's ring and row columns, mapped from a memfd.

    A memfd, because `multiprocessing.shared_memory` is unlinked for everybody when one process that attached
    it is killed.
    """

    head: I64
    frame: U8
    """[slot][row][byte]"""
    tag: NDArray[np.uint64]
    """[slot][row]: `due`, then `gen`, `law` and `state` from the low bits up (32, 8, 8). The four below are
    views of it."""
    due: I64
    gen: U32
    law: U8
    state: U8
    owner: U32
    """Generation that owns the row; 0 = free."""
    aimed: U8
    """1 once a Stream was given; its form is in the columns from aim_host to hears."""
    aim_host: NDArray[np.bytes_]
    aim_port: NDArray[np.uint16]
    payload: U8
    codec: U8
    """Law the party speaks and is spoken to in."""
    events: NDArray[np.int16]
    ptime: U8
    sends: U8
    hears: U8
    kind: U8
    src_w: U8
    src: NDArray[np.int32]
    src_gen: U32
    mix: NDArray[np.int32]
    """Which of the sets below a row of kind MIX hears; its own voice, if it is in there, is left out."""
    parts: U32
    """[set][part]: worker, row and generation of those who are in a set."""
    parts_n: NDArray[np.int32]
    """[set]: how many are. A set that no row hears is free. There are as many sets as rows: always enough."""
    loop_at: I64
    """First arena frame of the music; the frame played is loop_at + tick % loop_len."""
    loop_len: I64
    clip: U32
    """Number of the Play whose clip sounds above `kind` just now; 0 = none, or between two of its rounds."""
    clip_at: I64
    clip_len: I64
    clip_from: I64
    """Tick in which the clip's first frame is sent; -1 = it was not sent yet."""
    play: U32
    """Number of the Play that goes on, whether it sounds or pauses; 0 = none."""
    play_from: I64
    """Tick in which the Play's very first frame was sent; -1 = not yet."""
    play_every: I64
    play_left: I64
    """Rounds that are not over, the present one included; 0 = no end."""
    play_next: I64
    """While it pauses: tick of its next beginning."""
    play_keys: NDArray[np.uint16]
    piece: U8
    """Which of `pieces` is in clip_at and clip_len."""
    piece_count: U8
    pieces: I64
    """[row][clip of the Play] -> first arena frame, frames."""
    ssrc: U32
    position: U32
    """[row]: of the packets sent, RTP timestamp, sequence number (low 16 bits) and count. The three below
    are views."""
    stamp: U32
    seq: U32
    packets: U32
    sent: I64
    """Phase of the last packet sent; -1 = none yet."""
    latched: U8
    """1 when the socket is connected to peer_host:peer_port."""
    peer_host: NDArray[np.bytes_]
    peer_port: NDArray[np.uint16]
    anchored: U8
    """1 when `base` and `c` belong to the stream `heard`: the frame at RTP timestamp t is due at
    phase c + PHASES * ((t - base) // 160)."""
    heard: U32
    base: U32
    c: I64
    slack: I64
    """Nanoseconds between a packet's arrival and its phase, when last sampled."""
    first_seq: U32
    high_seq: U32
    received: U32
    jitter: NDArray[np.float32]
    """RFC 3550 6.4.1 interarrival jitter in timestamp units, from sampled packets."""
    corrections: U32
    """20 ms frames put in or left out because the party's clock differs from ours."""
    late: U32
    """Packets that came after their phase and were not heard."""
    past_expected: U32
    """Packets of the row's earlier streams, by their sequence numbers."""
    past_received: U32
    """Of those, the ones that came."""
    sr_mid: U32
    """Middle 32 bits of the NTP time of the party's last sender report; 0 = none came."""
    sr_at: I64
    """Nanoseconds since phase 0 at which it came."""
    rtcp_port: NDArray[np.uint16]
    """Where the party's RTCP comes from; 0 = none came."""
    told: U32
    """Reports the party sent about what it hears of us; what the last one said is in the columns below."""
    far_expected: U32
    """Packets we had sent up to the last one it knew of."""
    far_lost: NDArray[np.int32]
    far_fraction: U8
    """Lost between its last two reports, in 256ths."""
    far_jitter: U32
    """In timestamp units."""
    round_trip: I64
    """Nanoseconds to the party and back by the last report that told; 0 = not known."""

    def __init__(self, fd: int, rows: int) -> None:
        self.fd = fd
        self.rows = rows
        size = self.size(rows)
        if os.fstat(fd).st_size < size:
            os.ftruncate(fd, size)
        memory = mmap.mmap(fd, size)
        at = 0
        for name, dtype, shape in self._fields(rows):
            count = int(np.prod(shape))
            setattr(self, name, np.frombuffer(memory, dtype, count, at).reshape(shape))
            at += _padded(count * dtype.itemsize)
        self.due = self.tag.view(np.int64)[..., 0]
        self.gen = self.tag.view(np.uint32)[..., 2]
        self.law, self.state = self.tag.view(np.uint8)[..., 12], self.tag.view(np.uint8)[..., 13]
        self.stamp, self.seq, self.packets = self.position[:, 0], self.position[:, 1], self.position[:, 2]
        self.cells: NDArray[np.void] = self.frame.reshape(-1).view(f"V{FRAME}")
        """[slot * rows + row] -> the frame as one thing: copied faster than 160 octets."""
        self.marks: NDArray[np.complex128] = self.tag.reshape(-1).view(np.complex128)
        """[slot * rows + row] -> the tag as one thing."""

    @classmethod
    def create(cls, rows: int, name: str = "ledger") -> Ledger:
        """Fresh memory: every row free, every cell empty."""
        ledger = cls(os.memfd_create(name), rows)
        ledger.due[:] = -1
        ledger.sent[:] = -1
        ledger.events[:] = -1
        return ledger

    @classmethod
    def size(cls, rows: int) -> int:
        return sum(_padded(int(np.prod(shape)) * dtype.itemsize) for _, dtype, shape in cls._fields(rows))

    @staticmethod
    def _fields(rows: int) -> Iterator[tuple[str, np.dtype[Any], tuple[int, ...]]]:
        yield "head", np.dtype(np.int64), (8,)
        yield "parts", np.dtype(np.uint32), (rows, MOST, 3)
        yield "parts_n", np.dtype(np.int32), (rows,)
        for name, dtype, shape in _RING:
            yield name, np.dtype(dtype), (SLOTS, rows, *shape)
        yield "position", np.dtype(np.uint32), (rows, 4)
        yield "pieces", np.dtype(np.int64), (rows, PIECES, 2)
        for name, kind in _ROWS:
            yield name, np.dtype(kind), (rows,)

    @property
    def epoch(self) -> int:
        """CLOCK_MONOTONIC nanoseconds of phase 0."""
        return int(self.head[EPOCH])

    def wipe(self, row: int, generation: int) -> None:
        """Hand a row to a new owner (0 = nobody): nothing of the one before stays."""
        self.owner[row] = generation
        self.due[:, row] = -1
        self.position[row] = 0
        for name, _ in _ROWS:
            if name != "owner":
                getattr(self, name)[row] = b"" if name.endswith("host") else 0
        self.sent[row] = self.events[row] = -1
        self.head[SHIFTS] += 1


def expected(ledger: Ledger, row: int) -> int:
    """Packets of the stream the row hears now, by its sequence numbers (RFC 3550 A.3)."""
    return max(int(ledger.high_seq[row]) - int(ledger.first_seq[row]) + 1, 0)


def _padded(size: int) -> int:
    return (size + 63) & ~63

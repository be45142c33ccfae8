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

EMPTY, VOICE, MISSING, EVENT, STRETCHED = range(5)
"""What a cell holds: nothing yet; what the party sent; a guess for a lost packet; silence under an RFC 4733
key;
a repeated frame that stands for 20 ms of clock drift."""

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
    """Number of the one-shot clip that plays above `kind`; 0 = none."""
    clip_at: I64
    clip_len: I64
    clip_from: I64
    """Tick in which the clip's first frame is sent."""
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


def _padded(size: int) -> int:
    return (size + 63) & ~63

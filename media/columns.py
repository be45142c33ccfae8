"""The arrays of one worker, a row per party, and which rows are worked on in which phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.arena import Arena
from media.control import RowRef
from media.g711 import FRAME
from media.ledger import BRIDGE, I64, MIX, PHASES, SHIFTS, U8, U32, VOICE, Ledger
from media.mix import Blend

Rows = NDArray[np.intp]
"""Indices of rows."""

WIDEST: Final = 512
"""Octets of the longest packet read: 60 ms of G.711 and a fat header."""
HEADER: Final = 12
PACKET: Final = HEADER + FRAME
SPACED: Final = 176
"""Octets from one packet to send to the next: a multiple of eight, so that headers can be written by the
word."""
STAMPS: Final = FRAME // PHASES
"""Timestamp units of a phase."""
MARKER: Final = 0x00800000
NEVER: Final = -(1 << 40)
"""A phase long before any."""


class Hearing:
    """The rows read in one phase, and what an ordinary packet of each looks like in it."""

    def __init__(self, columns: Columns, rows: Rows) -> None:
        ledger = columns.ledger
        self.rows = rows
        self.sockets = [columns.sockets[row] for row in rows.tolist()]
        self.views = [columns.rx_views[row] for row in rows.tolist()]
        self.index = (rows * (WIDEST // 4))[:, None] + np.arange(3)
        """Places of each row's first three words in `rx`."""
        self.words = np.empty((len(rows), 3), np.uint32)
        """Those words as they must be, octets as on the wire: version and payload type, timestamp, SSRC."""
        anchored = ledger.anchored[rows] != 0
        self.words[:, 0] = np.where(anchored, columns.want[rows], np.uint32(0)).byteswap()
        self.words[:, 2] = ledger.heard[rows].byteswap()
        self.stamp = ledger.base[rows] - (ledger.c[rows] * STAMPS).astype(np.uint32)
        """Timestamp due at phase 0."""
        self.tags = np.zeros((len(rows), 2), np.uint64)
        self.tags[:, 1] = mark(ledger.owner[rows], ledger.codec[rows], VOICE)
        self.marks = self.tags.view(np.complex128)[:, 0]
        self.ticks = 0
        """Packets each row has had, one after the other, since they were last counted in the ledger."""
        self.followed = False
        """Whether the sequence numbers in the ledger are those of the packets before `ticks`."""

    def settle(self, ledger: Ledger) -> None:
        """Bring the counts of each row up to date."""
        if self.ticks:
            ledger.received[self.rows] += np.uint32(self.ticks)
            ledger.high_seq[self.rows] += np.uint32(self.ticks)
            self.ticks = 0


class Crossing(NamedTuple):
    """Rows that send what rows of one worker said."""

    worker: int
    rows: Rows
    sources: Rows
    want: NDArray[np.uint64]
    """Second word of the tag of what may be sent: the source's generation, the listener's law."""
    lag: int
    """Phases from the due phase of a frame to its sending: 0, or 1 when that worker's grid is later than
    ours."""


class Music(NamedTuple):
    """Rows that hear a clip all others hear at the same place."""

    rows: Rows
    first: I64
    """Arena frame of the clip's beginning, in the row's law."""
    frames: I64


class Speaking:
    """The rows that send in one phase, by what they send and how."""

    def __init__(
        self,
        columns: Columns,
        rows: Rows,
        bridges: list[Crossing],
        blend: Blend | None,
        music: Music,
        clips: Rows,
    ) -> None:
        ledger = columns.ledger
        self.rows = rows
        self.bridges = bridges
        self.blend = blend
        self.music = music
        self.clips = clips
        odd = ledger.ptime[rows] != 20
        loose = ~odd & (ledger.latched[rows] == 0)
        self.regular = rows[~odd]
        """Rows whose packets are 20 ms: their headers are written as columns."""
        self.packed: list[int] = rows[odd].tolist()
        self.loose: list[int] = rows[loose].tolist()
        """Regular rows whose socket is not connected yet."""
        connected = rows[~odd & ~loose].tolist()
        self.sockets = [columns.sockets[row] for row in connected]
        self.views = [columns.tx_views[row] for row in connected]
        self.first = 0x80000000 | columns.tx[self.regular, 1].astype(np.uint32) << np.uint32(16)
        """First word of each packet but for the sequence number."""
        self.marked = bool((self.first & np.uint32(MARKER)).any())
        self.position = ledger.position[self.regular]
        self.positions = self.position.view(np.complex128)
        self.head = np.zeros((len(self.regular), 2), np.uint32)
        self.heads = self.head.view(np.uint64)[:, 0]


def mark(generation: U32, law: U8, state: int) -> NDArray[np.uint64]:
    """Second words of cells' tags."""
    word = generation.astype(np.uint64) | law.astype(np.uint64) << np.uint64(32)
    word |= np.uint64(state << 40)
    return word


@dataclass
class Counts:
    """What was done since the last report."""

    received: int = 0
    sent: int = 0
    send_errors: int = 0
    missing: int = 0
    late: int = 0
    deeper: int = 0
    shallower: int = 0
    skipped: int = 0
    silenced: int = 0
    strangers: int = 0
    reports: int = 0
    bad_reports: int = 0


@dataclass
class Columns:
    """What the parts of a plane share. `ledger` is the one of this worker."""

    me: int
    ledgers: Sequence[Ledger]
    arena: Arena
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.ledger = self.ledgers[self.me]
        rows = self.rows = self.ledger.rows
        self.rx = np.zeros((rows, WIDEST), np.uint8)
        self.rx16 = self.rx.view(">u2")
        self.rx32 = self.rx.view(">u4")
        self.tx = np.zeros((rows, SPACED), np.uint8)
        self.tx16 = self.tx.view(">u2")
        self.tx32 = self.tx.view(">u4")
        self.tx_heads = self.tx.view(np.uint64)[:, 0]
        self.rx_words = self.rx.view(np.uint32).reshape(-1)
        self.rx_frames: NDArray[np.void] = np.ndarray((rows,), f"V{FRAME}", self.rx.data, HEADER, (WIDEST,))
        self.tx_frames: NDArray[np.void] = np.ndarray((rows,), f"V{FRAME}", self.tx.data, HEADER, (SPACED,))
        self.sounds: NDArray[np.void] = self.arena.frames.reshape(-1).view(f"V{FRAME}")
        self.rx_views = [row.data for row in self.rx]
        self.tx_views = [row[:PACKET].data for row in self.tx]
        self.sockets: list[Any] = [None] * rows
        self.rtcp_sockets: list[Any] = [None] * rows
        self.awake = np.zeros(rows, bool)
        """Rows read in every tick; the others are watched by epoll."""
        self.want = np.zeros(rows, np.uint32)
        """First word of an ordinary packet of the row's stream, its sequence number masked out; 0 = none
        is."""
        self.last_due = np.full(rows, NEVER, np.int64)
        """Due phase of the last frame stored."""
        self.keyed_until = np.full(rows, NEVER, np.int64)
        """Up to this phase an RFC 4733 key stands in for voice."""
        self.noise_until = np.full(rows, NEVER, np.int64)
        """Up to this phase comfort noise stands in for voice, if no voice came since it was told."""
        self.noise_after = np.full(rows, NEVER, np.int64)
        """What `last_due` was when it was told."""
        self.txphase = np.full(rows, -1, np.int64)
        """Phase in which the row sends, -1 = none yet."""
        self.renewed = np.zeros(rows, bool)
        """Rows that are about to send something else, perhaps in another phase: their timestamps follow the
        clock."""
        self.rx_stale = [True] * PHASES
        self.tx_stale = [True] * PHASES
        self.retune = True
        """Some row may have to send in another phase."""

    def ref(self, row: int) -> RowRef:
        return RowRef(self.me, row, int(self.ledger.owner[row]))

    def frames(self) -> NDArray[np.uint8]:
        """The ring as [cell][byte]; the cell of a row at a due phase is `cell(due, row)`."""
        return self.ledger.frame.reshape(-1, FRAME)

    def heard_in(self, *phases: int) -> None:
        """A row is read in other phases than before: whoever sends what it says may have to follow."""
        for phase in phases:
            self.rx_stale[phase % PHASES] = True
        self.retune = True
        self.ledger.head[SHIFTS] += 1

    def spoken_to(self, row: int) -> None:
        """What the row sends, or how, has changed."""
        self.renewed[row] = self.retune = True
        if self.txphase[row] >= 0:
            self.tx_stale[self.txphase[row]] = True

    def lag(self, worker: int) -> int:
        """Workers' grids are offset by their number: a later one's frame is sent one phase after it was
        due."""
        return int(worker > self.me)

    def bridged(self) -> NDArray[np.bool_]:
        ledger = self.ledger
        bridged: NDArray[np.bool_] = (ledger.kind == BRIDGE) & (ledger.clip == 0)
        return bridged

    def mixing(self) -> NDArray[np.bool_]:
        ledger = self.ledger
        mixing: NDArray[np.bool_] = (ledger.kind == MIX) & (ledger.clip == 0)
        return mixing

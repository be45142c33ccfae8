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
from media.ledger import BRIDGE, I64, PHASES, SHIFTS, Ledger

Rows = NDArray[np.intp]
"""Indices of rows."""

WIDEST: Final = 512
"""Octets of the longest packet read: 60 ms of G.711 and a fat header."""
HEADER: Final = 12
PACKET: Final = HEADER + FRAME
NEVER: Final = -(1 << 40)
"""A phase long before any."""


class Hearing(NamedTuple):
    """The rows read in one phase."""

    rows: Rows
    sockets: list[Any]
    views: list[memoryview]


class Crossing(NamedTuple):
    """Rows that send what rows of one worker said."""

    worker: int
    rows: Rows
    sources: Rows
    lag: int
    """Phases from the due phase of a frame to its sending: 0, or 1 when that worker's grid is later than
    ours."""


class Music(NamedTuple):
    """Rows that hear a clip all others hear at the same place."""

    rows: Rows
    first: I64
    """Arena frame of the clip's beginning, in the row's law."""
    frames: I64


class Speaking(NamedTuple):
    """The rows that send in one phase, by what they send and how."""

    rows: Rows
    bridges: list[Crossing]
    music: Music
    clips: Rows
    sockets: list[Any]
    views: list[memoryview]
    odd: list[int]
    """Rows whose packet is not 20 ms, or whose socket is not connected yet."""


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
        self.tx = np.zeros((rows, PACKET), np.uint8)
        self.tx16 = self.tx.view(">u2")
        self.tx32 = self.tx.view(">u4")
        self.rx_views = [row.data for row in self.rx]
        self.tx_views = [row.data for row in self.tx]
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

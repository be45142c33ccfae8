"""The tick over all legs at once: receive, close the frame, send, then listen and measure; one phase at a
time.

Nothing here reads a clock or waits: `step(m)` does the work of phase m. See ledger.py for what a phase is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from media.arena import Arena
from media.columns import NEVER, Columns, Rows, mark
from media.control import (
    Aim,
    Close,
    Command,
    Digit,
    Hear,
    Open,
    Play,
    PromptEnded,
    RowRef,
    StopPlaying,
    Stream,
)
from media.depth import Depth
from media.dtmf import Events, Tones
from media.g711 import FRAME, LAWS, SILENCE, SOFTER
from media.latching import Latching
from media.ledger import BRIDGE, EVENT, LOOP, MISSING, NOISE, NOW, PHASES, SILENT, SLOTS, STEP, Ledger
from media.noise import ComfortNoise
from media.playing import Playing
from media.reception import Reception
from media.roster import Roster
from media.rtcp import Reports
from media.sending import Sending
from media.sets import Sets
from media.wire import Wire

SETTLE: Final = 32 * PHASES
"""Phases between two countings of packets into the ledger, for the receiver reports."""
GRACE: Final = 2 * PHASES
"""Phases after a stall in which late packets are not held against their senders."""


class Plane:
    """One worker's rows. `events` collects what the engine has to know until somebody takes it."""

    def __init__(self, me: int, ledgers: Sequence[Ledger], arena: Arena, wire: Wire) -> None:
        columns = self.columns = Columns(me, ledgers, arena)
        self.ledger = columns.ledger
        self.wire = wire
        self.events: list[Digit | PromptEnded] = []
        self.offset = offset(me, len(ledgers))
        self.sets = Sets(columns.ledger)
        self.roster = Roster(columns)
        self.playing = Playing(columns, self._ended)
        self.keys = Events(columns, self._digit, self.playing.key)
        self.tones = Tones(columns, self.keys, self._digit, self.playing.key)
        self.depth = Depth(columns, wire, self.offset)
        self.reports = Reports(columns, wire, self.offset)
        self.noise = ComfortNoise(columns, self.depth.anchor)
        self.reception = Reception(
            columns, wire, self.keys.packets, self.depth.anchor, self.reports.muxed, self.noise
        )
        self.depth.reception = self.reception
        self.latching = Latching(columns, wire, self.reception, self.reports.receive)
        self.sending = Sending(columns, wire, self.playing)
        self._cells = columns.frames()
        self._due = self.ledger.due.reshape(-1)

    # ------------------------------------------------------------------------------------------ the tick

    def step(self, m: int) -> None:
        """Do phase `m`."""
        self.latching.listen(m)
        if m % PHASES == 0:
            self.playing.wake(m // PHASES)
        self.roster.refresh(m)
        hearing, speaking = self.roster.hearing[m % PHASES], self.roster.speaking[m % PHASES]
        if not self.reception.receive(m, hearing):
            self._close(m, hearing.rows)
        self.sending.send(m, speaking)
        self.tones.listen(m, hearing.rows)
        self.depth.measure(m, hearing.rows)
        if m % PHASES == 0:
            self.keys.expire(m)
            if m % SETTLE == 0:
                self.roster.settle()
            self.reports.send(m)
            self.playing.overdue(m)
        self.ledger.head[NOW] = m

    def skip(self, m: int, ticks: int) -> None:
        """So many ticks were left out before phase `m`: timestamps go on by the clock, lateness is our
        fault."""
        rows = np.flatnonzero(self.columns.txphase >= 0)
        self.ledger.stamp[rows] += np.uint32(FRAME * ticks)
        self.columns.tx_stale = [True] * PHASES
        self.depth.amnesty = m + GRACE
        self.columns.counts.skipped += ticks

    def _close(self, m: int, rows: Rows) -> None:
        """Cells of this phase that nothing came for: comfort noise where the party named it, else a softer copy of
        the frame before once or twice, then silence."""
        ledger, columns = self.ledger, self.columns
        if not len(rows):
            return
        cell = m // PHASES % SLOTS * columns.rows + rows
        gone = np.flatnonzero(self._due[cell] != m)
        if not len(gone):
            return
        rows, cell = rows[gone], cell[gone]
        keyed = columns.keyed_until[rows] >= m
        codec = ledger.codec[rows]
        age = m - columns.last_due[rows]
        before = (m // PHASES - 1) % SLOTS * columns.rows + rows
        guess = self._cells[before]
        guess = np.where((age > PHASES + 1)[:, None], SOFTER[codec[:, None], guess], guess)
        quiet = keyed | (age > 3 * PHASES) | (ledger.gen.reshape(-1)[before] != ledger.owner[rows])
        guess[quiet] = SILENCE[codec[quiet], None]
        noise = ~keyed & self.noise.heard(m, rows)
        guess[noise] = self.noise.frames(m, rows[noise])
        self._cells[cell] = guess
        tags = mark(ledger.owner[rows], codec, MISSING)
        tags[keyed] = mark(ledger.owner[rows[keyed]], codec[keyed], EVENT)
        tags[noise] = mark(ledger.owner[rows[noise]], codec[noise], NOISE)
        ledger.tag.reshape(-1, 2)[cell, 1] = tags
        self._due[cell] = m
        columns.counts.missing += int((~(keyed | noise) & (ledger.anchored[rows] != 0)).sum())

    # ------------------------------------------------------------------------------------------ events

    def _digit(self, row: int, key: str, milliseconds: int) -> None:
        self.events.append(Digit(self.columns.ref(row), key, milliseconds))

    def _ended(self, row: int, number: int, key: str) -> None:
        self.events.append(PromptEnded(self.columns.ref(row), number, key))

    # ------------------------------------------------------------------------------------------ commands

    def apply(self, command: Command, sockets: Sequence[Any] = ()) -> None:
        """Do as told, from the next phase on. A command for a former owner of a row is out of date, and
        nothing."""
        if isinstance(command, Open):
            self._open(command, *sockets)
        elif self.ledger.owner[command.ref.row] == command.ref.generation:
            row = command.ref.row
            match command:
                case Aim():
                    self._aim(row, command.stream)
                case Hear():
                    self._hear(command.ref, command.sources, command.clip)
                case Play():
                    self.playing.begin(row, command)
                case StopPlaying():
                    self.playing.stop(row, command.number)
                case Close():
                    self._shut(row)

    def _open(self, command: Open, rtp: Any, rtcp: Any) -> None:
        row, ledger = command.ref.row, self.ledger
        if ledger.owner[row]:
            self._shut(row)
        ledger.wipe(row, command.ref.generation)
        ledger.ssrc[row], ledger.seq[row], ledger.stamp[row] = command.ssrc, command.seq, command.stamp
        ledger.kind[row] = SILENT
        self._seat(row, rtp, rtcp)

    def _seat(self, row: int, rtp: Any, rtcp: Any) -> None:
        columns = self.columns
        columns.sockets[row], columns.rtcp_sockets[row] = rtp, rtcp
        columns.tx[row] = 0
        columns.tx[row, 0] = 0x80
        columns.tx[row, 1] = self.ledger.payload[row]
        columns.tx32[row, 2] = self.ledger.ssrc[row]
        self._forget(row)
        self.wire.arrivals([rtp, rtcp])
        self.latching.watch(row)

    def _forget(self, row: int) -> None:
        for part in (
            self.reception, self.keys, self.tones, self.depth, self.latching, self.sending, self.reports,
        ):  # fmt: skip
            part.forget(row)
        columns = self.columns
        columns.last_due[row] = columns.keyed_until[row] = columns.noise_until[row] = NEVER
        columns.want[row] = 0
        columns.awake[row] = columns.renewed[row] = False

    def _aim(self, row: int, stream: Stream) -> None:
        ledger, columns = self.ledger, self.columns
        aim = (stream.host.encode(), stream.port)
        law = LAWS[stream.codec]
        if ledger.aimed[row] and aim != (bytes(ledger.aim_host[row]), int(ledger.aim_port[row])):
            self.latching.unlatch(row)
        if law != ledger.codec[row]:
            self.sending.forget(row)
        ledger.aim_host[row], ledger.aim_port[row] = aim
        ledger.codec[row], ledger.payload[row] = law, stream.payload
        ledger.events[row] = -1 if stream.events is None else stream.events
        ledger.ptime[row], ledger.sends[row], ledger.hears[row] = stream.ptime, stream.sends, stream.hears
        ledger.aimed[row] = 1
        columns.tx[row, 1] = stream.payload
        columns.want[row] = 0x80000000 | stream.payload << 16 if stream.hears else 0
        columns.heard_in(int(ledger.c[row]))
        columns.spoken_to(row)

    def _hear(self, ref: RowRef, sources: Sequence[RowRef], clip: tuple[int, int] | None) -> None:
        ledger, row = self.ledger, ref.row
        others = set(sources) - {ref}
        if len(others) > 1:
            self.sets.join(row, sources)
            self.columns.spoken_to(row)
            return
        self.sets.leave(row)
        if others:
            (source,) = others
            ledger.src_w[row], ledger.src[row] = source.worker, source.row
            ledger.src_gen[row] = source.generation
            ledger.kind[row] = BRIDGE
        elif clip is not None:
            ledger.loop_at[row], ledger.loop_len[row] = clip
            ledger.kind[row] = LOOP
        else:
            ledger.kind[row] = SILENT
        self.columns.spoken_to(row)

    def _shut(self, row: int) -> None:
        columns, ledger = self.columns, self.ledger
        for sockets in (columns.sockets, columns.rtcp_sockets):
            self.wire.close(sockets[row])
            sockets[row] = None
        before, speaks = int(ledger.c[row]), int(columns.txphase[row])
        self.sets.leave(row)
        ledger.wipe(row, 0)
        self._forget(row)
        columns.txphase[row] = -1
        columns.heard_in(before)
        if speaks >= 0:
            columns.tx_stale[speaks] = True

    # ------------------------------------------------------------------------------------------ after a crash

    def adopt(self, row: int, rtp: Any, rtcp: Any, m: int) -> None:
        """Go on with a row of a worker that died: same address, SSRC, sequence and clock; timestamps by the
        clock."""
        ledger = self.ledger
        self._seat(row, rtp, rtcp)
        self.sets.restore(row)
        if ledger.aimed[row]:
            self.columns.want[row] = 0x80000000 | int(ledger.payload[row]) << 16 if ledger.hears[row] else 0
        ledger.anchored[row] = 0
        ledger.due[:, row] = -1
        self.playing.resume(row, m // PHASES)
        self.columns.spoken_to(row)
        self.depth.amnesty = m + GRACE
        if ledger.latched[row]:
            self.latching.drain(row)


def offset(me: int, workers: int) -> int:
    """Nanoseconds by which a worker's phases begin after those of worker 0: a frame crosses in half a phase,
    not in one."""
    return me * STEP // workers

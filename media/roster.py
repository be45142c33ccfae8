"""Who is read and who sends in each of the four phases, as lists ready to be run through."""

from __future__ import annotations

import numpy as np

from media.columns import HEADER, PACKET, Columns, Crossing, Hearing, Music, Rows, Speaking, mark
from media.g711 import FRAME, SILENCE
from media.ledger import I64, LOOP, NOTHING, PHASES, SHIFTS, SILENT
from media.mix import Blend
from media.sets import Summands

SHORTEST = PHASES - 1
"""Phases between two packets of a row at least: a frame less is a burst to the party's phone."""


class Roster:
    """Lists are rebuilt only for phases in which something changed."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        empty = np.zeros(0, np.intp)
        self.hearing = [Hearing(columns, empty) for _ in range(PHASES)]
        nothing = Music(empty, empty, empty)
        self.speaking = [Speaking(columns, empty, [], None, nothing, empty) for _ in range(PHASES)]
        self._seen: list[int] = []

    def refresh(self, m: int) -> None:
        """Make the lists of phase `m` right."""
        columns, phase = self.columns, m % PHASES
        seen = [int(ledger.head[SHIFTS]) for ledger in columns.ledgers]
        if columns.retune or seen != self._seen:
            self._seen = seen
            self._retune(m)
        if columns.rx_stale[phase]:
            columns.rx_stale[phase] = False
            self.hearing[phase] = self._hearing(phase)
        if columns.tx_stale[phase]:
            columns.tx_stale[phase] = False
            self.speaking[phase] = self._speaking(phase)

    def _hearing(self, phase: int) -> Hearing:
        columns = self.columns
        self.hearing[phase].settle(columns.ledger)
        return Hearing(columns, np.flatnonzero(columns.awake & (columns.ledger.c % PHASES == phase)))

    def settle(self) -> None:
        """Bring the counts in the ledger up to date."""
        for hearing in self.hearing:
            hearing.settle(self.columns.ledger)

    def _retune(self, m: int) -> None:
        """Give each sending row the phase in which its source is heard, or that suits its sources best; a row
        with none keeps its own."""
        columns, ledger = self.columns, self.columns.ledger
        columns.retune = False
        wanted = self._wanted()
        moved = np.flatnonzero(wanted != columns.txphase)
        phases = wanted[moved]
        first = m + (phases - m) % PHASES
        sent = ledger.sent[moved]
        ripe = (phases < 0) | (sent < 0) | (first - sent >= SHORTEST)
        columns.retune = bool((~ripe).any())
        renewed = columns.renewed.copy()
        renewed[moved[~ripe]] = False
        moved, first = moved[ripe], first[ripe]
        for phase in {*columns.txphase[moved].tolist(), *wanted[moved].tolist()} - {-1}:
            columns.tx_stale[phase] = True
        columns.txphase[moved] = wanted[moved]
        self._renew(np.flatnonzero(renewed), m)

    def _wanted(self) -> I64:
        columns, ledger = self.columns, self.columns.ledger
        sounds = (ledger.kind != NOTHING) | (ledger.clip != 0)
        talks = (ledger.owner != 0) & (ledger.aimed != 0) & (ledger.sends != 0) & sounds
        kept = np.where(columns.txphase >= 0, columns.txphase, np.arange(columns.rows) % PHASES)
        wanted = np.where(talks, kept, -1)
        bridged = talks & columns.bridged()
        for worker, other in enumerate(columns.ledgers):
            rows = np.flatnonzero(bridged & (ledger.src_w == worker))
            sources = ledger.src[rows]
            live = (other.anchored[sources] != 0) & (other.owner[sources] == ledger.src_gen[rows])
            wanted[rows[live]] = (other.c[sources[live]] + columns.lag(worker)) % PHASES
        mixing = np.flatnonzero(talks & columns.mixing())
        if len(mixing):
            wanted[mixing] = Summands(columns.ledgers, columns.me, mixing).phases(kept[mixing])
        return wanted

    def _renew(self, rows: Rows, m: int) -> None:
        """Timestamps of rows that had a pause go on by the clock, and say so by the marker bit (RFC 3551
        4.1)."""
        columns, ledger = self.columns, self.columns.ledger
        columns.renewed[rows] = False
        rows = rows[(columns.txphase[rows] >= 0) & (ledger.sent[rows] >= 0)]
        first = m + (columns.txphase[rows] - m) % PHASES
        pause = np.maximum(first - ledger.sent[rows] - PHASES, 0)
        ledger.stamp[rows] += (pause * (FRAME // PHASES)).astype(np.uint32)
        columns.tx[rows[pause > 0], 1] |= 0x80
        for phase in set(columns.txphase[rows].tolist()):
            columns.tx_stale[phase] = True

    def _speaking(self, phase: int) -> Speaking:
        columns, ledger = self.columns, self.columns.ledger
        mine = np.flatnonzero(columns.txphase == phase)
        clips = mine[ledger.clip[mine] != 0]
        loops = mine[(ledger.clip[mine] == 0) & (ledger.kind[mine] == LOOP)]
        bridged = mine[columns.bridged()[mine]]
        bridges = []
        for worker in np.unique(ledger.src_w[bridged]).tolist():
            rows = bridged[ledger.src_w[bridged] == worker]
            want = mark(ledger.src_gen[rows], ledger.codec[rows], 0)
            sources = ledger.src[rows].astype(np.intp)
            bridges.append(Crossing(worker, rows, sources, want, columns.lag(worker)))
        mixing = mine[columns.mixing()[mine]]
        blend = Blend(columns.ledgers, columns.me, mixing) if len(mixing) else None
        first = ledger.loop_at[loops] + ledger.codec[loops] * np.int64(columns.arena.capacity)
        music = Music(loops, first, ledger.loop_len[loops].copy())
        silent = mine[(ledger.clip[mine] == 0) & (ledger.kind[mine] == SILENT)]
        columns.tx[silent, HEADER:PACKET] = SILENCE[ledger.codec[silent], None]
        return Speaking(columns, mine, bridges, blend, music, clips)

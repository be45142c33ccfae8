"""Packets out: what each row hears is put into its packet, headers are written as columns, one `send` per
row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from media.columns import HEADER, Columns, Crossing, Rows, Speaking
from media.g711 import ACROSS, FRAME, SILENCE
from media.ledger import PHASES, SLOTS, Ledger
from media.wire import Wire


class Sending:
    """`ended` is called with a row whose clip has been sent to its last frame, and the clip's number."""

    def __init__(self, columns: Columns, wire: Wire, ended: Callable[[int, int], None]) -> None:
        self.columns = columns
        self.wire = wire
        self.ended = ended
        self._packed: dict[int, bytearray] = {}
        self._source_cells = [ledger.frame.reshape(-1, FRAME) for ledger in columns.ledgers]

    def forget(self, row: int) -> None:
        """Sound that waits to fill a packet belongs to nobody any more."""
        self._packed.pop(row, None)

    def send(self, m: int, speaking: Speaking) -> None:
        rows, bridges, music, clips, sockets, views, odd = speaking
        if not len(rows):
            return
        columns, ledger = self.columns, self.columns.ledger
        for crossing in bridges:
            columns.tx[crossing.rows, HEADER:] = self._said(m, crossing)
        if len(music.rows):  # one place in the clip for all its listeners, by the clock
            at = music.first + m // PHASES % music.frames
            columns.tx[music.rows, HEADER:] = columns.arena.frames.take(at, axis=0)
        if len(clips):
            columns.tx[clips, HEADER:] = self._sound(m, clips)
        ledger.seq[rows] += 1
        ledger.stamp[rows] += FRAME
        columns.tx16[rows, 1] = ledger.seq[rows]
        columns.tx32[rows, 1] = ledger.stamp[rows]
        sends = map(self.wire.send, sockets, views)
        while True:
            try:
                deque(sends, 0)
                break
            except OSError:  # a refused packet is lost; the next ones are sent all the same
                columns.counts.send_errors += 1
        for row in odd:
            self._send_odd(row)
        columns.tx[rows, 1] = ledger.payload[rows]
        ledger.packets[rows] += 1
        ledger.sent[rows] = m
        columns.counts.sent += len(rows)
        if len(clips):
            self._finish(m, clips)

    # ------------------------------------------------------------------------------------------ other rows

    def _said(self, m: int, crossing: Crossing) -> NDArray[np.uint8]:
        """What the sources said in the frame due now, in the listeners' law; silence where it is not
        theirs."""
        ledger, source = self.columns.ledger, self.columns.ledgers[crossing.worker]
        due = m - crossing.lag
        cell = due // PHASES % SLOTS * source.rows + crossing.sources
        ok = source.due.ravel().take(cell) == due
        if not ok.all() and crossing.worker != self.columns.me:
            self._younger(m, due, crossing, cell, ok)
        ok &= source.gen.ravel().take(cell) == ledger.src_gen[crossing.rows]
        voice = self._source_cells[crossing.worker].take(cell, axis=0)
        codec = ledger.codec[crossing.rows]
        law = source.law.ravel().take(cell)
        foreign = np.flatnonzero(law != codec)
        if len(foreign):
            voice[foreign] = ACROSS[law[foreign, None], voice[foreign]]
        if not ok.all():
            silent = np.flatnonzero(~ok)
            voice[silent] = SILENCE[codec[silent], None]
            self.columns.counts.silenced += len(silent)
        return voice

    def _younger(self, m: int, due: int, crossing: Crossing, cell: Rows, ok: NDArray[np.bool_]) -> None:
        """Another worker moved a row or is late: any frame younger than a tick that was not sent yet will
        do."""
        source: Ledger = self.columns.ledgers[crossing.worker]
        slots = source.due.ravel()
        for i in np.flatnonzero(~ok).tolist():
            sent = int(self.columns.ledger.sent[crossing.rows[i]])
            for tick in (due // PHASES, due // PHASES - 1):
                other = tick % SLOTS * source.rows + int(crossing.sources[i])
                if max(due - PHASES, sent - crossing.lag) < slots[other] <= m:
                    cell[i], ok[i] = other, True
                    break

    # ------------------------------------------------------------------------------------------ clips

    def _sound(self, m: int, rows: Rows) -> NDArray[np.uint8]:
        """The frames of one-shot clips, which count from the tick of their first packet."""
        ledger, arena, tick = self.columns.ledger, self.columns.arena, m // PHASES
        fresh = rows[ledger.clip_from[rows] < 0]
        ledger.clip_from[fresh] = tick
        inside = np.minimum(tick - ledger.clip_from[rows], ledger.clip_len[rows] - 1)
        at = ledger.codec[rows] * np.int64(arena.capacity) + ledger.clip_at[rows] + inside
        return arena.frames.take(at, axis=0)

    def _finish(self, m: int, rows: Rows) -> None:
        ledger, tick = self.columns.ledger, m // PHASES
        for row in rows[tick - ledger.clip_from[rows] >= ledger.clip_len[rows] - 1].tolist():
            number = int(ledger.clip[row])
            ledger.clip[row] = 0
            self.columns.spoken_to(row)
            self.ended(row, number)

    def overdue(self, m: int) -> None:
        """Clips of rows that send nothing just now (on hold) go by the clock too, and end."""
        ledger, tick = self.columns.ledger, m // PHASES
        mute = np.flatnonzero((ledger.clip != 0) & (ledger.sends == 0) & (ledger.aimed != 0))
        if len(mute):
            ledger.clip_from[mute[ledger.clip_from[mute] < 0]] = tick
            self._finish(m, mute)

    # ------------------------------------------------------------------------------------------ odd rows

    def _send_odd(self, row: int) -> None:
        """A row whose party has not spoken yet, or whose packets are not 20 ms."""
        ledger = self.columns.ledger
        if ledger.ptime[row] == 20:
            self._deliver(row, self.columns.tx_views[row])
            return
        size = int(ledger.ptime[row]) * FRAME // 20
        waiting = self._packed.setdefault(row, bytearray())
        waiting += self.columns.tx[row, HEADER:].tobytes()
        seq = int(ledger.seq[row]) - 1
        stamp = int(ledger.stamp[row]) - FRAME
        while len(waiting) >= size:
            seq, stamp = seq + 1, stamp + size
            self.columns.tx16[row, 1] = seq & 0xFFFF
            self.columns.tx32[row, 1] = stamp & 0xFFFFFFFF
            self._deliver(row, self.columns.tx[row, :HEADER].tobytes() + waiting[:size])
            del waiting[:size]
        ledger.seq[row] = seq & 0xFFFF
        ledger.stamp[row] = stamp & 0xFFFFFFFF

    def _deliver(self, row: int, packet: bytes | memoryview) -> None:
        columns, ledger = self.columns, self.columns.ledger
        if not ledger.latched[row]:
            to = (bytes(ledger.aim_host[row]).decode(), int(ledger.aim_port[row]))
            columns.counts.send_errors += not self.wire.send_to(columns.sockets[row], packet, to)
            return
        try:
            self.wire.send(columns.sockets[row], memoryview(packet))
        except OSError:
            columns.counts.send_errors += 1

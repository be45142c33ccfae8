"""Packets out: what each row hears is put into its packet, headers are written as columns, one `send` per
row."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.columns import HEADER, MARKER, PACKET, Columns, Crossing, Rows, Speaking
from media.g711 import ACROSS, FRAME, SILENCE
from media.ledger import PHASES, SLOTS, Ledger
from media.playing import Playing
from media.wire import Wire

_ONE_PACKET: Final = np.array([FRAME, 1, 1, 0], np.uint32)
_OWNER_AND_LAW: Final = np.uint64(0xFF_FFFF_FFFF)


class Sending:
    """`playing` knows what rows hear that are told something above all else."""

    def __init__(self, columns: Columns, wire: Wire, playing: Playing) -> None:
        self.columns = columns
        self.wire = wire
        self.playing = playing
        self._packed: dict[int, bytearray] = {}

    def forget(self, row: int) -> None:
        """Sound that waits to fill a packet belongs to nobody any more."""
        self._packed.pop(row, None)

    def send(self, m: int, speaking: Speaking) -> None:
        """One packet of each row, or as many as its packet size asks for."""
        if not len(speaking.rows):
            return
        columns = self.columns
        for crossing in speaking.bridges:
            columns.tx_frames[crossing.rows] = self._said(m, crossing)
        if speaking.blend is not None:
            columns.tx_frames[speaking.blend.rows] = speaking.blend.frames(m)
        if len(speaking.music.rows):  # one place in the clip for all its listeners, by the clock
            at = speaking.music.first + m // PHASES % speaking.music.frames
            columns.tx_frames[speaking.music.rows] = columns.sounds[at]
        if len(speaking.clips):
            columns.tx_frames[speaking.clips] = self.playing.frames(m, speaking.clips)
        self._address(speaking)
        sends = map(self.wire.send, speaking.sockets, speaking.views)
        while True:
            try:
                deque(sends, 0)
                break
            except OSError:  # a refused packet is lost; the next ones are sent all the same
                columns.counts.send_errors += 1
        for row in speaking.loose:
            self._deliver(row, columns.tx_views[row])
        for row in speaking.packed:
            self._pack(row)
        if speaking.marked:
            speaking.first &= np.uint32(~MARKER & 0xFFFFFFFF)
            columns.tx[speaking.regular, 1] &= 0x7F
            speaking.marked = False
        columns.ledger.sent[speaking.rows] = m
        columns.counts.sent += len(speaking.rows)
        if len(speaking.clips):
            self.playing.turn(m, speaking.clips)

    def _address(self, speaking: Speaking) -> None:
        """Sequence numbers and timestamps of the packets about to leave (RFC 3550 5.1), two words a row."""
        rows, position, head = speaking.regular, speaking.position, speaking.head
        position += _ONE_PACKET
        head[:, 0] = (speaking.first | position[:, 1] & np.uint32(0xFFFF)).byteswap()
        head[:, 1] = position[:, 0].byteswap()
        self.columns.tx_heads[rows] = speaking.heads
        self.columns.ledger.position[rows] = position

    # ------------------------------------------------------------------------------------------ other rows

    def _said(self, m: int, crossing: Crossing) -> NDArray[np.void]:
        """What the sources said in the frame due now, in the listeners' law; silence where it is not
        theirs."""
        source = self.columns.ledgers[crossing.worker]
        due = m - crossing.lag
        cell = due // PHASES % SLOTS * source.rows + crossing.sources
        tags = source.tag.reshape(-1, 2).take(cell, axis=0)
        ok = (tags[:, 0] == due) & (tags[:, 1] & _OWNER_AND_LAW == crossing.want)
        if ok.all():
            voice: NDArray[np.void] = source.cells[cell]
            return voice
        return self._sorted_out(m, due, crossing, cell)

    def _sorted_out(self, m: int, due: int, crossing: Crossing, cell: Rows) -> NDArray[np.void]:
        """The same, where some frame is another's, in the other law, or not there."""
        ledger, source = self.columns.ledger, self.columns.ledgers[crossing.worker]
        ok = source.due.reshape(-1)[cell] == due
        if not ok.all() and crossing.worker != self.columns.me:
            self._younger(m, due, crossing, cell, ok)
        ok &= source.gen.reshape(-1)[cell] == ledger.src_gen[crossing.rows]
        voice = source.frame.reshape(-1, FRAME).take(cell, axis=0)
        codec = ledger.codec[crossing.rows]
        law = source.law.reshape(-1)[cell]
        foreign = np.flatnonzero(law != codec)
        voice[foreign] = ACROSS[law[foreign, None], voice[foreign]]
        silent = np.flatnonzero(~ok)
        voice[silent] = SILENCE[codec[silent], None]
        self.columns.counts.silenced += len(silent)
        frames: NDArray[np.void] = voice.view(f"V{FRAME}")[:, 0]
        return frames

    def _younger(self, m: int, due: int, crossing: Crossing, cell: Rows, ok: NDArray[np.bool_]) -> None:
        """Another worker moved a row or is late: any frame younger than a tick that was not sent yet will
        do."""
        source: Ledger = self.columns.ledgers[crossing.worker]
        slots = source.due.reshape(-1)
        for i in np.flatnonzero(~ok).tolist():
            sent = int(self.columns.ledger.sent[crossing.rows[i]])
            for tick in (due // PHASES, due // PHASES - 1):
                other = tick % SLOTS * source.rows + int(crossing.sources[i])
                if max(due - PHASES, sent - crossing.lag) < slots[other] <= m:
                    cell[i], ok[i] = other, True
                    break

    # ------------------------------------------------------------------------------------------ odd rows

    def _pack(self, row: int) -> None:
        """A row whose packets are not 20 ms: its frames are kept until they fill one."""
        columns, ledger = self.columns, self.columns.ledger
        size = int(ledger.ptime[row]) * FRAME // 20
        waiting = self._packed.setdefault(row, bytearray())
        waiting += columns.tx[row, HEADER:PACKET].tobytes()
        stamp, seq, packets = ledger.position[row, :3].tolist()
        while len(waiting) >= size:
            seq, stamp, packets = seq + 1, stamp + size, packets + 1
            columns.tx16[row, 1] = seq & 0xFFFF
            columns.tx32[row, 1] = stamp & 0xFFFFFFFF
            self._deliver(row, columns.tx[row, :HEADER].tobytes() + waiting[:size])
            columns.tx[row, 1] &= 0x7F
            del waiting[:size]
        ledger.position[row, :3] = stamp & 0xFFFFFFFF, seq & 0xFFFF, packets & 0xFFFFFFFF

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

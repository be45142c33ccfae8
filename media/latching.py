"""Who may speak to a row: the address the SDP named, else the first that keeps speaking; then nobody else
(comedia)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from media.columns import Columns
from media.reception import Reception
from media.wire import Address, Wire

TRIES: Final = 3
"""Packets a stranger must have sent, with none from the address the SDP named, before it is taken for the
party."""
_DRAIN: Final = 64
"""Packets read from a socket at a time while its party is not known."""


class Latching:
    """Reads the sockets that epoll watches: rows whose party is unknown, rows that fell asleep, and RTCP.

    `told` gets each RTCP packet with its source, whoever that is.
    """

    def __init__(
        self,
        columns: Columns,
        wire: Wire,
        reception: Reception,
        told: Callable[[int, int, bytes, Address], None],
    ) -> None:
        self.columns = columns
        self.wire = wire
        self.reception = reception
        self.told = told
        self._strangers: dict[int, tuple[Address, int]] = {}
        self._rtcp = memoryview(bytearray(2048))

    def watch(self, row: int) -> None:
        """A row begins: nobody is known yet. Tags above the rows are RTCP sockets."""
        columns = self.columns
        self.wire.watch(columns.sockets[row], row)
        self.wire.watch(columns.rtcp_sockets[row], row + columns.rows)

    def forget(self, row: int) -> None:
        self._strangers.pop(row, None)

    def unlatch(self, row: int) -> None:
        """The SDP named another address: hear everybody until it speaks."""
        columns, ledger = self.columns, self.columns.ledger
        self.forget(row)
        if ledger.latched[row]:
            self.wire.loosen(columns.sockets[row])
            ledger.latched[row] = ledger.anchored[row] = ledger.rtcp_port[row] = 0
        if columns.awake[row]:
            columns.awake[row] = False
            self.wire.watch(columns.sockets[row], row)
        columns.heard_in(int(ledger.c[row]))

    def listen(self, m: int) -> None:
        """Hear whoever of the watched spoke since the phase before; all at once, for a whole floor may begin
        to speak."""
        rows = self.columns.rows
        spoke: list[int] = []
        sizes: list[int] = []
        for tag in self.wire.ready():
            if tag >= rows:
                self._reports(m, tag - rows)
                continue
            size = self._wake(tag) if self.columns.ledger.latched[tag] else self._meet(tag)
            if size:
                spoke.append(tag)
                sizes.append(size)
        if spoke:
            self.reception.ingest(m, np.array(spoke), np.array(sizes, np.int64))

    def _reports(self, m: int, row: int) -> None:
        for _ in range(_DRAIN):
            got = self.wire.receive_from(self.columns.rtcp_sockets[row], self._rtcp)
            if got is None:
                return
            self.told(m, row, bytes(self._rtcp[: got[0]]), got[1])

    def drain(self, row: int) -> None:
        """What lay in the socket while nobody served it is too old to be heard."""
        for _ in range(_DRAIN):
            if self.wire.receive_from(self.columns.sockets[row], self.columns.rx_views[row]) is None:
                return

    def _wake(self, row: int) -> int:
        """Octets of the packet with which a party speaks again."""
        columns = self.columns
        columns.awake[row] = True
        self.wire.unwatch(columns.sockets[row])
        columns.heard_in(int(columns.ledger.c[row]))
        try:
            return self.wire.receive(columns.sockets[row], columns.rx_views[row])
        except OSError:
            return 0

    def _meet(self, row: int) -> int:
        """Packets of unknown senders. Once one is known only its packets count; octets of its newest, which
        is in `rx`."""
        columns = self.columns
        kept, newest = 0, b""
        for _ in range(_DRAIN):
            got = self.wire.receive_from(columns.sockets[row], columns.rx_views[row])
            if got is None:
                break
            size, source = got
            if self._is_known(row, source):
                kept, newest = size, bytes(columns.rx_views[row][:size])
        columns.rx_views[row][:kept] = newest
        return kept

    def _is_known(self, row: int, source: Address) -> bool:
        """Whether a packet is the party's. The first that is makes it the party."""
        columns, ledger = self.columns, self.columns.ledger
        if ledger.latched[row]:
            stranger = source != self._peer(row)
            columns.counts.strangers += stranger
            return not stranger
        if not ledger.aimed[row] or not self._is_party(row, source):
            return False
        self._latch(row, source)
        return True

    def _peer(self, row: int) -> Address:
        ledger = self.columns.ledger
        return bytes(ledger.peer_host[row]).decode(), int(ledger.peer_port[row])

    def _is_party(self, row: int, source: Address) -> bool:
        ledger = self.columns.ledger
        if source == (bytes(ledger.aim_host[row]).decode(), int(ledger.aim_port[row])):
            return True
        known, count = self._strangers.get(row, (source, 0))
        if known != source:
            count = 0
        self._strangers[row] = source, count + 1
        return count + 1 >= TRIES

    def _latch(self, row: int, source: Address) -> None:
        columns, ledger = self.columns, self.columns.ledger
        self.wire.connect(columns.sockets[row], source)
        self.wire.unwatch(columns.sockets[row])
        ledger.peer_host[row], ledger.peer_port[row] = source[0].encode(), source[1]
        ledger.latched[row] = 1
        self.forget(row)
        columns.awake[row] = True
        columns.heard_in(int(ledger.c[row]))
        if columns.txphase[row] >= 0:
            columns.tx_stale[columns.txphase[row]] = True

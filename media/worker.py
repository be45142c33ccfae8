"""A media process: `python -m media.worker FD`, FD being its end of the control channel. The tick, and
nothing else."""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import sys
import time
from typing import Any, Final

import msgspec
import numpy as np

from media.arena import Arena
from media.columns import Counts
from media.control import LATENESS, Adopt, Applied, Begin, ClientWord, Commands, Open, Ready, WorkerReport
from media.ledger import APPLIED, PHASES, STEP, TICK, Ledger
from media.link import Link, LinkClosed
from media.plane import Plane
from media.wire import UdpWire

REPORT: Final = 200
"""Phases between two reports: a second."""
PRIORITY: Final = 5
"""Place in SCHED_FIFO, the real-time class."""
NICE: Final = -15
PR_SET_PDEATHSIG: Final = 1
"""Of prctl(2)."""

_decode = msgspec.msgpack.Decoder(ClientWord).decode


class Worker:
    """The plane, its control channel and its clock."""

    def __init__(self, link: Link, begin: Begin, memory: list[int]) -> None:
        self.link = link
        self.ledgers = [Ledger(fd, rows) for fd, rows in zip(memory[:-1], begin.rows, strict=True)]
        arena = Arena(memory[-1], begin.arena_frames)
        self.plane = Plane(begin.me, self.ledgers, arena, UdpWire())
        self.head = self.plane.ledger.head
        self.epoch = self.plane.ledger.epoch + self.plane.offset
        self.phase = (time.monotonic_ns() - self.epoch) // STEP + 1
        self._lateness: list[int] = []
        self._busy = 0

    def run(self) -> None:
        """Do phase after phase at its absolute time, until the channel closes."""
        clock = time.monotonic_ns
        while True:
            due = self.epoch + self.phase * STEP
            now = clock()
            if now < due:
                time.sleep((due - now) / 1e9)
                now = clock()
            if now - due >= TICK:
                self._skip((now - due) // TICK)
                continue
            self._lateness.append(now - due)
            self._obey()
            self.plane.step(self.phase)
            self._tell()
            self._busy += clock() - now
            if self.phase % REPORT == 0:
                self._report()
            self.phase += 1

    def _skip(self, ticks: int) -> None:
        """A whole tick late: leave ticks out, never send two frames of a row at once."""
        self.phase += ticks * PHASES
        self.plane.skip(self.phase, ticks)

    def _obey(self) -> None:
        while (message := self.link.receive()) is not None:
            word = _decode(message[0])
            sockets = [socket.socket(fileno=fd) for fd in message[1]]
            match word:
                case Commands():
                    self._apply(word, sockets)
                case Adopt():
                    for row, pair in zip(
                        word.rows, zip(sockets[::2], sockets[1::2], strict=True), strict=True
                    ):
                        self.plane.adopt(row.row, *pair, self.phase)
                case Begin():
                    raise ValueError("a worker begins once")

    def _apply(self, word: Commands, sockets: list[socket.socket]) -> None:
        """Commands are applied once each, even by a worker that takes over in the middle of them."""
        number = word.last - len(word.commands)
        riding = iter(sockets)
        for command in word.commands:
            number += 1
            mine: tuple[Any, ...] = (next(riding), next(riding)) if isinstance(command, Open) else ()
            self.plane.apply(command, mine)
            self.head[APPLIED] = number
        self.link.send(Applied(word.last, self.phase // PHASES))

    def _tell(self) -> None:
        events = self.plane.events
        if events:
            for event in events:
                self.link.send(event)
            events.clear()
        else:
            self.link.flush()

    def _report(self) -> None:
        counts, late = self.plane.columns.counts, np.array(self._lateness) / 1e6
        self.plane.columns.counts = Counts()
        report = WorkerReport(
            worker=self.plane.columns.me,
            rows=int((self.plane.ledger.owner != 0).sum()),
            received=counts.received,
            sent=counts.sent,
            send_errors=counts.send_errors,
            missing=counts.missing,
            late=counts.late,
            reports=counts.reports,
            bad_reports=counts.bad_reports,
            deeper=counts.deeper,
            shallower=counts.shallower,
            skipped=counts.skipped,
            lateness_p99=round(float(np.percentile(late, 99)), 3),
            lateness_max=round(float(late.max()), 3),
            lateness=np.bincount(np.searchsorted(LATENESS, late), minlength=len(LATENESS) + 1).tolist(),
            lateness_total=round(float(late.sum()), 3),
            busy=round(self._busy / (REPORT * STEP), 4),
        )
        self._lateness.clear()
        self._busy = 0
        self.link.send(report)


def prefer() -> str:
    """Ask for the best scheduling class that is permitted, and name it."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        pass
    else:
        return "real-time"
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except PermissionError:
        return "ordinary"
    return "nice"


def end_with_parent() -> None:
    """Have the kernel end us with whoever started us, even when we hang: our sockets hold the next one's ports."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(link: Link) -> tuple[bytes, list[int]]:
    """The next message, however long it takes."""
    while True:
        message = link.receive()
        if message is not None:
            return message
        select.select([link], [], [])


def main(fd: int) -> None:
    """Run until the client closes the channel."""
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the engine, which drains first
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
    link = Link(socket.socket(fileno=fd))  # closed by now if whoever started us was faster
    try:
        data, memory = wait_for(link)
        begin = _decode(data)
        if not isinstance(begin, Begin):
            raise ValueError("a worker's first message is Begin")
        worker = Worker(link, begin, memory)
        scheduling = prefer()
        gc.collect()
        gc.freeze()
        gc.disable()
        link.send(Ready(scheduling))
        worker.run()
    except LinkClosed:
        return


if __name__ == "__main__":
    main(int(sys.argv[1]))

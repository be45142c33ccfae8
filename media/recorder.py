"""The recorder process: `python -m media.recorder FD`, FD its control socket (SOCK_SEQPACKET) to the client.

It reads the workers' ledgers by the clock and has the disk in a thread of its own, so neither a slow disk
costs a tick nor a dead worker a recording. SIGTERM, or the client's end, makes it finish all files and leave.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from media.control import (
    FDS,
    MESSAGE,
    Begin,
    Ready,
    Record,
    RecorderCommand,
    RecorderWord,
    RecordingEnded,
    StopRecording,
)
from media.disk import Disk
from media.drain import Drain, Heard
from media.g711 import ALAW, FRAME
from media.ledger import MISSING, NOISE, PHASES, SLOTS, STRETCHED, TICK, VOICE, Ledger

PERIOD: Final = 12
"""Ticks between two drains. A file is written at every third, so that a kill costs 0.8 s at most."""
HASTE: Final = 4
"""Ticks between two looks at the recordings that come to their end."""
PATIENCE: Final = 10.0
"""Seconds the files may take to become whole once the recorder has to leave."""


class LedgerRing:
    """What the drain asks of a worker's ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._frame = ledger.frame.reshape(-1, FRAME)
        self._gen, self._law = ledger.gen.reshape(-1), ledger.law.reshape(-1)
        self._state, self._due = ledger.state.reshape(-1), ledger.due.reshape(-1)

    def heard(self, rows: Sequence[int], generations: Sequence[int], first: int, last: int) -> Heard:
        """A copy of these cells. What is checked after the copy was still there during it."""
        ticks = np.arange(first, last)
        cells = (ticks % SLOTS * self._ledger.rows)[None, :] + np.array(rows)[:, None]
        frames = self._frame.take(cells, axis=0)
        state = self._state.take(cells)
        theirs = self._gen.take(cells) == np.array(generations, np.uint32)[:, None]
        fresh = theirs & (self._due.take(cells) // PHASES == ticks)
        voice = fresh & ((state == VOICE) | (state == STRETCHED) | (state == NOISE))
        return Heard(frames, voice, ~fresh | (state == MISSING), self._law.take(cells) == ALAW)


class Recorder:
    """Commands in, RecordingEnded out, a drain every PERIOD ticks. `now` says the current tick."""

    def __init__(self, sock: socket.socket, drain: Drain, now: Callable[[], int]) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._poll = select.poll()  # not select(): the client may have given us a number above 1023
        self._poll.register(sock, select.POLLIN)
        self._drain = drain
        self._now = now
        self._read = msgspec.msgpack.Decoder(RecorderCommand)
        self._words: deque[bytes] = deque()

    def say(self, word: RecorderWord) -> None:
        """Never dropped: what the socket does not take now goes later."""
        self._words.append(msgspec.msgpack.encode(word))

    def run(self) -> None:
        """Until the client is gone; then until every file is whole."""
        tick = self._now()
        while self._listen(self._next(tick)):
            self._flush()
            if self._now() >= tick:
                self._say_all(self._drain.drain())
                tick = max(tick + PERIOD, self._now())
            elif self._drain.ending:
                self._say_all(self._drain.attend())
        self._drain.stop_all()
        end = time.monotonic() + PATIENCE
        while self._drain.busy and time.monotonic() < end:
            time.sleep(TICK / 1e9)
            self._say_all(self._drain.attend())
        self._flush()

    def _next(self, tick: int) -> int:
        return min(tick, self._now() + HASTE) if self._drain.ending else tick

    def _say_all(self, ended: list[RecordingEnded]) -> None:
        for each in ended:
            self.say(each)

    def _listen(self, tick: int) -> bool:
        """Take commands in until that tick at most. False when the client is gone."""
        readable = self._poll.poll(max((tick - self._now()) * TICK / 1e6, 0.0))
        try:
            while readable:
                message = self._sock.recv(MESSAGE)
                if not message:
                    return False
                self._obey(self._read.decode(message))
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        return True

    def _obey(self, command: RecorderCommand) -> None:
        match command:
            case Record():
                self._drain.record(command)
            case StopRecording():
                self._drain.stop(command)

    def _flush(self) -> None:
        try:
            while self._words:
                self._sock.send(self._words[0])
                self._words.popleft()
        except BlockingIOError:
            return
        except ConnectionError:
            self._words.clear()


def begin(sock: socket.socket) -> list[Ledger]:
    """Wait for the client's first message and map the ledgers that come with it."""
    message, fds, _, _ = socket.recv_fds(sock, MESSAGE, FDS)
    told = msgspec.msgpack.decode(message, type=Begin)
    return [Ledger(fd, rows) for fd, rows in zip(fds, told.rows, strict=False)]


def main(fd: int) -> None:
    """Record until the client closes the channel."""
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the engine, which drains first
        signal.signal(number, signal.SIG_IGN)
    sock = socket.socket(fileno=fd)
    ledgers = begin(sock)

    def now() -> int:
        return (time.monotonic_ns() - ledgers[0].epoch) // TICK

    disk = Disk()
    try:
        drain = Drain([LedgerRing(ledger) for ledger in ledgers], disk, now)
        recorder = Recorder(sock, drain, now)
        recorder.say(Ready("ordinary"))
        recorder.run()
    finally:
        disk.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))

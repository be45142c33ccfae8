"""The real recorder process, and a ledger that speaks to it in real time."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import msgspec
import numpy as np

from media.control import Begin, Ready, RecorderCommand, RecorderWord, RecordingEnded, RowRef
from media.ledger import EPOCH, PHASES, SLOTS, TICK, VOICE, Ledger

AHEAD = 20
"""Ticks that are written before their time, as a jitter buffer may."""


def frame(tick: int, row: int) -> bytes:
    """What row `row` says in that tick: never the byte of silence, never twice the same."""
    return (tick.to_bytes(7, "big") + bytes([row])).translate(_SPOKEN) * 20


_SPOKEN = bytes(code if code != 0xFF else 0x11 for code in range(256))


class Voices:
    """A ledger whose rows of `generation` talk without a pause."""

    def __init__(self, rows: int, generation: int = 9) -> None:
        self.ledger = Ledger.create(rows)
        self.ledger.head[EPOCH] = time.monotonic_ns() - 5000 * TICK
        self.ledger.owner[:] = self.ledger.gen[:] = generation
        self.ledger.state[:] = VOICE
        self.generation = generation
        self._said = self.now

    @property
    def now(self) -> int:
        return (time.monotonic_ns() - self.ledger.epoch) // TICK

    def ref(self, row: int) -> RowRef:
        return RowRef(0, row, self.generation)

    def talk(self, seconds: float) -> None:
        """Let real time go by while everybody talks."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            until = self.now + AHEAD
            for tick in range(max(self._said, until - SLOTS), until):
                self._say(tick)
            self._said = until
            time.sleep(min(left, 0.1))

    def _say(self, tick: int) -> None:
        for row in range(self.ledger.rows):
            self.ledger.frame[tick % SLOTS, row] = np.frombuffer(frame(tick, row), np.uint8)
        self.ledger.due[tick % SLOTS] = tick * PHASES + np.arange(self.ledger.rows) % PHASES

    def close(self) -> None:
        os.close(self.ledger.fd)


class RecorderProcess:
    """`python -m media.recorder`, as the client starts it."""

    def __init__(self, voices: Voices) -> None:
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "media.recorder", str(theirs.fileno())], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        begin = msgspec.msgpack.encode(Begin(-1, [voices.ledger.rows], 0))
        socket.send_fds(self.sock, [begin], [voices.ledger.fd])
        self.sock.settimeout(10)
        assert isinstance(self.hear(), Ready)

    def tell(self, command: RecorderCommand) -> None:
        self.sock.send(msgspec.msgpack.encode(command))

    def hear(self) -> RecorderWord:
        word: RecorderWord = msgspec.msgpack.decode(self.sock.recv(65536), type=RecorderWord)
        return word

    def ended(self) -> RecordingEnded:
        word = self.hear()
        assert isinstance(word, RecordingEnded)
        return word

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.sock.close()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.sock.close()

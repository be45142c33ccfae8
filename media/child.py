"""A media process as its parent sees it: started with memory and sockets, spoken to over a Link, gone when
that closes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from media.link import Link, LinkClosed

_ROOT: Final = str(Path(__file__).resolve().parent.parent)
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Child:
    """`python -m MODULE FD`. `on_word` gets each message; `on_end` is called once, when the process is
    gone."""

    def __init__(self, module: str, on_word: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self.on_word = on_word
        self.on_end = on_end
        self.started = time.monotonic()
        self.link, theirs = Link.pair()
        self._loop = asyncio.get_running_loop()
        path = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
        )
        theirs.close()
        self._open = True
        self._writing = False
        self._loop.add_reader(self.link, self._read)

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, message: object, fds: list[int] | None = None) -> None:
        """Send, now or as soon as the channel takes it."""
        if not self._open:
            return
        self.link.send(message, fds or [])
        self._write()

    def _write(self) -> None:
        done = self.link.flush()
        if done and self._writing:
            self._loop.remove_writer(self.link)
        elif not done and not self._writing:
            self._loop.add_writer(self.link, self._write)
        self._writing = not done

    def _read(self) -> None:
        try:
            for _ in range(64):
                message = self.link.receive()
                if message is None:
                    return
                self.on_word(message[0])
                if not self._open:
                    return
        except LinkClosed:
            self._shut()
            self.process.kill()
            self.process.wait()
            self.on_end()

    def _shut(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self.link)
            if self._writing:
                self._loop.remove_writer(self.link)
            self.link.close()

    def kill(self) -> None:
        """End a process that hangs. `on_end` follows when the kernel has closed its channel."""
        self.process.kill()

    async def stop(self, patience: float) -> None:
        """Close the channel, which tells the process to finish; kill it after `patience` seconds. No
        `on_end`."""
        self._shut()
        deadline = time.monotonic() + patience
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
            await asyncio.sleep(0.01)

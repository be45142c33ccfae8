"""Sound files and built-in music as clips: decoded once in the studio process, then found by content."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec
import numpy as np

from media.arena import ArenaFull
from media.control import BadClip
from media.g711 import Pcm

PATIENCE = 60.0
"""Seconds the studio may take for one file."""
ClipT = TypeVar("ClipT")
LENGTH: Final = struct.Struct("<I")
"""In front of each message: its octets."""
BUILTIN: Final = "builtin:"
"""Before the name of a piece that comes with the product."""


class Wanted(msgspec.Struct, frozen=True):
    """One question; answers come in the order of the questions."""

    path: str
    """A sound file, or `builtin:` and the name of a piece."""


class Answer(msgspec.Struct, frozen=True):
    """What became of it."""

    pcm: bytes = b""
    """16-bit samples of this machine's byte order, 8 kHz, mono; empty with a fault."""
    fault: str = ""
    """What is wrong with the file and what is allowed."""


class Studio:
    """The asking side of the studio process. Started when first needed; one file at a time."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process is not None else None

    async def decode(self, path: str) -> Pcm:
        """Samples at 8 kHz. Raises BadClip, whose text does not name the file."""
        async with self._turn:
            answer = await self._ask(Wanted(path))
        if answer.fault:
            raise BadClip(answer.fault)
        return np.frombuffer(answer.pcm, np.int16)

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
        self._process = self._reader = self._writer = None

    async def _ask(self, wanted: Wanted) -> Answer:
        done = False
        try:
            async with asyncio.timeout(self.patience):
                answer = await self._exchange(wanted)
            done = True
        except TimeoutError:
            raise BadClip(f"decoding took more than {self.patience:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise BadClip("the decoder broke down on it; the file is probably damaged") from None
        finally:
            if not done:  # an answer may still be on its way to nobody
                await asyncio.shield(self.close())
        return answer

    async def _exchange(self, wanted: Wanted) -> Answer:
        reader, writer = await self._streams()
        message = msgspec.msgpack.encode(wanted)
        writer.write(LENGTH.pack(len(message)) + message)
        await writer.drain()
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        return msgspec.msgpack.decode(await reader.readexactly(length), type=Answer)

    async def _streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            ours, theirs = socket.socketpair()
            with theirs:
                fd = theirs.fileno()
                command = (sys.executable, "-m", "media.studio", str(fd))
                environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
                self._process = await asyncio.create_subprocess_exec(*command, pass_fds=[fd], env=environment)
            self._reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        return self._reader, self._writer


class Prompts(Generic[ClipT]):
    """Every clip of a node. `keep` puts samples where rows can play them from (Arena.add)."""

    def __init__(self, keep: Callable[[Pcm], ClipT], studio: Studio | None = None) -> None:
        self._keep = keep
        self._studio = studio or Studio()
        self._digests: dict[tuple[object, ...], str] = {}
        self._clips: dict[str, asyncio.Task[ClipT]] = {}

    async def load(self, path: Path) -> ClipT:
        """The clip of a file, or of Path("builtin:hold"). Raises BadClip with the file and what is wrong."""
        try:
            key = str(path) if str(path).startswith(BUILTIN) else await self._digest(path)
            return await asyncio.shield(self._clip(key, path))
        except BadClip as error:
            raise BadClip(f"{path}: {error}") from error.__cause__

    async def close(self) -> None:
        """Forget what is under way and end the studio."""
        under_way = [task for task in self._clips.values() if not task.done()]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._studio.close()

    def _clip(self, key: str, path: Path) -> asyncio.Task[ClipT]:
        """All who ask for one content wait for one decoding; one that failed is tried again by the next."""
        task = self._clips.get(key)
        if task is None:
            task = self._clips[key] = asyncio.create_task(self._decode(str(path)), name=f"decode {path}")
            task.add_done_callback(lambda done: self._forget_failed(key, done))
        return task

    def _forget_failed(self, key: str, task: asyncio.Task[ClipT]) -> None:
        if task.cancelled() or task.exception() is not None:
            del self._clips[key]

    async def _decode(self, path: str) -> ClipT:
        pcm = await self._studio.decode(path)
        try:
            return self._keep(pcm)
        except ArenaFull as error:
            raise BadClip(str(error)) from error

    async def _digest(self, path: Path) -> str:
        """The content's hash; read again only when the file changed."""
        try:
            stat = await asyncio.to_thread(path.stat)
            facts = (str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if facts not in self._digests:
                self._digests[facts] = await asyncio.to_thread(_hash, path)
        except OSError as error:
            raise BadClip(f"cannot be read: {error.strerror}") from error
        return self._digests[facts]


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

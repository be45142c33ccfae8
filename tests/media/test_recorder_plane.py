"""Recording through the whole plane: RTP in, worker, ledger, recorder, file; and the recorder killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from hashlib import shake_128
from pathlib import Path

import pytest

from media.client import MediaPlane, PlaneRow, PlaneSettings, RowEvent
from media.control import RecordingEnded, Stream
from media.wav import HEADER, inspect

SILENCE = {"PCMU": b"\xff" * 160, "PCMA": b"\xd5" * 160}


def frame(seed: int, n: int) -> bytes:
    return shake_128(b"%d %d" % (seed, n)).digest(160)


class Talker:
    """A party whose n-th packet holds frame(seed, n), on a grid of 20 ms."""

    def __init__(self, plane: MediaPlane, sock: socket.socket, seed: int, codec: str) -> None:
        self.ended: asyncio.Future[RecordingEnded] = asyncio.get_running_loop().create_future()
        self.seed, self.codec, self.sent = seed, codec, 0
        self.row: PlaneRow = plane.open(f"talker {seed}", self._on_event)
        self.sock = sock
        self.sock.bind(("127.0.0.1", 0))
        payload = {"PCMU": 0, "PCMA": 8}[codec]
        port = self.sock.getsockname()[1]
        self.payload = payload
        stream = Stream(host="127.0.0.1", port=port, codec=codec, payload=payload, events=None)
        self.row.aim(stream)

    def _on_event(self, event: RowEvent) -> None:
        if isinstance(event, RecordingEnded):
            self.ended.set_result(event)

    async def talk(self, packets: int) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for n in range(packets):
            head = struct.pack(">BBHII", 0x80, self.payload, self.sent, self.sent * 160, self.seed)
            self.sock.sendto(head + frame(self.seed, self.sent), self.row.address)
            self.sent += 1
            await asyncio.sleep(max(start + (n + 1) * 0.02 - loop.time(), 0))


@pytest.fixture
def socks() -> Iterator[list[socket.socket]]:
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    yield socks
    for sock in socks:
        sock.close()


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    plane = MediaPlane(PlaneSettings("127.0.0.1", 21000, 29998, workers=2, rows_per_worker=16))
    await plane.start()
    yield plane
    await plane.stop()


def placed(path: Path, talker: Talker) -> list[int | None]:
    """Which of the talker's frames each frame of the file is; None for silence."""
    numbers = {frame(talker.seed, n): n for n in range(talker.sent)}
    sound = path.read_bytes()[HEADER:]
    frames = [sound[at : at + 160] for at in range(0, len(sound), 160)]
    assert all(f in numbers or f == SILENCE[talker.codec] for f in frames), "somebody else is heard"
    return [numbers.get(f) for f in frames]


async def test_each_leg_in_its_own_file_as_it_was_received(
    plane: MediaPlane, socks: list[socket.socket], tmp_path: Path
) -> None:
    talkers = [Talker(plane, socks[0], 1, "PCMU"), Talker(plane, socks[1], 2, "PCMA")]
    for talker in talkers:
        talker.row.record(tmp_path / f"{talker.seed}.wav")
    await asyncio.gather(*(talker.talk(100) for talker in talkers))
    for talker in talkers:
        talker.row.stop_recording()
    for talker in talkers:
        ended = await asyncio.wait_for(talker.ended, 5)
        path = tmp_path / f"{talker.seed}.wav"
        heard = [n for n in placed(path, talker) if n is not None]
        assert heard == sorted(set(heard))
        assert len(heard) >= 90, "a busy machine may lose some, never most"
        assert inspect(path).seconds == ended.seconds
        assert abs(ended.seconds - 2.0) < 0.3


async def test_a_killed_recorder_comes_back_and_goes_on(
    plane: MediaPlane, socks: list[socket.socket], tmp_path: Path
) -> None:
    talker, path = Talker(plane, socks[0], 7, "PCMU"), tmp_path / "7.wav"
    talker.row.record(path)
    await talker.talk(60)
    assert plane.tapes.pid is not None
    os.kill(plane.tapes.pid, signal.SIGKILL)
    await talker.talk(90)
    talker.row.close()
    ended = await asyncio.wait_for(talker.ended, 5)
    assert ended.fault is None
    heard = placed(path, talker)
    first = next(i for i, n in enumerate(heard) if n is not None)
    offsets = {n - i for i, n in enumerate(heard) if n is not None}
    assert max(offsets) - min(offsets) <= 2, "the hole has the right length"
    assert sum(n is None for n in heard[first:]) <= ended.gaps + 3
    assert len(heard) - first >= 140


async def test_stopping_the_plane_makes_every_file_whole(
    plane: MediaPlane, socks: list[socket.socket], tmp_path: Path
) -> None:
    talker, path = Talker(plane, socks[0], 9, "PCMA"), tmp_path / "9.wav"
    talker.row.record(path)
    await talker.talk(30)
    await plane.stop()
    assert talker.ended.done()
    assert inspect(path).seconds == talker.ended.result().seconds > 0.4

"""The engine's face of the plane, with real processes and sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from engine.legs.sound import Row, Sound
from media.child import Child
from media.client import MediaPlane, PlaneRow, PlaneSettings, RowEvent
from media.control import BadClip, Digit, MediaLost, NoRow, RowRef, Stream, WorkerReport
from media.g711 import SOFTER, ULAW
from media.ledger import Ledger
from media.seats import RESTARTS, Host

ADDRESS = "127.0.0.1"


class Handset:
    """A far end on a real socket that speaks by the clock while its task runs."""

    def __init__(self, plane: MediaPlane, name: int, beside: RowRef | None = None, aim: bool = True) -> None:
        self.events: list[RowEvent] = []
        self.name = name
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind((ADDRESS, 0))
        self.row = plane.open(f"handset {name}", self.events.append, beside=beside)
        self.heard: list[tuple[bytes, tuple[str, int], float]] = []
        self.said = 0
        if aim:
            self.row.aim(self.stream())

    def stream(self, **form: Any) -> Stream:
        fields: dict[str, Any] = {"host": ADDRESS, "port": self.sock.getsockname()[1]}
        return Stream(**{**fields, "codec": "PCMU", "payload": 0, "events": 101, **form})

    def say(self, payload: bytes | None = None) -> None:
        head = struct.pack("!BBHII", 0x80, 0, self.said & 0xFFFF, self.said * 160, self.name)
        self.sock.sendto(head + (payload or bytes([self.name]) * 160), self.row.address)
        self.said += 1

    async def talk(self) -> None:
        began, spoken = time.monotonic(), 0
        while True:
            self.say()
            spoken += 1
            await asyncio.sleep(max(began + 0.02 * spoken - time.monotonic(), 0))

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            data, source = await loop.sock_recvfrom(self.sock, 2048)
            self.heard.append((data, source, time.monotonic()))

    def voices(self, since: int = 0) -> set[int]:
        """Names heard; 255 is silence."""
        return {packet[12] for packet, _, _ in self.heard[since:] if packet[12:] == packet[12:13] * 160}


def guesses(name: int) -> list[int]:
    """A voice, and the softer copies that stand in for its lost frames on a busy machine."""
    softer = int(SOFTER[ULAW][name])
    return [name, softer, int(SOFTER[ULAW][softer])]


async def until(true: Callable[[], object], seconds: float = 4.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.005)


async def replaced(host: Host, child: Child) -> None:
    """Wait until a worker's process is another, or none."""
    await until(lambda: host.child is not child)


@contextlib.asynccontextmanager
async def running(*sets: Handset) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(work) for handset in sets for work in (handset.talk(), handset.listen())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for handset in sets:
            handset.sock.close()


def settings(workers: int = 2, rows: int = 8, span: int = 60) -> PlaneSettings:
    first = random.randrange(16_000, 31_000) & ~1
    return PlaneSettings(ADDRESS, first, first + span, workers=workers, rows_per_worker=rows, recorder=False)


@contextlib.asynccontextmanager
async def started(plane: MediaPlane) -> AsyncIterator[MediaPlane]:
    await plane.start()
    try:
        yield plane
    finally:
        await plane.stop()


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    async with started(MediaPlane(settings())) as plane:
        yield plane


def pid(plane: MediaPlane, worker: int) -> int:
    child = plane.hosts[worker].child
    assert child is not None
    return child.pid


def begun(ledger: Ledger, ref: RowRef) -> bool:
    return bool(ledger.owner[ref.row] == ref.generation)


def bridge(one: Handset, two: Handset) -> None:
    one.row.hear(two.row.ref)
    two.row.hear(one.row.ref)


def test_the_face_is_what_the_engine_asks_for() -> None:
    plane = MediaPlane(settings())
    sound: Sound = plane
    make: Callable[..., Row] = PlaneRow
    assert sound is plane
    assert make is PlaneRow


async def test_two_workers_cross_and_nobody_hears_another(plane: MediaPlane) -> None:
    one, two, three = Handset(plane, 1), Handset(plane, 2), Handset(plane, 3)
    assert {one.row.ref.worker, two.row.ref.worker} == {0, 1}
    bridge(one, two)
    async with running(one, two, three):
        await until(lambda: 1 in two.voices() and 2 in one.voices())
        await asyncio.sleep(0.2)
    assert one.voices() <= {255, *guesses(2)}
    assert two.voices() <= {255, *guesses(1)}
    assert three.voices() == {255}


async def test_a_killed_worker_is_back_on_the_same_ports_with_the_same_stream(plane: MediaPlane) -> None:
    one = Handset(plane, 1)
    two = Handset(plane, 2, beside=one.row.ref)
    assert two.row.ref.worker == one.row.ref.worker
    bridge(one, two)
    async with running(one, two):
        await until(lambda: 1 in two.voices() and 2 in one.voices())
        before = pid(plane, one.row.ref.worker)
        os.kill(before, signal.SIGKILL)
        killed = time.monotonic()
        await until(lambda: pid(plane, one.row.ref.worker) != before)
        mark = len(two.heard)
        await until(lambda: 1 in two.voices(mark), 2.0)
        assert time.monotonic() - killed < 2.0
    assert {source for _, source, _ in two.heard} == {two.row.address}
    assert len({packet[8:12] for packet, _, _ in two.heard}) == 1
    heads = [struct.unpack("!HI", packet[2:8]) for packet, _, _ in two.heard]
    seqs = [(b[0] - a[0]) % 65536 for a, b in pairwise(heads)]
    stamps = [(b[1] - a[1]) % 2**32 for a, b in pairwise(heads)]
    assert set(seqs) <= {1, 2}
    times = [at for _, _, at in two.heard]
    gap = max(range(len(stamps)), key=lambda i: times[i + 1] - times[i])
    assert abs(stamps[gap] / 8000 - (times[gap + 1] - times[gap])) < 0.08


async def test_a_worker_that_hangs_is_replaced(plane: MediaPlane) -> None:
    one = Handset(plane, 1)
    async with running(one):
        await until(lambda: one.heard)
        before = pid(plane, one.row.ref.worker)
        os.kill(before, signal.SIGSTOP)
        await until(lambda: pid(plane, one.row.ref.worker) != before, 5.0)
        mark = len(one.heard)
        await until(lambda: len(one.heard) > mark + 5, 2.0)


async def test_a_worker_that_cannot_be_kept_alive_is_given_up(plane: MediaPlane) -> None:
    one = Handset(plane, 1)
    playing = asyncio.ensure_future(one.row.play(plane.arena.add(np.zeros(80_000, np.int16))))
    host = plane.hosts[one.row.ref.worker]
    for _ in range(RESTARTS + 1):
        known = host.child
        assert known is not None
        os.kill(known.pid, signal.SIGKILL)
        await replaced(host, known)
    assert one.events == [MediaLost(one.row.ref)]
    await asyncio.wait_for(playing, 1.0)
    one.row.close()
    assert plane.ports.used == 0
    other = Handset(plane, 2)
    assert other.row.ref.worker != one.row.ref.worker
    for handset in (one, other):
        handset.sock.close()


async def test_a_prompt_is_awaited_and_its_sound_is_what_was_added(plane: MediaPlane) -> None:
    clip = plane.arena.add((np.sin(np.arange(2000)) * 8000).astype(np.int16))
    one = Handset(plane, 1)
    async with running(one):
        await until(lambda: one.heard)
        await asyncio.wait_for(one.row.play(clip), 2.0)
        await until(lambda: one.heard[-1][0][12:] == b"\xff" * 160)
    heard = b"".join(packet[12:] for packet, _, _ in one.heard)
    assert plane.arena.frames[clip.at : clip.at + clip.frames].tobytes() in heard


async def test_a_cancelled_prompt_stops_and_a_second_one_ends_the_first(plane: MediaPlane) -> None:
    clip = plane.arena.add((np.sin(np.arange(80_000)) * 8000).astype(np.int16))
    one = Handset(plane, 1)
    async with running(one):
        first = asyncio.ensure_future(one.row.play(clip))
        await until(lambda: one.heard and one.heard[-1][0][12:] != b"\xff" * 160)
        second = asyncio.ensure_future(one.row.play(clip))
        await asyncio.wait_for(first, 1.0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await until(lambda: one.heard[-1][0][12:] == b"\xff" * 160)


async def test_a_prompt_goes_on_in_a_worker_that_takes_over(plane: MediaPlane) -> None:
    clip = plane.arena.add((np.sin(np.arange(8000)) * 8000).astype(np.int16))
    one = Handset(plane, 1)
    async with running(one):
        playing = asyncio.ensure_future(one.row.play(clip))
        await until(lambda: len(one.heard) > 10)
        os.kill(pid(plane, one.row.ref.worker), signal.SIGKILL)
        await asyncio.wait_for(playing, 3.0)


async def test_commands_given_while_a_worker_is_away_are_done_by_the_next(plane: MediaPlane) -> None:
    one = Handset(plane, 1)
    async with running(one):
        await until(lambda: one.heard)
        worker = one.row.ref.worker
        os.kill(pid(plane, worker), signal.SIGKILL)
        two = Handset(plane, 2, beside=one.row.ref)
        two.row.hear(one.row.ref)
        assert two.row.ref.worker == worker
        async with running(two):
            await until(lambda: 1 in two.voices(), 3.0)


async def test_who_answers_hears_the_other_from_the_first_frame_on(plane: MediaPlane) -> None:
    """The answer aims the row in one turn of the loop; the story it wakes bridges it in the next."""
    speaker = Handset(plane, 1)
    ledger = plane.hosts[speaker.row.ref.worker].ledger

    async def story(leg: Handset, answered: asyncio.Event) -> None:
        await answered.wait()
        time.sleep(0.02)  # noqa: ASYNC251 - the loop is busy with other calls
        leg.row.hear(speaker.row.ref)

    async with running(speaker):
        await until(lambda: ledger.anchored[speaker.row.ref.row])
        for name in (2, 3, 4):
            leg, answered = Handset(plane, name, beside=speaker.row.ref, aim=False), asyncio.Event()
            with leg.sock:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(story(leg, answered))
                    await until(partial(begun, ledger, leg.row.ref))
                    leg.row.aim(leg.stream())
                    answered.set()
                packet = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(leg.sock, 2048), 1.0)
                assert packet[12] in guesses(1)


async def test_a_key_is_an_event(plane: MediaPlane) -> None:
    one = Handset(plane, 1)
    async with running(one):
        await until(lambda: one.heard)
        for n in range(5):
            head = struct.pack("!BBHII", 0x80, 101, n, 800, 9)
            one.sock.sendto(head + struct.pack("!BBH", 11, 0x80 * (n > 2), 160 * (n + 1)), one.row.address)
        await until(lambda: one.events)
    assert [event.key for event in one.events if isinstance(event, Digit)] == ["#"]


async def test_rows_and_ports_are_given_back_and_ports_rest() -> None:
    plane = MediaPlane(settings(workers=1, rows=4, span=5))
    async with started(plane):
        rows = [plane.open(str(n), lambda event: None) for n in range(3)]
        ports = {row.address[1] for row in rows}
        assert all(port % 2 == 0 for port in ports)
        with pytest.raises(NoRow, match="no free RTP port"):
            plane.open("one too many", lambda event: None)
        for row in rows:
            row.close()
            row.close()
        await until(lambda: plane.rows == 0)
        assert plane.ports.used == 0
        with pytest.raises(NoRow, match="others rest"):
            plane.open("too soon", lambda event: None)


async def test_a_row_may_be_had_again_at_once_and_says_when_there_is_none() -> None:
    plane = MediaPlane(settings(workers=1, rows=1))
    async with started(plane):
        first = plane.open("first", lambda event: None)
        with pytest.raises(NoRow, match="all 1 media rows"):
            plane.open("second", lambda event: None)
        first.close()
        await until(lambda: plane.rows == 0)
        second = plane.open("second", lambda event: None)
        assert second.ref.row == first.ref.row
        assert second.ref.generation != first.ref.generation
        assert second.address != first.address


async def test_many_rows_at_once_and_reports() -> None:
    reports: list[object] = []
    plane = MediaPlane(settings(workers=1, rows=250, span=700), on_report=reports.append)
    async with started(plane):
        rows = [plane.open(str(n), lambda event: None) for n in range(250)]
        await until(lambda: any(isinstance(r, WorkerReport) and r.rows == 250 for r in reports))
        for row in rows:
            row.close()
        await until(lambda: plane.rows == 0)
    assert plane.ports.used == 0


async def test_what_cannot_be_is_refused_in_words(plane: MediaPlane, tmp_path: Any) -> None:
    row = plane.open("row", lambda event: None)
    good = Stream(host=ADDRESS, port=4000, codec="PCMU", payload=0, events=None)
    for wrong in ({"codec": "opus"}, {"payload": 128}, {"port": 0}, {"ptime": 80}):
        fields = {name: getattr(good, name) for name in good.__struct_fields__}
        with pytest.raises(ValueError, match="expected"):
            row.aim(Stream(**{**fields, **wrong}))
    with pytest.raises(ValueError, match="before the stream was settled"):
        row.record(tmp_path / "a.wav")
    with pytest.raises(BadClip, match="without a decoder"):
        await plane.load(tmp_path / "a.wav")

"""What lands in a file, byte for byte, from a ledger and a clock that the test turns."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from hashlib import shake_128
from pathlib import Path

import pytest

from media.control import Record, RecordingEnded, RowRef, StopRecording
from media.disk import Disk
from media.drain import REACH, SETTLED, Drain
from media.laws import TO_OTHER, Law
from media.recorder import PERIOD
from media.wav import HEADER, inspect, repair
from media.wavfile import WavFile
from tests.media.fake_ring import FakeRing, Ticks

ROW = RowRef(0, 3, 77)
SILENCE = b"\xff" * 160


def frame(tick: int, row: int = 0) -> bytes:
    return shake_128(b"%d %d" % (tick, row)).digest(160)


def record(ref: RowRef, path: str, tick: int, codec: str = "PCMU", *, resume: bool = False) -> Record:
    return Record(ref, path, 0.0, codec, tick, resume)


class Desk:
    """A drain with its disk, one fake ring per worker, and what came out."""

    def __init__(self, workers: int = 1, limit: int = 1 << 27) -> None:
        self.ticks = Ticks()
        self.rings = [FakeRing() for _ in range(workers)]
        self.disk = Disk(limit)
        self.drain = Drain(self.rings, self.disk, self.ticks)
        self.ended: list[RecordingEnded] = []

    def turn(
        self, ticks: int, *speakers: RowRef, alaw: bool = False, lose: frozenset[int] = frozenset()
    ) -> None:
        """Let time go by, every speaker saying its frame of each tick; drain as often as the process does."""
        for _ in range(ticks):
            tick = self.ticks.now
            for ref in speakers:
                said = None if tick in lose else frame(tick, ref.row)
                self.rings[ref.worker].say(ref.row, ref.generation, tick, said, alaw)
            self.ticks.now += 1
            if self.ticks.now % PERIOD == 0:
                self.ended += self.drain.drain()

    def settle(self) -> None:
        """Until every file that was asked to end is whole."""
        deadline = time.monotonic() + 5
        self.ticks.now += 3
        while self.drain.busy:
            self.ended += self.drain.drain()
            assert time.monotonic() < deadline, "a recording never ended"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(workers=2)
    yield desk
    desk.disk.stop()
    assert threading.active_count() == 1


def sound(path: Path) -> bytes:
    return path.read_bytes()[HEADER:]


def said(first: int, last: int, row: int) -> bytes:
    return b"".join(frame(t, row) for t in range(first, last))


def test_a_file_holds_exactly_what_was_played_out(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "a" / "leg.wav"
    desk.turn(5, ROW)
    desk.drain.record(record(ROW, str(path), desk.ticks.now))
    desk.turn(503, ROW)
    desk.drain.stop(StopRecording(ROW, desk.ticks.now))
    desk.turn(20, ROW)
    desk.settle()
    assert sound(path) == said(1005, 1508, ROW.row)
    assert desk.ended == [RecordingEnded(ROW, str(path), 503 * 0.02, 0, None)]
    assert inspect(path).promised == inspect(path).present == 503 * 160


def test_legs_of_two_workers_do_not_mix(desk: Desk, tmp_path: Path) -> None:
    refs = [RowRef(w, r, 5) for w in (0, 1) for r in range(20)]
    for n, ref in enumerate(refs):
        desk.drain.record(record(ref, str(tmp_path / f"{n}.wav"), desk.ticks.now))
    desk.turn(300, *refs)
    desk.drain.stop_all()
    desk.settle()
    assert len(desk.ended) == 40
    for n, ref in enumerate(refs):
        assert sound(tmp_path / f"{n}.wav") == said(1000, 1300, ref.row)


def test_missing_packets_are_silence_and_counted(desk: Desk, tmp_path: Path) -> None:
    desk.drain.record(record(ROW, str(tmp_path / "u.wav"), desk.ticks.now))
    desk.turn(100, ROW, lose=frozenset({1000, 1001, 1040, 1099}))
    desk.drain.stop_all()
    desk.settle()
    data = sound(tmp_path / "u.wav")
    assert data[:320] == SILENCE * 2
    assert data[320 : 40 * 160] == said(1002, 1040, ROW.row)
    assert data[40 * 160 : 41 * 160] == SILENCE
    assert desk.ended[0].gaps == 2, "before the first word nothing was lost; 1040 and 1099 were"


def test_a_row_given_to_another_call_is_silence(desk: Desk, tmp_path: Path) -> None:
    desk.drain.record(record(ROW, str(tmp_path / "u.wav"), desk.ticks.now))
    desk.turn(10, ROW)
    desk.turn(10, RowRef(0, ROW.row, ROW.generation + 1))
    desk.drain.stop_all()
    desk.settle()
    assert sound(tmp_path / "u.wav") == said(1000, 1010, ROW.row) + SILENCE * 10


@pytest.mark.parametrize(
    ("law", "table", "other"), [(Law.PCMU, TO_OTHER[Law.PCMA], True), (Law.PCMA, TO_OTHER[Law.PCMU], False)]
)
def test_a_stream_that_changes_its_codec_is_converted(
    desk: Desk, tmp_path: Path, law: Law, table: list[int], other: bool
) -> None:
    desk.drain.record(record(ROW, str(tmp_path / "x.wav"), desk.ticks.now, law.name))
    desk.turn(30, ROW, alaw=law is Law.PCMA)
    desk.turn(30, ROW, alaw=other)
    desk.turn(4)
    desk.drain.stop_all()
    desk.settle()
    converted = said(1030, 1060, ROW.row).translate(bytes(table))
    assert sound(tmp_path / "x.wav") == said(1000, 1030, ROW.row) + converted + bytes([law.silence]) * 640
    assert inspect(tmp_path / "x.wav").tag == law.tag


def test_a_new_recording_of_a_row_ends_the_one_before_it(desk: Desk, tmp_path: Path) -> None:
    desk.drain.record(record(ROW, str(tmp_path / "1.wav"), desk.ticks.now))
    desk.turn(37, ROW)
    desk.drain.record(record(ROW, str(tmp_path / "2.wav"), desk.ticks.now))
    desk.turn(40, ROW)
    desk.drain.stop_all()
    desk.settle()
    assert sound(tmp_path / "1.wav") == said(1000, 1037, ROW.row)
    assert sound(tmp_path / "2.wav") == said(1037, 1077, ROW.row)


def test_a_command_read_late_still_has_its_first_word(desk: Desk, tmp_path: Path) -> None:
    desk.turn(40, ROW)
    desk.drain.record(record(ROW, str(tmp_path / "u.wav"), 1003))
    desk.turn(40, ROW)
    desk.drain.stop(StopRecording(ROW, 1070))
    desk.settle()
    assert sound(tmp_path / "u.wav") == said(1003, 1070, ROW.row)


def test_a_recorder_that_was_away_leaves_a_hole_of_the_right_length(desk: Desk, tmp_path: Path) -> None:
    desk.drain.record(record(ROW, str(tmp_path / "u.wav"), desk.ticks.now))
    desk.turn(80, ROW)
    for _ in range(120):
        desk.rings[0].say(ROW.row, ROW.generation, desk.ticks.now, frame(desk.ticks.now, ROW.row))
        desk.ticks.now += 1
    desk.turn(48, ROW)
    desk.drain.stop_all()
    desk.settle()
    data, whole = sound(tmp_path / "u.wav"), said(1000, 1248, ROW.row)
    assert len(data) == len(whole)
    hole = [at for at in range(0, len(data), 160) if data[at : at + 160] != whole[at : at + 160]]
    assert hole == list(range(hole[0], hole[-1] + 1, 160))
    assert data[hole[0] : hole[-1] + 160] == SILENCE * len(hole)
    assert len(hole) == desk.ended[0].gaps
    assert 120 - REACH <= len(hole) <= 120 - REACH + PERIOD + SETTLED, "what the ring still had was saved"


def test_a_new_recorder_goes_on_where_the_file_ends(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "u.wav"
    desk.drain.record(record(ROW, str(path), 1000))
    desk.turn(200, ROW)
    desk.drain.stop_all()
    desk.settle()
    with path.open("r+b") as file:
        file.truncate(HEADER + 190 * 160 + 7)  # a torn frame
    desk.ticks.now = 1200
    desk.drain.record(record(ROW, str(path), 1000, resume=True))
    desk.turn(100, ROW)
    desk.drain.stop_all()
    desk.settle()
    assert sound(path) == said(1000, 1300, ROW.row)
    assert desk.ended[1].gaps == 0


def test_a_hole_too_long_for_the_ring_is_filled_with_silence(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "u.wav"
    desk.drain.record(record(ROW, str(path), 1000))
    desk.turn(100, ROW)
    desk.drain.stop_all()
    desk.settle()
    desk.ticks.now = 2000
    desk.drain.record(record(ROW, str(path), 1000, "PCMA", resume=True))
    desk.turn(50, ROW, alaw=True)
    desk.drain.stop_all()
    desk.settle()
    assert inspect(path).tag == Law.PCMU.tag, "a file keeps the law it began with"
    as_u = said(2000, 2050, ROW.row).translate(TO_OTHER[Law.PCMA].tobytes())
    assert sound(path) == said(1000, 1100, ROW.row) + SILENCE * 900 + as_u


def test_a_name_that_is_taken_ends_the_recording_with_the_reason(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "u.wav"
    path.write_bytes(b"somebody else's")
    for resume in (False, True):
        desk.drain.record(record(ROW, str(path), desk.ticks.now, resume=resume))
        desk.settle()
    assert [e.fault is not None and str(path) in e.fault for e in desk.ended] == [True, True]
    assert path.read_bytes() == b"somebody else's"


def test_stopping_what_is_not_recorded_does_nothing(desk: Desk) -> None:
    desk.drain.stop(StopRecording(ROW, 1000))
    assert desk.drain.drain() == []
    assert not desk.drain.busy


def test_a_disk_that_is_far_behind_costs_sound_but_no_alignment(tmp_path: Path) -> None:
    desk = Desk(limit=0)
    desk.drain.record(record(ROW, str(tmp_path / "u.wav"), desk.ticks.now))
    desk.turn(100, ROW)
    desk.drain.stop_all()
    desk.settle()
    desk.disk.stop()
    assert sound(tmp_path / "u.wav") == SILENCE * 100
    assert desk.ended == [RecordingEnded(ROW, str(tmp_path / "u.wav"), 2.0, 100, None)]


def test_a_disk_that_stands_still_for_a_while_costs_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands, moves = threading.Event(), threading.Event()
    append = WavFile.append

    def when_it_moves(file: WavFile, at: int, frames: Sequence[memoryview]) -> None:
        stands.set()
        assert moves.wait(10)
        append(file, at, frames)

    monkeypatch.setattr(WavFile, "append", when_it_moves)
    desk.drain.record(record(ROW, str(tmp_path / "u.wav"), desk.ticks.now))
    desk.turn(500, ROW)
    assert stands.wait(10)
    assert inspect(tmp_path / "u.wav").present == 0
    moves.set()
    desk.drain.stop_all()
    desk.settle()
    assert sound(tmp_path / "u.wav") == said(1000, 1500, ROW.row)
    assert desk.ended[0].gaps == 0


def test_at_any_moment_the_file_on_disk_misses_less_than_a_second(desk: Desk, tmp_path: Path) -> None:
    """The headers and bytes a kill -9 would leave, looked at all along."""
    path = tmp_path / "u.wav"
    start = desk.ticks.now
    desk.drain.record(record(ROW, str(path), start))
    for _ in range(400):
        desk.turn(1, ROW)
        while desk.disk.waiting:
            time.sleep(0)
        if desk.ticks.now - start > 50:
            copy = tmp_path / "copy.wav"
            copy.write_bytes(path.read_bytes())
            assert inspect(copy).present == repair(copy) * 8000, "plays without repair, all of it"
            with pytest.raises(BlockingIOError):
                repair(path)
            assert desk.ticks.now - start - repair(copy) * 50 < 50
            assert sound(copy) == said(start, start + int(repair(copy) * 50), ROW.row)
    desk.drain.stop_all()
    desk.settle()

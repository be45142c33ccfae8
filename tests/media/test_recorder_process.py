"""The recorder as a process: killed, told to leave, left alone, out of disk."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from media.control import Record, RowRef, StopRecording
from media.wav import HEADER, inspect, repair
from tests.media.recorder_process import RecorderProcess, Voices, frame

SILENCE = b"\xff" * 160


@pytest.fixture
def voices() -> Iterator[Voices]:
    voices = Voices(rows=20)
    yield voices
    voices.close()


@pytest.fixture
def recorder(voices: Voices) -> Iterator[RecorderProcess]:
    recorder = RecorderProcess(voices)
    yield recorder
    recorder.close()


def start(recorder: RecorderProcess, ref: RowRef, path: Path, tick: int, resume: bool = False) -> None:
    recorder.tell(Record(ref, str(path), time.time(), "PCMU", tick, resume))


def frames(path: Path) -> list[bytes]:
    sound = path.read_bytes()[HEADER:]
    return [sound[at : at + 160] for at in range(0, len(sound), 160)]


def test_a_kill_costs_less_than_a_second_and_the_next_recorder_goes_on(
    voices: Voices, recorder: RecorderProcess, tmp_path: Path
) -> None:
    paths, begin = [tmp_path / f"{row}.wav" for row in range(20)], voices.now
    for row, path in enumerate(paths):
        start(recorder, voices.ref(row), path, begin)
    voices.talk(1.7)
    recorder.kill()
    killed = voices.now
    for row, path in enumerate(paths):
        kept = frames(path)
        assert kept == [frame(begin + i, row) for i in range(len(kept))]
        assert killed - begin - len(kept) < 50
        assert soundfile.info(path).frames == len(kept) * 160, "plays as it is"
        assert repair(path) == len(kept) * 160 / 8000

    second = RecorderProcess(voices)
    try:
        for row, path in enumerate(paths):
            start(second, voices.ref(row), path, begin, resume=True)
        voices.talk(0.8)
        end = voices.now
        for row in range(20):
            second.tell(StopRecording(voices.ref(row), end))
        voices.talk(0.3)
        gaps = {ended.path: ended.gaps for ended in (second.ended() for _ in paths)}
    finally:
        second.close()
    for row, path in enumerate(paths):
        whole = frames(path)
        assert len(whole) == end - begin
        holes = [i for i, kept in enumerate(whole) if kept != frame(begin + i, row)]
        assert all(whole[i] == SILENCE for i in holes)
        assert len(holes) == gaps[str(path)] < 100


def test_a_recorder_that_is_left_alone_finishes_its_files(
    voices: Voices, recorder: RecorderProcess, tmp_path: Path
) -> None:
    """SIGTERM to the whole process group is the engine's: it drains, and its calls are still recorded."""
    path, begin = tmp_path / "u.wav", voices.now
    start(recorder, voices.ref(4), path, begin)
    voices.talk(0.3)
    recorder.process.terminate()
    voices.talk(0.3)
    asked = voices.now
    assert recorder.process.poll() is None
    recorder.sock.close()
    assert recorder.process.wait(10) == 0
    kept = frames(path)
    assert inspect(path).promised == len(kept) * 160
    assert kept == [frame(begin + i, 4) for i in range(len(kept))]
    assert len(kept) >= asked - begin


def test_a_full_disk_ends_that_recording_and_no_other(
    voices: Voices, recorder: RecorderProcess, tmp_path: Path
) -> None:
    small, begin = 6000, voices.now
    start(recorder, voices.ref(1), tmp_path / "1.wav", begin)
    voices.talk(0.2)
    resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, (small, small))
    voices.talk(1.0)
    ended = recorder.ended()
    assert ended.fault is not None
    assert ended.fault.startswith(f"{tmp_path / '1.wav'}: ")
    kept = frames(tmp_path / "1.wav")
    assert kept == [frame(begin + i, 1) for i in range((small - HEADER) // 160)]
    assert inspect(tmp_path / "1.wav").seconds == ended.seconds == len(kept) * 160 / 8000
    begin = voices.now
    start(recorder, voices.ref(2), tmp_path / "2.wav", begin)
    voices.talk(0.3)
    recorder.tell(StopRecording(voices.ref(2), begin + 10))
    second = recorder.ended()
    assert (second.path, second.fault, second.seconds) == (str(tmp_path / "2.wav"), None, 0.2)


def test_a_folder_that_cannot_be_made_is_a_fault(
    voices: Voices, recorder: RecorderProcess, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    start(recorder, voices.ref(1), tmp_path / "file" / "1.wav", voices.now)
    ended = recorder.ended()
    assert ended.fault is not None
    assert str(tmp_path / "file") in ended.fault
    assert ended.seconds == 0

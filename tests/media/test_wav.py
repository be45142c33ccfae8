"""Headers, and the mending of what a killed recorder leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.g711 import decode
from media.laws import TO_OTHER, Law
from media.wav import HEADER, BadWav, header, inspect, repair, seconds

LAWS = pytest.mark.parametrize("law", list(Law))
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@LAWS
def test_others_read_what_we_write(tmp_path: Path, law: Law) -> None:
    path, data = tmp_path / "a.wav", bytes(range(256)) * 5
    path.write_bytes(header(law, len(data)) + data)
    read, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    assert np.array_equal(read, decode(np.frombuffer(data, np.uint8), law.number))
    assert soundfile.info(path).subtype == {Law.PCMU: "ULAW", Law.PCMA: "ALAW"}[law]
    assert seconds(path) == 0.16


@SAME_FOLDER
@given(law=st.sampled_from(Law), promised=st.integers(0, 4000), held=st.integers(0, 4000))
def test_repair_makes_the_header_tell_the_truth(tmp_path: Path, law: Law, promised: int, held: int) -> None:
    path, data = tmp_path / "a.wav", bytes(i % 251 for i in range(held))
    path.write_bytes(header(law, promised) + data)
    assert repair(path) == (held & ~1) / 8000
    facts = inspect(path)
    assert (facts.tag, facts.promised, facts.present) == (law.tag, held & ~1, held & ~1)
    assert path.read_bytes()[HEADER:] == data[: held & ~1]
    before = path.stat().st_mtime_ns
    repair(path)
    assert path.stat().st_mtime_ns == before, "a whole file is not touched"


@SAME_FOLDER
@given(cut=st.integers(0, HEADER - 1))
def test_a_file_cut_off_in_its_header_becomes_an_empty_recording(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(header(Law.PCMU, 0)[:cut])
    assert repair(path) == 0
    assert path.read_bytes() == header(Law.PCMU, 0)


@pytest.mark.parametrize("content", [b"RIFFxxxxWAVEjunk" + bytes(100), b"hello" * 20])
def test_what_is_not_ours_is_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(BadWav, match=r"a\.wav: not a recording of ours"):
        repair(path)
    with pytest.raises(BadWav, match=r"a\.wav: "):
        inspect(path)
    assert path.read_bytes() == content


def test_durations_of_other_wav_files(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((22050, 2)), 44100, subtype="PCM_24")
    assert seconds(path) == 0.5
    soundfile.write(path, np.zeros(4000, np.float32), 8000, subtype="FLOAT")
    assert seconds(path) == 0.5


def test_the_laws_meet_in_silence() -> None:
    for law, other in ((Law.PCMU, Law.PCMA), (Law.PCMA, Law.PCMU)):
        assert TO_OTHER[law][law.silence] == other.silence
        there = decode(TO_OTHER[law], other.number).astype(int)
        assert np.abs(there - decode(np.arange(256, dtype=np.uint8), law.number)).max() <= 644

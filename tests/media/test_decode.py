"""Every kind of file as 8 kHz samples, as loud as it was, without what the telephone band cannot carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.decode import ALLOWED, Undecodable, as_pcm, decode, mono
from media.resample import Sound, resample
from tests.media import mp2


def tone(hertz: float, seconds: float, rate: int, amplitude: float = 0.5) -> Sound:
    return np.asarray(
        amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate), np.float32
    )


def level(sound: NDArray[np.generic], hertz: float, rate: int = 8000) -> float:
    """Amplitude of that frequency, the edges left out."""
    middle = sound[len(sound) // 8 : -len(sound) // 8].astype(np.float64)
    window = np.hanning(len(middle))
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / rate)
    return float(2 * abs(np.dot(middle * window, wave)) / window.sum())


def rms(sound: NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))


@pytest.mark.parametrize(
    ("name", "kind", "subtype"),
    [
        ("a.wav", "WAV", "PCM_16"),
        ("a.wav", "WAV", "PCM_24"),
        ("a.wav", "WAV", "FLOAT"),
        ("a.wav", "WAV", "ULAW"),
        ("a.wav", "WAVEX", "PCM_16"),
        ("a.flac", "FLAC", "PCM_16"),
        ("a.ogg", "OGG", "VORBIS"),
        ("a.opus", "OGG", "OPUS"),
        ("a.mp3", "MP3", "MPEG_LAYER_III"),
        ("a.raw", "WAV", "PCM_16"),
    ],
)
@pytest.mark.parametrize("rate", [8000, 48000])
def test_files_of_every_format(tmp_path: Path, name: str, kind: str, subtype: str, rate: int) -> None:
    path = tmp_path / name
    soundfile.write(path.with_suffix(".x"), tone(1000, 1.0, rate), rate, format=kind, subtype=subtype)
    path.with_suffix(".x").rename(path)
    pcm = decode(path)
    assert pcm.dtype == np.int16
    assert abs(len(pcm) - 8000) < 600, "lossy formats may pad"
    assert level(pcm[:8000], 1000) == pytest.approx(16384, rel=0.03)


def test_mpeg_layer_two(tmp_path: Path) -> None:
    path = tmp_path / "a.mp2"
    path.write_bytes(mp2.tone(50, 0.5))
    pcm = decode(path)
    assert len(pcm) == pytest.approx(50 * 0.024 * 8000, abs=200)
    assert level(pcm, mp2.HERTZ) == pytest.approx(16384, rel=0.03)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a sound file"),
        (b"#!/bin/sh\necho hello\n" * 100, "not a sound file"),
        (b"RIFF\0\0\0\0WAVEfmt ", "not a sound file"),
        (b"\xff\xfb\x90\x64" + bytes(100), "not a sound file|holds no sound"),
    ],
)
def test_what_is_no_sound_says_what_is_allowed(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(Undecodable, match=why) as caught:
        decode(path)
    assert ALLOWED in str(caught.value) or str(caught.value) == "holds no sound"


def test_what_is_not_allowed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    soundfile.write(path, tone(500, 0.1, 8000), 8000, format="AIFF")
    with pytest.raises(Undecodable, match="a AIFF file; allowed are"):
        decode(path)
    soundfile.write(path, np.zeros((100, 9)), 8000, format="WAV")
    with pytest.raises(Undecodable, match="9 channels"):
        decode(path)
    soundfile.write(path, np.zeros(100), 192000, format="WAV")
    with pytest.raises(Undecodable, match="192000 samples a second"):
        decode(path)
    soundfile.write(path, np.zeros(0), 8000, format="WAV")
    with pytest.raises(Undecodable, match="holds no sound"):
        decode(path)
    soundfile.write(path, np.zeros(601 * 4000, np.int16), 4000, format="WAV")
    with pytest.raises(Undecodable, match="longer than 10 minutes"):
        decode(path)
    with pytest.raises(Undecodable, match=r"cannot be read: No such file"):
        decode(tmp_path / "missing.wav")


def test_a_truncated_file_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(500, 1.0, 8000), 8000)
    path.write_bytes(path.read_bytes()[:8044])
    assert len(decode(path)) == 4000


@pytest.mark.parametrize("rate", [6000, 8000, 11025, 16000, 22050, 32000, 44100, 44101, 48000, 96000])
def test_the_telephone_band_passes_unchanged(rate: int) -> None:
    for hertz in (100, 1000, min(3400, 0.42 * rate)):
        out = resample(tone(hertz, 0.5, rate), rate, 8000)
        assert len(out) == pytest.approx(4000, abs=1)
        assert level(out, hertz) == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("rate", [11025, 16000, 44100, 48000])
def test_what_lies_above_does_not_fold_down(rate: int) -> None:
    for hertz in (4050, 4500, 5000, 0.49 * rate):
        out = resample(tone(hertz, 0.5, rate), rate, 8000)
        assert rms(out[800:-800]) < 0.5 * 10 ** (-60 / 20)


@settings(max_examples=30, deadline=None)
@given(st.integers(4000, 96000), st.integers(1, 3000))
def test_any_rate_and_length(rate: int, length: int) -> None:
    out = resample(np.full(length, 0.25, np.float32), rate, 8000)
    assert len(out) == -(-length * 8000 // rate)
    assert float(np.abs(out).max()) < 0.35


def test_time_stays_where_it_was() -> None:
    click = np.zeros(48000, np.float32)
    click[24000] = 1.0
    assert int(np.abs(resample(click, 48000, 8000)).argmax()) == 4000


def test_channels_become_one_as_loud_as_the_loudest() -> None:
    left, right = tone(500, 1, 8000), tone(700, 1, 8000)
    for pair in ((left, left), (left, right), (left, 0 * left), (left, -left), (left, -0.9 * left)):
        assert rms(mono(np.stack(pair, axis=1))) == pytest.approx(rms(left), rel=0.01)


def test_what_is_too_loud_is_turned_down_and_not_clipped() -> None:
    pcm = as_pcm(tone(500, 1, 8000, amplitude=3.0))
    assert int(np.abs(pcm).max()) == 32767
    assert level(pcm, 500) == pytest.approx(32767, rel=0.01)
    assert level(pcm, 1500) < 40, "a clipped tone has harmonics"

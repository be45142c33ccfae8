"""The built-in music: no click at the seam, never too loud, never a key press, the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from media.decode import as_pcm
from media.music import LOUDNESS, PIECES, Sound, render
from media.resample import resample
from media.scores import Score, hertz

NAMES = pytest.mark.parametrize("name", list(PIECES))
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
SOUNDS = {name: render(name, 8000) for name in PIECES}


@NAMES
def test_length_and_loudness(name: str) -> None:
    sound = SOUNDS[name]
    assert 30 <= len(sound) / 8000 <= 60
    assert float(np.abs(sound).max()) < 0.6
    assert float(np.sqrt(np.mean(sound**2))) == pytest.approx(LOUDNESS, rel=0.001)
    blocks = sound.reshape(-1, 1600)
    quietest = float(np.sqrt((blocks**2).mean(axis=1)).min())
    assert quietest > LOUDNESS / 5, "nobody should think that the line is dead"


@NAMES
def test_it_loops_without_a_seam(name: str) -> None:
    """At the seam nothing jumps more than the music itself does from sample to sample."""
    sound = SOUNDS[name].astype(np.float64)
    bend = np.abs(np.diff(np.concatenate([sound[-3:], sound[:3]]), n=2))
    assert bend.max() <= np.percentile(np.abs(np.diff(sound, n=2)), 99.9)


@NAMES
def test_no_detector_takes_it_for_a_key(name: str) -> None:
    """Frames of 20 ms at every 5 ms: two tones of a key, within 12 dB of each other, never fill a frame."""
    x = as_pcm(SOUNDS[name]).astype(np.float64)
    angle = 2 * np.pi * np.outer(np.arange(160), (*LOW, *HIGH)) / 8000
    for offset in range(0, 160, 40):
        frames = np.roll(x, -offset).reshape(-1, 160)
        power = (frames @ np.cos(angle)) ** 2 + (frames @ np.sin(angle)) ** 2
        low, high = power[:, :4].max(axis=1), power[:, 4:].max(axis=1)
        share = (low + high) / (80 * (frames**2).sum(axis=1))
        assert share[np.abs(np.log10(high / low)) < 1.2].max() < 0.5


@NAMES
def test_it_is_the_same_music_at_every_rate(name: str) -> None:
    at_16 = resample(render(name, 16000), 16000, 8000)
    difference = at_16[2000:-2000] - SOUNDS[name][2000:-2000]
    assert float(np.abs(difference).max()) < 0.01


@NAMES
def test_it_is_the_same_every_time(name: str) -> None:
    again = render(name, 8000)
    assert as_pcm(again).tobytes() == as_pcm(SOUNDS[name]).tobytes()


def test_three_pieces_not_one() -> None:
    lengths = {len(sound) for sound in SOUNDS.values()}
    assert len(lengths) == 3


@NAMES
def test_the_band_of_a_telephone(name: str) -> None:
    def share(sound: Sound, low: float, high: float) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        at = np.fft.rfftfreq(len(sound), 1 / 8000)
        return float(power[(at >= low) & (at < high)].sum() / power.sum())

    assert share(SOUNDS[name], 200, 3400) > 0.75
    assert share(SOUNDS[name], 3450, 4001) < 1e-6


def test_notes() -> None:
    assert hertz("A4") == 440
    assert hertz("C4") == pytest.approx(261.626, abs=0.001)
    assert hertz("Bb2") == hertz("A#2")
    with pytest.raises(ValueError, match="'H4' is not a note"):
        hertz("H4")


def test_a_bar_that_is_not_full_is_named() -> None:
    score = Score(1.0, 4, ("C3 | E4", "C3 | E4"), (0,), "C4:4 / C4:3")
    with pytest.raises(ValueError, match="bar 2 has 3 beats; allowed are exactly 4"):
        score.tune()

"""The ear of the wire tests: it must hear what is there, and must not overhear a stranger."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.kit.tone import RATE, Samples, read_wav, seconds_of, seconds_of_others, tone, write_wav


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE))


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


CALL = joined(tone(400, 1.0), silence(0.25), tone(500, 1.53), tone(1000, 2.0))


def test_each_tone_is_measured() -> None:
    assert seconds_of(CALL, 400) == pytest.approx(1.0, abs=0.1)
    assert seconds_of(CALL, 500) == pytest.approx(1.5, abs=0.2)
    assert seconds_of(CALL, 1000) == pytest.approx(2.0, abs=0.2)
    assert seconds_of(CALL, 1300) == 0


def test_nothing_else_is_heard_where_nothing_else_is() -> None:
    assert seconds_of_others(CALL, 400, 500, 1000) == 0
    assert seconds_of_others(silence(2.0)) == 0


def test_a_tone_that_is_not_allowed_is_something_else() -> None:
    assert seconds_of_others(CALL, 400, 500) >= 1.7
    assert seconds_of_others(CALL) >= 3.5


@pytest.mark.parametrize("level", [0.4, 0.1, 0.08])
def test_a_stranger_under_the_voice_is_overheard(level: float) -> None:
    leak = joined(silence(0.5), tone(1300, 0.5, level), silence(1.0))
    assert seconds_of_others(tone(1000, 2.0) + leak, 1000) >= 0.3


def test_two_allowed_voices_at_once_are_something_else() -> None:
    assert seconds_of_others(tone(1000, 1.0) + tone(700, 1.0), 1000, 700) >= 0.9


def test_a_lost_frame_is_not_a_stranger() -> None:
    whole = tone(1000, 2.0)
    cut = joined(whole[:5000], whole[5160 + 37 :])
    assert seconds_of_others(cut, 1000) == 0


def test_frames_lost_one_after_another_are_no_stranger() -> None:
    holes = tone(1000, 2.0)
    for frame in (0, 1, 6, 12, 13, 20):
        holes[160 * frame : 160 * (frame + 1)] = 0
    assert seconds_of_others(holes, 1000) == 0
    assert seconds_of_others(holes + tone(1300, 2.0, 0.08), 1000) >= 1.5


@pytest.mark.parametrize("at", [7200, 8000, 8100])
def test_a_voice_that_jumps_twice_is_no_stranger(at: int) -> None:
    whole = tone(1000, 3.0)
    jumpy = joined(whole[:at], whole[at + 164 : at + 330], whole[at + 494 :])
    assert seconds_of_others(jumpy, 1000) == 0


def test_a_stranger_for_a_tenth_of_a_second_is_overheard() -> None:
    leak = joined(silence(1.0), tone(1300, 0.1), silence(0.9))
    assert seconds_of_others(tone(1000, 2.0) + leak, 1000) > 0
    assert seconds_of_others(joined(tone(1000, 1.0), tone(1300, 0.1), tone(1000, 1.0)), 1000) > 0


def test_a_wav_comes_back_as_it_was_written(tmp_path: Path) -> None:
    samples = tone(440, 0.5)
    assert np.allclose(read_wav(write_wav(tmp_path / "a.wav", samples)), samples, atol=1e-4)

"""Clips one after the other, again at an interval, until a key: to the frame."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.control import Digit, PromptEnded, StopPlaying
from media.dtmf import KEYS
from media.plane import Plane
from tests.media.plane_kit import Phone, Rig
from tests.media.test_clips import frames_heard, tune
from tests.media.test_dtmf import event, press, say, tone

Piece = tuple[int, int]


def clips(rig: Rig, *lengths: int) -> list[Piece]:
    refs = [rig.arena.add(tune(length, seed)) for seed, length in enumerate(lengths)]
    return [(ref.at, ref.frames) for ref in refs]


def sound(rig: Rig, *pieces: Piece) -> list[bytes]:
    return [rig.arena.frames[at + i].tobytes() for at, frames in pieces for i in range(frames)]


def over_music(rig: Rig, music: Piece, row: int = 0) -> Phone:
    phone = rig.open(row)
    rig.hear(phone, music)
    rig.run(100)
    phone.heard.clear()
    return phone


def test_three_clips_are_exactly_their_frames_without_a_gap() -> None:
    rig = Rig()
    music, *pieces = clips(rig, 5, 7, 1, 12)
    phone = over_music(rig, music)
    rig.play(phone, 1, *pieces)
    rig.run(600)
    heard = [frame for _, frame in frames_heard(phone)]
    first = heard.index(sound(rig, *pieces)[0])
    assert heard[first : first + 20] == sound(rig, *pieces)
    assert set(heard[:first] + heard[first + 20 :]) <= set(sound(rig, music))
    assert rig.events == [PromptEnded(phone.ref, 1)]
    assert {b - a for (a, _), (b, _) in zip(phone.heard, phone.heard[1:], strict=False)} == {4}


@pytest.mark.parametrize(("every", "beat"), [(10, 10), (4, 4), (3, 6), (0, 4)])
def test_rounds_begin_on_their_beat_and_music_is_heard_between_them(every: int, beat: int) -> None:
    rig = Rig()
    music, one, two = clips(rig, 5, 3, 1)
    phone = over_music(rig, music)
    rig.play(phone, 1, one, two, every=every, times=4)
    rig.run(1200)
    ticks = [m // 4 for m, frame in frames_heard(phone) if frame == sound(rig, one)[0]]
    assert [tick - ticks[0] for tick in ticks] == [0, beat, 2 * beat, 3 * beat]
    by_tick = {m // 4: frame for m, frame in frames_heard(phone)}
    assert [by_tick[ticks[1] + i] for i in range(4)] == sound(rig, one, two)
    between = [by_tick[ticks[0] + i] for i in range(4, beat)]
    assert set(between) <= set(sound(rig, music))
    assert rig.events == [PromptEnded(phone.ref, 1)]
    assert by_tick[ticks[3] + 4] in sound(rig, music)


def test_without_an_end_it_goes_on_until_it_is_stopped() -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 3)
    phone = over_music(rig, music)
    rig.play(phone, 1, clip, every=5, times=0)
    rig.run(5 * 20 * 40)
    assert sum(frame == sound(rig, clip)[0] for _, frame in frames_heard(phone)) == 40
    rig.plane(phone).apply(StopPlaying(phone.ref, 1))
    phone.heard.clear()
    rig.run(1000)
    assert {frame for _, frame in frames_heard(phone)} == set(sound(rig, music))
    assert not rig.events


@pytest.mark.parametrize("after", [60, 460])
def test_a_key_ends_it_at_once_whether_it_sounds_or_pauses(after: int) -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 20)
    phone = over_music(rig, music)
    rig.play(phone, 1, clip, every=40, times=0, keys=1 << KEYS.index("#") | 1)
    rig.run(after)
    press(rig, phone, 11, 0, 6)
    rig.run(60)
    assert rig.events == [PromptEnded(phone.ref, 1, "#")]
    phone.heard.clear()
    rig.run(2000)
    assert {frame for _, frame in frames_heard(phone)} == set(sound(rig, music))
    assert rig.events == [PromptEnded(phone.ref, 1, "#")], "the press is told once"


def test_a_key_that_does_not_interrupt_is_a_digit_and_the_sound_goes_on() -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 40)
    phone = over_music(rig, music)
    rig.play(phone, 1, clip, keys=1 << KEYS.index("1"))
    press(rig, phone, 2, 0, 5)
    rig.run(1000)
    assert rig.events == [Digit(phone.ref, "2", 100), PromptEnded(phone.ref, 1)]
    assert [frame for _, frame in frames_heard(phone) if frame in sound(rig, clip)] == sound(rig, clip)


def test_a_tone_in_the_voice_interrupts_too_and_is_told_once() -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 100)
    phone = over_music(rig, music)
    rig.play(phone, 1, clip, keys=1 << KEYS.index("5"))
    say(rig, phone, tone("5", 400))
    rig.run(90)
    assert rig.events == [PromptEnded(phone.ref, 1, "5")]
    rig.run(800)
    assert rig.events == [PromptEnded(phone.ref, 1, "5")]


@pytest.mark.parametrize("event_first", [True, False])
def test_one_press_in_both_ways_interrupts_one_play_only(event_first: bool) -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 100)
    phone = over_music(rig, music)
    keys = 1 << KEYS.index("5")
    rig.play(phone, 1, clip, keys=keys)
    count = say(rig, phone, tone("5", 160))
    delay = 0 if event_first else 100
    for i in range(8):
        packet = event(phone, 5, 2 * count + i, 160 * (i + 1), phone.stamp, end=i == 7)
        rig.post(phone, packet, delay + 20 * i)
    while not rig.events:
        rig.run(5)
    rig.play(phone, 2, clip, keys=keys)
    rig.run(1500)
    assert rig.events == [PromptEnded(phone.ref, 1, "5")]


def test_a_key_that_was_down_before_is_a_digit() -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 60)
    phone = over_music(rig, music)
    press(rig, phone, 1, 0, 10)
    rig.run(100)
    rig.play(phone, 1, clip, keys=1 << 1)
    rig.run(1500)
    assert [type(event) for event in rig.events] == [Digit, PromptEnded]
    assert rig.events[1] == PromptEnded(phone.ref, 1)


def test_a_row_that_is_closed_takes_its_play_along() -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 10)
    phone = over_music(rig, music)
    rig.play(phone, 1, clip, every=15, times=0)
    rig.run(250)
    rig.close(phone)
    heir = rig.open(0)
    rig.hear(heir, music)
    rig.run(2000)
    assert {frame for _, frame in frames_heard(heir)} == set(sound(rig, music))
    assert not rig.events


def test_on_hold_it_goes_on_by_the_clock_and_unheard() -> None:
    rig = Rig()
    (clip,) = clips(rig, 10)
    phone = rig.open(0, sends=False)
    rig.play(phone, 1, clip, clip, every=30, times=2)
    rig.run(20 * 49)
    assert not rig.events
    rig.run(60)
    assert rig.events == [PromptEnded(phone.ref, 1)]
    assert not phone.heard


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    times=st.integers(1, 3),
    away=st.tuples(st.integers(2, 60), st.integers(0, 25)),
)
@settings(max_examples=25, deadline=None)
def test_a_worker_that_takes_over_is_where_the_clock_is(
    lengths: list[int], times: int, away: tuple[int, int]
) -> None:
    """Without an outage and with one, the same frame is heard at the same tick from then on."""
    calm, rough = [_played(lengths, times, lost) for lost in (None, away)]
    died, gone = away
    assert {tick: frame for tick, frame in calm.items() if not died <= tick <= died + gone} == {
        tick: frame for tick, frame in rough.items() if not died <= tick <= died + gone
    }


def _played(lengths: list[int], times: int, away: tuple[int, int] | None) -> dict[int, bytes]:
    """What was heard by tick since the play was asked for."""
    rig = Rig()
    music, *pieces = clips(rig, 3, *lengths)
    phone = over_music(rig, music)
    began = rig.tick
    rig.play(phone, 1, *pieces, times=times)
    if away is not None:
        rig.run(20 * away[0])
        _replace(rig, phone, away[1])
    rig.run(20 * (began + 100 - rig.tick))
    assert rig.events == [PromptEnded(phone.ref, 1)]
    return {m // 4 - began: frame for m, frame in frames_heard(phone)}


def _replace(rig: Rig, phone: Phone, ticks: int) -> None:
    """The worker dies, and so many ticks later another is there."""
    rig.m += 4 * ticks
    rig.planes[0] = Plane(0, rig.ledgers, rig.arena, rig.wires[0])
    rig.planes[0].adopt(0, phone.sock, phone.sock, rig.m)


@pytest.mark.parametrize(("died", "ticks"), [(6, 5), (6, 15), (2, 20), (12, 2)])
def test_a_round_that_was_due_while_no_worker_was_there_begins_late_and_whole(died: int, ticks: int) -> None:
    rig = Rig()
    music, clip = clips(rig, 5, 4)
    phone = over_music(rig, music)
    rig.play(phone, 1, clip, every=10, times=0)
    rig.run(20 * died)
    began = rig.tick - died
    _replace(rig, phone, ticks)
    phone.heard.clear()
    rig.run(1000)
    heard = [(m // 4 - began, frame) for m, frame in frames_heard(phone)]
    starts = [tick for tick, frame in heard if frame == sound(rig, clip)[0]]
    for start in starts[:-1]:
        assert [frame for tick, frame in heard if start <= tick < start + 4] == sound(rig, clip)
    assert starts[0] <= -(-(died + ticks) // 10) * 10
    assert all(start % 10 == 0 for start in starts[1:])

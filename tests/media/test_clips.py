"""Music at one place for all, clips from their start."""

from __future__ import annotations

import numpy as np
import pytest

from media.arena import Arena, ArenaFull, ClipRef
from media.control import PromptEnded, StopPlaying
from tests.media.plane_kit import Phone, Rig, silence


def tune(frames: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.random.default_rng(seed).integers(-9000, 9000, frames * 160).astype(np.int16)


def frames_heard(phone: Phone) -> list[tuple[int, bytes]]:
    return [(m, packet[12:]) for m, packet in phone.heard]


def test_music_has_one_position_for_all_listeners() -> None:
    rig = Rig()
    clip = rig.arena.add(tune(7, 1))
    first = rig.open(0)
    rig.hear(first, (clip.at, clip.frames))
    rig.run(300)
    later = rig.open(1)
    rig.hear(later, (clip.at, clip.frames))
    rig.run(300)
    by_tick = {m // 4: frame for m, frame in frames_heard(first)}
    heard = frames_heard(later)
    assert len(heard) > 10
    assert all(by_tick[m // 4] == frame for m, frame in heard)
    assert len({frame for _, frame in heard}) == 7


def test_a_clip_plays_from_its_start_then_what_was_heard_before() -> None:
    rig = Rig()
    music, clip = rig.arena.add(tune(5, 1)), rig.arena.add(tune(10, 2))
    phone = rig.open(0)
    rig.hear(phone, (music.at, music.frames))
    rig.run(100)
    before = len(phone.heard)
    rig.play(phone, 1, (clip.at, clip.frames))
    rig.run(400)
    played = [frame for _, frame in frames_heard(phone)[before : before + 10]]
    assert played == [rig.arena.frames[clip.at + i].tobytes() for i in range(10)]
    assert rig.events == [PromptEnded(phone.ref, 1)]
    tunes = {rig.arena.frames[music.at + i].tobytes() for i in range(5)}
    assert {frame for _, frame in frames_heard(phone)[before + 10 :]} <= tunes


def test_the_end_is_told_when_the_last_frame_is_out() -> None:
    rig = Rig()
    clip = rig.arena.add(tune(3, 1))
    phone = rig.open(0)
    rig.play(phone, 1, (clip.at, clip.frames))
    while not rig.events:
        rig.run(5)
    assert phone.heard[-1][1][12:] == rig.arena.frames[clip.at + 2].tobytes()
    assert len(phone.heard) == 3


def test_a_clip_can_be_stopped_and_its_end_is_not_told() -> None:
    rig = Rig()
    clip = rig.arena.add(tune(50, 1))
    phone = rig.open(0)
    rig.play(phone, 1, (clip.at, clip.frames))
    rig.run(100)
    rig.plane(phone).apply(StopPlaying(phone.ref, 1))
    before = len(phone.heard)
    rig.run(1200)
    assert {frame for _, frame in frames_heard(phone)[before:]} == {silence()}
    assert not rig.events


def test_a_clip_on_hold_ends_by_the_clock() -> None:
    rig = Rig()
    clip = rig.arena.add(tune(10, 1))
    phone = rig.open(0, sends=False)
    rig.play(phone, 1, (clip.at, clip.frames))
    rig.run(400)
    assert rig.events == [PromptEnded(phone.ref, 1)]
    assert not phone.heard


def test_a_clip_waits_for_a_party_that_is_not_known_yet() -> None:
    rig = Rig()
    clip = rig.arena.add(tune(5, 1))
    phone = rig.open(0, aim=False)
    rig.play(phone, 1, (clip.at, clip.frames))
    rig.run(300)
    assert not rig.events
    rig.aim(phone)
    rig.run(200)
    assert rig.events == [PromptEnded(phone.ref, 1)]
    assert phone.heard[0][1][12:] == rig.arena.frames[clip.at].tobytes()


def test_the_arena_pads_the_last_frame_and_says_when_it_is_full() -> None:
    arena = Arena.create(4)
    assert arena.add(np.ones(161, np.int16)) == ClipRef(0, 2)
    assert arena.frames[1, 1:].tolist() == [0xFF] * 159
    with pytest.raises(ArenaFull, match=r"3\.|0\.0 s of sound memory"):
        arena.add(np.ones(3 * 160, np.int16))
    with pytest.raises(ValueError, match="at least one sample"):
        arena.add(np.zeros(0, np.int16))

"""A key is told once per press, whatever way it came."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.control import Digit
from media.dtmf import GRID, KEYS
from media.g711 import ULAW, encode
from tests.media.plane_kit import Phone, Rig

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


def event(phone: Phone, key: int, number: int, duration: int, stamp: int, end: bool = False) -> bytes:
    head = struct.pack("!BBHII", 0x80, 101, (phone.seq + number) & 0xFFFF, stamp, phone.ssrc)
    return head + struct.pack("!BBH", key, 0x80 * end | 10, duration)


def press(rig: Rig, phone: Phone, key: int, number: int, frames: int, fate: list[bool] | None = None) -> None:
    """Event packets of one press, three of them with the end bit; `fate` says which arrive."""
    stamp = phone.stamp + 160 * number
    packets = [event(phone, key, number + i, 160 * (i + 1), stamp) for i in range(frames)]
    packets += [event(phone, key, number + frames + i, 160 * frames, stamp, end=True) for i in range(3)]
    for i, packet in enumerate(packets):
        if fate is None or fate[i]:
            rig.post(phone, packet, 20 * i)


def tone(
    key: str, ms: int, level: float = 6000.0, silence: int = 60
) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    at = GRID.index(key)
    t = np.arange(ms * 8) / 8000
    wave = np.sin(2 * np.pi * LOW[at // 4] * t) + np.sin(2 * np.pi * HIGH[at % 4] * t)
    return np.concatenate([level * wave, np.zeros(silence * 8)]).astype(np.int16)


def say(rig: Rig, phone: Phone, pcm: np.ndarray[tuple[int], np.dtype[np.int16]], number: int = 0) -> int:
    """Post sound as packets; returns how many."""
    octets = encode(pcm, ULAW).tobytes()
    count = len(octets) // 160
    for n in range(count):
        rig.post(phone, phone.packet(number + n, octets[160 * n : 160 * (n + 1)]), 20 * n)
    return count


def keys(rig: Rig) -> str:
    return "".join(event.key for event in rig.events if isinstance(event, Digit))


@given(st.lists(st.booleans(), min_size=8, max_size=8).filter(any))
@settings(max_examples=30, deadline=None)
def test_an_event_is_told_once_whatever_is_lost(fate: list[bool]) -> None:
    rig = Rig()
    phone = rig.open(0)
    rig.talk(phone, 0, 5)
    rig.run(100)
    press(rig, phone, 7, 5, 5, fate)
    rig.run(800)
    assert keys(rig) == "7"


def test_all_events_and_their_length() -> None:
    rig = Rig()
    phone = rig.open(0)
    rig.talk(phone, 0, 1)
    rig.run(20)
    for key in range(16):
        press(rig, phone, key, 10 + 20 * key, 5)
        rig.run(300)
    assert keys(rig) == KEYS
    assert {event.milliseconds for event in rig.events if isinstance(event, Digit)} == {100}


def test_the_same_key_twice_is_two_presses() -> None:
    rig = Rig()
    phone = rig.open(0)
    press(rig, phone, 1, 0, 4)
    rig.run(160)
    press(rig, phone, 1, 12, 4)
    rig.run(300)
    assert keys(rig) == "11"


def test_events_are_not_relayed_and_are_no_loss() -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1)
    rig.bridge(one, two)
    rig.talk(one, 0, 5)
    rig.run(100)
    press(rig, one, 3, 5, 5)
    before = len(two.heard)
    rig.run(160)
    assert {packet[1] & 0x7F for _, packet in two.heard} == {0}
    assert len(two.heard) - before == 8


@pytest.mark.parametrize("key", GRID)
def test_tones_are_heard_in_the_voice(key: str) -> None:
    rig = Rig()
    phone = rig.open(0, events=None)
    say(rig, phone, tone(key, 80))
    rig.run(300)
    assert keys(rig) == key


@pytest.mark.parametrize("ms", [65, 100, 400])
@pytest.mark.parametrize("shift", [0, 37, 80, 131])
def test_a_tone_is_one_press_wherever_it_begins(ms: int, shift: int) -> None:
    rig = Rig()
    phone = rig.open(0)
    say(rig, phone, np.concatenate([np.zeros(shift + 160, np.int16), tone("5", ms), tone("5", ms)]))
    rig.run(2 * ms + 400)
    assert keys(rig) == "55"


@pytest.mark.parametrize("lead", [-40, 0, 60])
def test_a_key_sent_both_ways_is_one_press(lead: int) -> None:
    rig = Rig()
    phone = rig.open(0)
    say(rig, phone, np.concatenate([np.zeros(800, np.int16), tone("5", 100, silence=500)]))
    stamp = phone.stamp + 800
    for i in range(8):
        packet = event(phone, 5, 200 + i, min(160 * (i + 1), 800), stamp, end=i >= 5)
        rig.post(phone, packet, 101 + lead + 20 * i)
    rig.run(900)
    assert keys(rig) == "5"


def test_speech_like_sound_is_no_key() -> None:
    rig = Rig()
    phone = rig.open(0)
    chance = np.random.default_rng(4)
    t = np.arange(8000 * 20) / 8000
    pitch = 120 * np.exp(0.3 * np.sin(2 * np.pi * 0.7 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    weights = chance.uniform(0.2, 1, 24)
    voice = sum(w * np.sin(k * phase) for k, w in enumerate(weights, 1))
    pcm = (2500 * voice / np.abs(voice).max() * 4 + chance.normal(0, 80, len(t))).astype(np.int16)
    say(rig, phone, pcm)
    rig.run(20_200)
    assert keys(rig) == ""

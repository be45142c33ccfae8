"""Conferences: each hears all the others, once each, as loud as they are, and nobody else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from media.g711 import ALAW
from tests.media.plane_kit import Phone, Rig, silence
from tests.media.tones import hum, keep_humming, levels, sound

PITCHES = (400, 550, 700, 850, 1150, 1300, 1600, 1750)


def assert_hears(phone: Phone, *pitches: int, level: float = 4000.0) -> None:
    """Those hums, half a decibel up or down, and no others."""
    heard = levels(phone)
    assert set(heard) == set(pitches), f"{sorted(heard)} heard, {sorted(pitches)} expected"
    for pitch in pitches:
        assert heard[pitch] == pytest.approx(level, rel=0.06)


@pytest.mark.parametrize("count", [3, 5, 8])
@pytest.mark.parametrize("workers", [1, 2])
def test_each_hears_all_the_others_and_not_himself(count: int, workers: int) -> None:
    rig = Rig(workers=workers)
    phones = [rig.open(n, worker=n % workers) for n in range(count)]
    rig.confer(*phones)
    for n, phone in enumerate(phones):
        keep_humming(rig, phone, PITCHES[n], count=50, ms=7.3 * n)
    rig.run(1000)
    for n, phone in enumerate(phones):
        assert_hears(phone, *(pitch for pitch in PITCHES[:count] if pitch != PITCHES[n]))


def test_several_conferences_at_once_do_not_hear_each_other() -> None:
    rig = Rig(rows=24)
    sizes, first = (3, 4, 3, 5, 3, 6), 0
    groups: list[list[Phone]] = []
    for size in sizes:
        groups.append([rig.open(first + n) for n in range(size)])
        first += size
    for group in groups:
        rig.confer(*group)
    everybody = [phone for group in groups for phone in group]
    pitch = {phone.name: 300 + 100 * n for n, phone in enumerate(everybody)}
    for n, phone in enumerate(everybody):
        keep_humming(rig, phone, pitch[phone.name], count=50, level=2000, ms=3.7 * n % 20)
    rig.run(1000)
    for group in groups:
        for phone in group:
            others = (pitch[other.name] for other in group if other is not phone)
            assert_hears(phone, *others, level=2000)


@pytest.mark.parametrize("codecs", [("PCMU", "PCMA", "PCMA"), ("PCMA", "PCMU", "PCMU"), ("PCMA",) * 3])
def test_laws_may_differ(codecs: tuple[str, ...]) -> None:
    rig = Rig()
    payloads = {"PCMU": 0, "PCMA": 8}
    phones = [rig.open(n, codec=codec, payload=payloads[codec]) for n, codec in enumerate(codecs)]
    rig.confer(*phones)
    for n, (phone, codec) in enumerate(zip(phones, codecs, strict=True)):
        keep_humming(rig, phone, PITCHES[n], count=50, codec=codec)
    rig.run(900)
    for n, phone in enumerate(phones):
        assert_hears(phone, *(pitch for pitch in PITCHES[:3] if pitch != PITCHES[n]))
        assert {packet[1] & 0x7F for _, packet in phone.heard} == {payloads[codecs[n]]}


def half(n: int, second: bool) -> bytes:
    """A frame that says its number in one half and nothing in the other."""
    said, nothing = bytes([0x90 + n % 96]) * 80, silence()[:80]
    return nothing + said if second else said + nothing


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("late", [0, 5, 10, 15])
@pytest.mark.parametrize("burst", [1, 2])
def test_every_frame_of_every_source_is_heard_once_and_in_order(workers: int, late: int, burst: int) -> None:
    rig = Rig(workers=workers)
    one, two, listener = (rig.open(n, worker=n % workers) for n in range(3))
    rig.mix(listener, one, two)
    for n in range(100):
        rig.post(one, one.packet(n, half(n, second=False)), 20 * (n - n % burst))
        rig.post(two, two.packet(n, half(n, second=True)), 20 * (n - n % burst) + late)
    rig.run(1990)
    settled = -90 if burst == 1 else -50  # a stream in bursts is given more depth first
    heard = [(packet[12], packet[171]) for _, packet in listener.heard][settled:]
    for numbers in zip(*heard, strict=True):
        assert {(after - before) % 96 for before, after in pairwise(numbers)} == {1}


def test_two_hear_each_other_as_a_bridge_does_when_the_third_leaves() -> None:
    rig = Rig()
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    for n, phone in enumerate((one, two, three)):
        keep_humming(rig, phone, PITCHES[n], count=100)
    rig.run(600)
    rig.confer(one, two)
    rig.close(three)
    rig.run(600)
    assert one.heard[-1][1][12:] == hum(PITCHES[1])
    assert two.heard[-1][1][12:] == hum(PITCHES[0])


def test_a_source_that_stops_is_silence_and_the_others_go_on() -> None:
    rig = Rig()
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    keep_humming(rig, one, PITCHES[0], count=100)
    keep_humming(rig, two, PITCHES[1], count=100)
    keep_humming(rig, three, PITCHES[2], count=20)
    rig.run(1800)
    assert_hears(one, PITCHES[1])
    assert_hears(three, PITCHES[0], PITCHES[1])


def test_a_row_taken_again_at_once_is_not_heard_in_its_place() -> None:
    rig = Rig()
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    for n, phone in enumerate((one, two, three)):
        keep_humming(rig, phone, PITCHES[n], count=100)
    rig.run(500)
    rig.close(three)
    stranger = rig.open(2)
    keep_humming(rig, stranger, PITCHES[5], count=80)
    rig.run(1000)
    assert_hears(one, PITCHES[1])
    assert_hears(two, PITCHES[0])
    assert {packet[12:] for _, packet in stranger.heard} == {silence()}


def test_a_former_owner_of_ones_own_row_in_the_set_changes_nothing() -> None:
    rig = Rig()
    old, two, three = (rig.open(n) for n in range(3))
    rig.close(old)
    new = rig.open(0)
    for n, phone in enumerate((new, two, three)):
        keep_humming(rig, phone, PITCHES[n], count=50)
    rig.mix(new, old, new, two, three)
    rig.run(900)
    assert_hears(new, PITCHES[1], PITCHES[2])


def test_what_a_party_said_before_it_moved_away_is_not_said_again() -> None:
    rig = Rig()
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    keep_humming(rig, one, PITCHES[0], count=70)
    keep_humming(rig, two, PITCHES[1], count=170)
    rig.run(1400)
    rig.aim(one, host="10.9.9.9")
    rig.run(200)
    before = len(three.heard)
    rig.run(1600)
    assert {packet[12:] for _, packet in three.heard[before:]} == {hum(PITCHES[1])}


def test_what_a_dead_worker_left_is_not_said_again() -> None:
    rig = Rig(workers=2)
    one, two, three = (rig.open(n, worker=n == 2) for n in range(3))
    rig.confer(one, two, three)
    for n, phone in enumerate((one, two, three)):
        keep_humming(rig, phone, PITCHES[n], count=200)
    rig.run(1400)
    rig.planes.pop()
    rig.run(200)
    before = len(one.heard)
    rig.run(1800)
    assert {packet[12:] for _, packet in one.heard[before:]} == {hum(PITCHES[1])}


def test_three_loud_speakers_are_bent_not_wrapped() -> None:
    rig = Rig()
    phones = [rig.open(n) for n in range(4)]
    rig.mix(phones[3], *phones[:3])
    for phone in phones[:3]:
        keep_humming(rig, phone, 400, count=40, level=32_000)
    rig.run(700)
    wave = sound([packet for _, packet in phones[3].heard[-10:]])
    alone = np.sin(2 * np.pi * 400 * np.arange(len(wave)) / 8000)
    assert wave.max() > 31_000
    assert (wave * alone >= -1).all(), "never of the wrong sign"
    assert np.corrcoef(wave, alone)[0, 1] > 0.9


def test_a_lone_speaker_among_many_is_heard_bit_by_bit() -> None:
    rig = Rig(rows=70)
    phones = [rig.open(n) for n in range(60)]
    rig.confer(*phones)
    said = [bytes([0x90 + n, *range(0x10, 0x7F), *range(0xB0, 0xE0)]) for n in range(30)]
    for n, frame in enumerate(said):
        rig.post(phones[7], phones[7].packet(n, frame), 20 * n)
    rig.run(600)
    assert {packet[12:] for _, packet in phones.pop(7).heard} == {silence()}
    for phone in phones:
        heard = [packet[12:] for _, packet in phone.heard]
        first = heard.index(said[2])
        assert heard[first : first + 26] == said[2:28]


def test_lost_frames_are_concealed_in_a_mix_as_in_a_bridge() -> None:
    rig = Rig()
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    keep_humming(rig, one, 400, count=20)
    keep_humming(rig, one, 400, first=21, count=20, ms=420)
    keep_humming(rig, two, 700, count=45)
    rig.run(850)
    wave = sound([packet for _, packet in three.heard])
    hummed = [np.abs(np.fft.rfft(frame)[[8, 14]]) for frame in wave.reshape(-1, 160)[5:38]]
    assert min(levels[0] for levels in hummed) > 0.3 * max(levels[0] for levels in hummed)


def test_a_clip_is_heard_above_a_mix_and_the_mix_after_it() -> None:
    rig = Rig()
    clip = rig.arena.add(np.full(1600, 9000, np.int16))
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    for n, phone in enumerate((one, two, three)):
        keep_humming(rig, phone, PITCHES[n], count=60)
    rig.run(400)
    rig.play(one, 1, (clip.at, clip.frames))
    rig.run(100)
    assert one.heard[-1][1][12:] == rig.arena.frames[clip.at].tobytes()
    rig.run(600)
    assert_hears(one, PITCHES[1], PITCHES[2])


@pytest.mark.parametrize("size", [3, 8])
def test_a_mix_waits_as_little_as_can_be(size: int) -> None:
    rig = Rig()
    phones = [rig.open(n) for n in range(size)]
    rig.confer(*phones)
    for n, phone in enumerate(phones):
        keep_humming(rig, phone, PITCHES[n], count=40, ms=5 * n % 20)
    rig.run(600)
    columns = rig.planes[0].columns
    waits = [
        (int(columns.txphase[me]) - int(columns.ledger.c[other])) % 4
        for me in range(size)
        for other in range(size)
        if me != other
    ]
    assert max(waits) <= (2 if size == 3 else 3)


def test_a_clock_that_drifts_costs_a_mix_a_frame_now_and_then_never_a_voice() -> None:
    rig = Rig()
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    for n in range(1500):
        rig.post(one, one.packet(n, hum(400)), 20.02 * n)  # 1,000 ppm slow
        rig.post(two, two.packet(n, hum(700)), 20 * n)
    rig.run(28_000)
    assert rig.ledgers[0].corrections[0] or rig.planes[0].columns.counts.deeper > 2
    wave = sound([packet for _, packet in three.heard[20:]]).reshape(-1, 160)
    quiet = [n for n, frame in enumerate(wave) if np.abs(np.fft.rfft(frame)[8]) < 1000]
    assert len(quiet) <= 3, quiet
    assert all(b - a > 1 for a, b in pairwise(quiet))


def test_rows_are_summed_in_the_law_they_have_now() -> None:
    rig = Rig()
    one, two, three = (rig.open(n) for n in range(3))
    rig.confer(one, two, three)
    for n, phone in enumerate((one, two, three)):
        keep_humming(rig, phone, PITCHES[n], count=25)
    rig.run(500)
    rig.aim(one, codec="PCMA", payload=8)
    keep_humming(rig, one, PITCHES[0], first=25, count=50, codec="PCMA")
    keep_humming(rig, two, PITCHES[1], first=25, count=50)
    rig.run(900)
    assert rig.ledgers[0].codec[0] == ALAW
    assert_hears(three, PITCHES[0], PITCHES[1])
    assert_hears(one, PITCHES[1])

"""Streams as the world sends them: late, twice, out of order, in odd sizes, from somewhere else."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.rtp import is_rtcp, straighten
from tests.media.plane_kit import Phone, Rig


def pair(**form: Any) -> tuple[Rig, Phone, Phone]:
    rig = Rig()
    one, two = rig.open(0, **form), rig.open(1)
    rig.bridge(one, two)
    return rig, one, two


@given(
    fates=st.lists(st.tuples(st.booleans(), st.integers(0, 14), st.booleans()), min_size=30, max_size=30),
    seq=st.integers(0, 65535),
    stamp=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_lost_late_or_doubled_what_is_heard_was_said_once_and_in_order(
    fates: list[tuple[bool, int, bool]], seq: int, stamp: int
) -> None:
    rig, one, two = pair()
    one.seq, one.stamp = seq, stamp
    for number, (lost, delay, twice) in enumerate(fates):
        if not lost or number == 0:
            rig.post(one, one.packet(number), 20 * number + delay)
        if twice:
            rig.post(one, one.packet(number), 20 * number + delay + 9)
    rig.run(1000)
    numbers = [number for name, number in two.voices() if name == one.name]
    fresh = [n for i, n in enumerate(numbers) if i == 0 or n != numbers[i - 1]]
    assert fresh == sorted(set(fresh))
    assert {name for name, _ in two.voices()} <= {one.name}
    beat = [m for m, _ in two.heard]
    assert min(b - a for a, b in pairwise(beat)) >= 3


@given(seq=st.integers(65500, 65535), stamp=st.integers(2**32 - 3000, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_wrapping_is_not_noticed(seq: int, stamp: int) -> None:
    rig, one, two = pair()
    one.seq, one.stamp = seq, stamp
    rig.talk(one, 0, 40)
    rig.run(900)
    assert two.numbers(one.name) == list(range(40))


def test_packets_that_come_in_the_wrong_order_are_heard_in_the_right_one() -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 5, ms=14)
    for number, ms in ((5, 114), (7, 134), (6, 137), (8, 174), (9, 194)):
        rig.post(one, one.packet(number), ms)
    rig.run(400)
    assert two.numbers(one.name) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("size", [10, 15, 20, 30, 40, 50, 60])
def test_any_packet_size_is_heard_whole(size: int) -> None:
    rig, one, two = pair()
    octets = b"".join(one.frame(n) for n in range(60))
    step = size * 8
    for n in range(len(octets) // step):
        head = struct.pack("!BBHII", 0x80, 0, n, n * step, one.ssrc)
        rig.post(one, head + octets[n * step : (n + 1) * step], n * size)
    rig.run(1400)
    heard = b"".join(packet[12:] for _, packet in two.heard)
    assert octets[: 50 * 160] in heard


@pytest.mark.parametrize("size", [10, 20, 30, 40, 60])
def test_packets_are_sent_in_the_size_asked_for(size: int) -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1, ptime=size)
    rig.bridge(one, two)
    rig.talk(one, 0, 60)
    rig.talk(two, 0, 60)
    rig.run(1500)
    assert {len(packet) for _, packet in two.heard} == {12 + 8 * size}
    stamps = [int.from_bytes(packet[4:8], "big") for _, packet in two.heard]
    assert {(b - a) % 2**32 for a, b in pairwise(stamps)} == {8 * size}
    heard = b"".join(packet[12:] for _, packet in two.heard)
    assert b"".join(one.frame(n) for n in range(50)) in heard


def test_a_new_ssrc_is_a_new_stream_at_once() -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 10)
    rig.run(200)
    one.ssrc, one.seq, one.stamp = 0xABCDEF, 40000, 3_000_000_000
    rig.talk(one, 200, 10)
    rig.run(300)
    assert two.numbers(one.name) == [*range(10), *range(200, 210)]


@pytest.mark.parametrize("leap", [900_000, 8_000, -900_000, -3_000])
def test_timestamps_that_leap_are_followed(leap: int) -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 10)
    rig.run(200)
    one.stamp = (one.stamp + leap) % 2**32
    rig.talk(one, 10, 40)
    rig.run(1000)
    assert two.numbers(one.name)[-20:] == list(range(30, 50))


def test_a_pause_of_the_sender_is_silence_and_then_voice() -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 10)
    rig.run(4000)
    assert not rig.planes[0].columns.awake[0]
    rig.talk(one, 10, 10)
    rig.run(400)
    assert two.numbers(one.name) == list(range(20))


def test_a_party_that_goes_on_in_time_after_a_long_pause_is_heard_by_newcomers() -> None:
    rig, one, _ = pair()
    rig.talk(one, 0, 10)
    rig.run(4000)
    assert not rig.planes[0].columns.awake[0]
    three = rig.open(2)
    rig.hear(three, one)
    rig.talk(one, 200, 20, ms=4)
    rig.run(500)
    assert three.numbers(one.name)[-19:] == list(range(201, 220))


def test_jitter_makes_the_buffer_deeper_and_calm_makes_it_shallower() -> None:
    rig, one, two = pair()
    slack = rig.ledgers[0].slack
    for number in range(150):
        rig.post(one, one.packet(number), 20 * number + (12 if number % 5 == 4 else 0))
    rig.run(3000)
    late = two.numbers(one.name)[-60:]
    assert late == list(range(late[0], late[0] + 60))
    rig.talk(one, 150, 100)
    rig.run(2000)
    assert slack[0] > 12_000_000
    rig.talk(one, 250, 1350)
    rig.run(27_000)
    assert slack[0] < 9_000_000
    assert two.numbers(one.name)[-1000:] == list(range(600, 1600))


@pytest.mark.parametrize("ppm", [2000, -2000])
def test_drift_is_followed_and_marked(ppm: int) -> None:
    rig, one, two = pair()
    for number in range(1250):
        rig.post(one, one.packet(number), number * 20 * (1 + ppm / 1e6))
    rig.run(25_000)
    heard = two.numbers(one.name)
    assert heard[-500:] == list(range(heard[-1] - 499, heard[-1] + 1))
    assert heard[-1] >= 1240
    assert rig.ledgers[0].corrections[0] in (1, 2, 3)


def test_optional_header_parts_are_stepped_over() -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 1)
    for number in range(1, 10):
        fixed, frame = one.packet(number)[1:12], one.frame(number)
        forms = [
            b"\x80" + bytes([0x80]) + fixed[1:] + frame,
            b"\x82" + fixed + bytes(8) + frame,
            b"\x90" + fixed + bytes([0xBE, 0xDE, 0, 1]) + bytes(4) + frame,
            b"\xa0" + fixed + frame + bytes([0, 0, 0, 4]),
        ]
        rig.post(one, forms[number % 4], 20 * number)
    rig.run(300)
    assert two.numbers(one.name) == list(range(10))


@given(st.binary(min_size=1, max_size=400))
@settings(max_examples=200, deadline=None)
def test_garbage_is_cut_to_size_or_refused(data: bytes) -> None:
    buffer = bytearray(512)
    buffer[: len(data)] = data
    size = straighten(memoryview(buffer), len(data))
    assert size == 0 or 12 <= size <= len(data)


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_garbage_from_the_party_disturbs_nobody(packets: list[bytes]) -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 30)
    rig.talk(two, 50, 30)
    for n, packet in enumerate(packets):
        rig.post(two, packet, 100 + 3 * n)
    rig.run(700)
    assert two.numbers(one.name) == list(range(30))


def test_rtcp_on_the_rtp_port_is_dropped() -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 20)
    report = bytes([0x80, 200, 0, 6]) + bytes(24)
    assert is_rtcp(np.frombuffer(report[1:2], np.uint8)).all()
    rig.post(one, report, 105)
    rig.run(500)
    assert two.numbers(one.name) == list(range(20))


# ------------------------------------------------------------------------------------------ who may speak


def test_the_first_source_is_kept_and_a_hijacker_is_not_heard() -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 20)
    evil = Phone(99, ("6.6.6.6", 666), one.ref, one.sock, one.rtcp, ssrc=one.ssrc)
    for n in range(20):
        rig.post(one, evil.packet(n), 5 + 20 * n, source=evil.address)
    rig.run(500)
    assert two.numbers(one.name) == list(range(20))
    assert one.sock.peer == one.address
    assert all(packet[3] is not None for _, packet in one.heard)


def test_a_party_behind_a_nat_is_learnt_and_spoken_to() -> None:
    rig, one, two = pair()
    seen = ("192.0.2.7", 31000)
    rig.phones[seen] = one
    for n in range(20):
        rig.post(one, one.packet(n), 20 * n, source=seen)
    rig.run(500)
    assert one.sock.peer == seen
    assert two.numbers(one.name) == list(range(2, 20))


def test_the_address_of_the_sdp_goes_before_a_stranger() -> None:
    rig, one, two = pair()
    evil = Phone(99, ("6.6.6.6", 666), one.ref, one.sock, one.rtcp, ssrc=1)
    for n in range(2):
        rig.post(one, evil.packet(n), 20 * n, source=evil.address)
    rig.talk(one, 0, 20, ms=45)
    rig.run(600)
    assert one.sock.peer == one.address
    assert two.numbers(one.name) == list(range(20))


def test_another_address_in_a_later_sdp_is_latched_to_anew() -> None:
    rig, one, two = pair()
    rig.talk(one, 0, 10)
    rig.run(200)
    moved = ("10.9.9.9", 5000)
    one.address, rig.phones[moved] = moved, one
    rig.aim(one)
    rig.talk(one, 10, 10)
    rig.run(300)
    assert one.sock.peer == moved
    assert two.numbers(one.name) == list(range(20))

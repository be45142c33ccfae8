"""Who hears whom: pairs, laws, generations, workers."""

from __future__ import annotations

import numpy as np
import pytest

from media.control import Hear, RowRef
from media.g711 import ACROSS
from tests.media.plane_kit import ALAW, ULAW, Rig, silence


def test_two_parties_hear_each_other_in_order_within_ten_milliseconds() -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1)
    rig.bridge(one, two)
    rig.talk(one, 0, 20)
    rig.talk(two, 100, 20, ms=7)
    began = rig.m
    rig.run(500)
    assert two.numbers(one.name) == list(range(20))
    assert one.numbers(two.name)[-19:] == list(range(101, 120))
    first = next(m for m, packet in two.heard if packet[15] == 0x33)
    assert first - began <= 2


def test_what_is_sent_is_one_stream_with_one_ssrc() -> None:
    rig = Rig()
    one = rig.open(0)
    rig.run(200)
    heads = [np.frombuffer(packet[:12], ">u2") for _, packet in one.heard]
    assert {packet[8:12] for _, packet in one.heard} == {(7001).to_bytes(4, "big")}
    assert np.unique(np.diff([int(h[1]) for h in heads]) % 65536).tolist() == [1]
    stamps = [int(h[2]) << 16 | int(h[3]) for h in heads]
    assert np.unique(np.diff(stamps) % 2**32).tolist() == [160]
    assert one.heard[0][1][1] & 0x80 == 0 or one.heard[0][1][1] == 0x80


@pytest.mark.parametrize(("mine", "theirs"), [("PCMU", "PCMA"), ("PCMA", "PCMU"), ("PCMA", "PCMA")])
def test_laws_are_translated_by_table_and_equal_laws_are_copied(mine: str, theirs: str) -> None:
    rig = Rig()
    payloads = {"PCMU": 0, "PCMA": 8}
    one = rig.open(0, codec=mine, payload=payloads[mine])
    two = rig.open(1, codec=theirs, payload=payloads[theirs])
    rig.bridge(one, two)
    rig.talk(one, 0, 10)
    rig.run(300)
    law = ULAW if mine == "PCMU" else ALAW
    said = np.frombuffer(one.frame(4), np.uint8)
    expected = said if mine == theirs else ACROSS[law][said]
    heard = [packet for _, packet in two.heard]
    assert any(packet[12:] == expected.tobytes() and packet[1] & 0x7F == payloads[theirs] for packet in heard)


def test_a_row_that_is_reused_at_once_never_leaks_a_voice() -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1)
    rig.bridge(one, two)
    rig.talk(one, 0, 10)
    rig.run(200)
    rig.close(one)
    other = rig.open(0)
    rig.talk(other, 500, 20)
    before = len(two.heard)
    rig.run(400)
    after = [packet[12:] for _, packet in two.heard[before:]]
    assert after
    assert set(after) == {silence()}
    assert not other.voices()


def test_a_generation_that_was_never_there_is_silence() -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1)
    rig.plane(two).apply(Hear(two.ref, (RowRef(0, 0, one.ref.generation + 99),)))
    rig.talk(one, 0, 10)
    rig.run(200)
    assert not two.voices()
    assert {packet[12:] for _, packet in two.heard} == {silence()}


def test_commands_for_a_former_owner_do_nothing() -> None:
    rig = Rig()
    old = rig.open(0)
    rig.close(old)
    new = rig.open(0)
    rig.hear(old, old)
    rig.close(old)
    rig.run(100)
    assert new.heard
    assert not rig.planes[0].columns.sockets[0].closed


def test_two_workers_cross_through_the_ledger() -> None:
    rig = Rig(workers=2)
    one, two = rig.open(0, worker=0), rig.open(3, worker=1)
    rig.bridge(one, two)
    rig.talk(one, 0, 50)
    rig.talk(two, 100, 50, ms=3)
    rig.run(1200)
    assert two.numbers(one.name) == list(range(50))
    assert one.numbers(two.name)[-49:] == list(range(101, 150))


def test_hold_stops_what_is_sent_and_time_goes_on() -> None:
    rig = Rig()
    one = rig.open(0)
    rig.run(100)
    rig.aim(one, sends=False)
    rig.run(10)
    held = len(one.heard)
    rig.run(200)
    assert len(one.heard) == held
    rig.aim(one)
    rig.run(100)
    last, first = one.heard[held - 1], one.heard[held]
    gap = int.from_bytes(first[1][4:8], "big") - int.from_bytes(last[1][4:8], "big")
    assert gap % 2**32 == (first[0] - last[0]) * 40
    assert first[1][1] & 0x80
    assert (int.from_bytes(first[1][2:4], "big") - int.from_bytes(last[1][2:4], "big")) % 65536 == 1


def test_a_party_that_is_not_to_be_heard_is_not() -> None:
    rig = Rig()
    one, two = rig.open(0, hears=False), rig.open(1)
    rig.bridge(one, two)
    rig.talk(one, 0, 10)
    rig.run(300)
    assert not two.voices()

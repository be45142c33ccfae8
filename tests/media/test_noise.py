"""Comfort noise: heard at the level it names, neither as digital silence nor as loss, until the next word."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from media.control import Digit, RowRef
from media.g711 import ALAW, DECODE, ULAW, decode
from media.ledger import NOISE, PHASES
from media.quality import of_row
from media.recorder import LedgerRing
from tests.media.plane_kit import Phone, Rig
from tests.media.test_dtmf import press


def noise(phone: Phone, number: int, level: int, spectrum: bytes = b"") -> bytes:
    """A comfort noise packet in the place of frame `number`, its sequence number `number` too."""
    head = struct.pack(
        "!BBHII", 0x80, 13, (phone.seq + number) & 0xFFFF, phone.stamp + 160 * number, phone.ssrc
    )
    return head + bytes([level]) + spectrum


def levels(phone: Phone, law: int = ULAW, since: int = 0) -> list[float]:
    """Decibels below overload of each frame heard; -200 is digital silence."""
    frames = [decode(np.frombuffer(packet[12:], np.uint8), law) for _, packet in phone.heard[since:]]
    top = float(DECODE[law].max())
    power = [float(np.sqrt(np.mean(frame.astype(float) ** 2))) / top for frame in frames]
    return [20 * np.log10(each) if each > 1e-6 else -200.0 for each in power]


def silent(number: int, level: int = 40, **form: Any) -> tuple[Rig, Phone, Phone]:
    """One speaks `number` frames to two, and then falls silent on purpose."""
    rig = Rig()
    one, two = rig.open(0, **form), rig.open(1, **form)
    rig.bridge(one, two)
    rig.talk(one, 0, number)
    rig.post(one, noise(one, number, level), 20 * number)
    return rig, one, two


@pytest.mark.parametrize(("codec", "payload", "law"), [("PCMU", 0, ULAW), ("PCMA", 8, ALAW)])
@pytest.mark.parametrize("level", [20, 35, 50, 62])
def test_the_level_is_the_one_it_names(codec: str, payload: int, law: int, level: int) -> None:
    rig, _, two = silent(10, level, codec=codec, payload=payload)
    rig.run(1600)
    heard = levels(two, law, since=15)
    assert len(heard) > 50
    assert np.mean(heard) == pytest.approx(-level, abs=1.5)
    assert max(abs(each + level) for each in heard) < 4
    assert len({packet[12:] for _, packet in two.heard[15:]}) > 20, "no frame over and over"


def test_it_ends_with_the_next_word_and_nothing_was_lost() -> None:
    rig, one, two = silent(20)
    for n in range(30):
        packet = bytearray(one.packet(60 + n))
        packet[2:4] = struct.pack("!H", (one.seq + 21 + n) & 0xFFFF)
        packet[1] |= 0x80 if n == 0 else 0
        rig.post(one, bytes(packet), 1200 + 20 * n)
    rig.run(1220)
    assert rig.planes[0].columns.counts.missing == 0
    rig.run(580)
    assert [n for name, n in two.voices() if name == one.name] == [*range(20), *range(60, 90)]
    rig.run(400)
    heard = of_row(rig.ledgers[0], 0).heard
    assert (heard.packets, heard.lost) == (51, 0)
    assert levels(two)[-1] == -200, "what is lost after that is lost, not noise"


def test_a_frame_that_is_lost_while_one_speaks_is_no_noise() -> None:
    rig, one, two = silent(10)
    rig.talk(one, 11, 30, ms=220)
    rig.run(830)
    before = len(two.heard)
    rig.run(400)
    assert levels(two, since=before)[-8:] == [-200.0] * 8


def test_a_packet_that_speech_has_overtaken_says_nothing() -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1)
    rig.bridge(one, two)
    rig.talk(one, 0, 30)
    rig.post(one, noise(one, 20, 30), 602)
    rig.run(1200)
    assert levels(two)[-5:] == [-200.0] * 5


def test_a_stream_may_begin_in_silence() -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1)
    rig.bridge(one, two)
    rig.post(one, noise(one, 0, 45, spectrum=b"\x10\x20"))
    rig.run(500)
    assert np.mean(levels(two, since=5)) == pytest.approx(-45, abs=2)
    rig.talk(one, 40, 20, ms=300)
    rig.run(800)
    assert set(two.numbers(one.name)) >= set(range(41, 60))


def test_one_packet_holds_for_a_minute_and_a_newer_one_sets_the_level() -> None:
    rig, one, two = silent(5, 60)
    rig.run(5000)
    assert np.mean(levels(two, since=200)) == pytest.approx(-60, abs=2)
    rig.post(one, noise(one, 250, 30))
    rig.run(500)
    assert np.mean(levels(two)[-10:]) == pytest.approx(-30, abs=2)
    rig.run(59_000)
    assert levels(two)[-1] > -40
    rig.run(2000)
    assert levels(two)[-1] == -200


def test_a_key_does_not_end_it() -> None:
    rig, one, two = silent(10)
    rig.run(400)
    press(rig, one, 5, 11, 5)
    rig.run(1000)
    assert rig.events == [Digit(one.ref, "5", 100)]
    assert np.mean(levels(two)[-10:]) == pytest.approx(-40, abs=2)


def test_the_recording_has_it_and_counts_no_gap() -> None:
    rig, one, _ = silent(10)
    rig.run(1000)
    ledger = rig.ledgers[0]
    last = rig.m // PHASES - 2
    ref: RowRef = one.ref
    heard = LedgerRing(ledger).heard([ref.row], [ref.generation], last - 20, last)
    assert heard.voice.all()
    assert not heard.lost.any()
    assert (ledger.state[:, 0] == NOISE).sum() > 30


def test_a_new_owner_of_the_row_is_not_noise() -> None:
    rig, one, two = silent(10)
    rig.run(500)
    rig.close(one)
    heir = rig.open(0)
    rig.hear(two, heir)
    rig.post(heir, heir.packet(0))
    rig.run(600)
    assert levels(two)[-5:] == [-200.0] * 5

"""Sender and receiver reports: form, numbers, and when."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from media.compound import Block, Report, parse
from media.ledger import Ledger
from tests.media.plane_kit import Phone, Rig


def test_a_report_says_what_was_sent_and_what_was_lost() -> None:
    rig = Rig()
    one, two = rig.open(0), rig.open(1)
    rig.bridge(one, two)
    for number in range(300):
        if number % 10 != 5:
            rig.post(one, one.packet(number), 20 * number)
    rig.run(6000)
    report = one.reports[-1]
    assert report[:2] == bytes([0x81, 200])
    ssrc, _, stamp, packets, octets = struct.unpack("!IQIII", report[4:28])
    assert ssrc == 7001
    assert octets == packets * 160
    sent = [int.from_bytes(packet[4:8], "big") for _, packet in one.heard]
    assert stamp in sent
    about, lost, high = struct.unpack("!III", report[28:40])
    assert about == one.ssrc
    assert 0.07 < (lost >> 24) / 256 < 0.13
    assert (lost & 0xFFFFFF) == sum(n % 10 == 5 for n in range((high - one.seq) & 0xFFFF))
    assert report[52:54] == bytes([0x81, 202])
    assert len(report) % 4 == 0
    assert len(report) == sum(4 * (1 + int.from_bytes(report[at + 2 : at + 4], "big")) for at in (0, 52))


def test_reports_are_five_seconds_apart_and_staggered() -> None:
    rig = Rig()
    phones = [rig.open(row) for row in range(4)]
    rig.run(11_000)
    assert {len(phone.reports) for phone in phones} <= {2, 3}
    assert all(report[1] == 200 for phone in phones for report in phone.reports)


def test_who_only_hears_sends_receiver_reports() -> None:
    rig = Rig()
    one = rig.open(0, sends=False)
    rig.talk(one, 0, 500)
    rig.run(11_000)
    assert len(one.reports) >= 2
    for report in one.reports:
        part = parse(report)[0]
        assert isinstance(part, Report)
        assert part.ntp is None
        assert part.blocks[0].source == one.ssrc
        assert part.blocks[0].lost == 0


# ------------------------------------------------------------------------------------------ what they say


def block(**form: int) -> bytes:
    fields = {"source": 7001, "fraction": 0, "lost": 0, "high": 0, "jitter": 0, "last": 0, "delay": 0, **form}
    about, fraction, lost, *rest = fields.values()
    return struct.pack("!6I", about, fraction << 24 | lost & 0xFFFFFF, *rest)


def told(phone: Phone, *blocks: bytes, ntp: int | None = None) -> bytes:
    """A sender report, or a receiver report where there is no NTP time."""
    body = b"" if ntp is None else struct.pack("!QIII", ntp, 0, 0, 0)
    body += b"".join(blocks)
    head = (0x80 | len(blocks), 200 if ntp is not None else 201, 1 + len(body) // 4, phone.ssrc)
    return struct.pack("!BBHI", *head) + body


def speaking() -> tuple[Rig, Phone, Ledger]:
    """A party in the middle of a call that has had a report of ours."""
    rig = Rig()
    one = rig.open(0)
    rig.talk(one, 0, 500)
    while not one.reports:
        rig.run(5)
    return rig, one, rig.ledgers[0]


def ours(phone: Phone) -> tuple[Report, int]:
    """Our newest report, and the middle of its NTP time."""
    report = parse(phone.reports[-1])[0]
    assert isinstance(report, Report)
    assert report.ntp is not None
    return report, report.ntp >> 16 & 0xFFFFFFFF


def test_what_the_party_hears_of_us_and_how_far_it_is() -> None:
    rig, one, ledger = speaking()
    _, middle = ours(one)
    high = int.from_bytes(one.heard[-1][1][2:4], "big")
    delay = 65536 // 10
    rig.run(20)
    report = told(one, block(fraction=26, lost=7, high=high, jitter=40, last=middle, delay=delay))
    rig.report(one, report, 100 + 60 - 20)
    rig.run(400)
    assert ledger.told[0] == 1
    assert (ledger.far_lost[0], ledger.far_fraction[0], ledger.far_jitter[0]) == (7, 26, 40)
    assert abs(ledger.round_trip[0] / 1e6 - 60) < 6
    assert 0 < ledger.packets[0] - ledger.far_expected[0] <= 21
    rig.report(one, told(one, block(lost=-3, high=high)))
    rig.run(10)
    assert ledger.far_lost[0] == -3
    assert abs(ledger.round_trip[0] / 1e6 - 60) < 6, "what was known stays known"


def test_our_block_names_their_last_report_and_how_long_ago_it_came() -> None:
    rig, one, _ = speaking()
    rig.report(one, told(one, ntp=0x1234_5678_9ABC_DEF0), 100)
    before = len(one.reports)
    while len(one.reports) == before:
        rig.run(5)
    (block,) = ours(one)[0].blocks
    assert block.last == 0x5678_9ABC
    assert abs(block.delay / 65536 - 4.9) < 0.02


def test_after_goodbye_their_report_is_not_named_any_more() -> None:
    rig, one, ledger = speaking()
    rig.report(one, told(one, ntp=1 << 40))
    rig.run(10)
    assert ledger.sr_mid[0]
    rig.report(one, told(one) + struct.pack("!BBHI", 0x81, 203, 1, one.ssrc))
    rig.run(10)
    assert not ledger.sr_mid[0]


def test_on_the_rtp_port_it_is_heard_too_and_answered_there() -> None:
    rig, one, ledger = speaking()
    before = [len(one.reports), len(one.heard)]
    rig.post(one, told(one, block(lost=3)), 7)
    rig.run(5200)
    assert ledger.told[0] == 1
    assert ledger.far_lost[0] == 3
    assert len(one.reports) == before[0]
    assert [packet[1] for _, packet in one.heard[before[1] :] if packet[1] & 0x7F != 0] == [200]


def test_reports_go_to_where_theirs_come_from() -> None:
    rig, one, _ = speaking()
    host, _ = one.address
    rig.report(one, told(one, block()), source=(host, 4999))
    moved = rig.phones[(host, 4998)] = Phone(50, (host, 4998), one.ref, one.sock, one.rtcp)
    rig.run(5200)
    assert len(moved.reports) == 1


@pytest.mark.parametrize(
    ("form", "source"),
    [
        ({}, ("6.6.6.6", 4001)),
        ({"source": 99}, None),
    ],
)
def test_strangers_and_reports_of_others_are_not_believed(form: dict[str, Any], source: Any) -> None:
    rig, one, ledger = speaking()
    liar = Phone(9, one.address, one.ref, one.sock, one.rtcp, ssrc=666)
    rig.report(liar, told(liar, block(lost=1000, **form)), source=source)
    rig.report(liar, told(liar, block(lost=1000, **form))[:-1])
    rig.run(20)
    assert not ledger.told[0]
    assert not ledger.far_lost[0]
    assert not ledger.rtcp_port[0]


def test_who_made_a_round_trip_up_is_not_believed() -> None:
    rig, one, ledger = speaking()
    rig.report(one, told(one, block(last=12345, delay=1)))
    rig.run(20)
    assert ledger.told[0] == 1
    assert not ledger.round_trip[0]


def test_blocks_are_read_as_they_are_written() -> None:
    rig, one, _ = speaking()
    rig.report(one, told(one, ntp=77 << 16))
    before = len(one.reports)
    while len(one.reports) == before:
        rig.run(5)
    (read,) = ours(one)[0].blocks
    assert isinstance(read, Block)
    assert (read.source, read.fraction, read.lost, read.last) == (one.ssrc, 0, 0, 77)

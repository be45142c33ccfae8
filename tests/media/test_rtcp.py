"""Sender and receiver reports: form, numbers, and when."""

from __future__ import annotations

import struct

from tests.media.plane_kit import Rig


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

"""The E-model against the figures ITU-T publishes, and what a row's quality is made of."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.client import MediaPlane
from media.emodel import mean_opinion, rating
from media.quality import NOTHING, Quality, of_row
from tests.media.plane_kit import Phone, Rig
from tests.media.test_client import Handset, pid, running, settings, started, until
from tests.media.test_rtcp import block, told


@pytest.mark.parametrize(
    ("r", "mos"),
    [(93.2, 4.41), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1), (-9, 1), (100, 4.5)],
)
def test_mos_is_what_annex_b_of_g_107_says(r: float, mos: float) -> None:
    assert mean_opinion(r) == pytest.approx(mos, abs=0.007)


@pytest.mark.parametrize(
    ("delay", "loss", "r"),
    [
        (0, 0.0, 93.2),
        (100, 0.0, 93.2),
        (150, 0.0, 93.04),
        (200, 0.0, 90.14),
        (400, 0.0, 69.1),
        (0, 0.01, 89.56),
        (0, 0.05, 77.42),
        (0, 0.251, 45.7),
    ],
)
def test_ratings_by_delay_and_loss(delay: float, loss: float, r: float) -> None:
    """Idd of G.107 7.4 and Ie,eff of 7-29 with the Ie 0 and Bpl 25.1 of G.113, worked out by hand."""
    assert rating(delay, loss) == pytest.approx(r, abs=0.1)


@given(st.floats(0, 2000), st.floats(0, 1), st.floats(0, 500), st.floats(0, 1))
def test_more_delay_or_loss_never_sounds_better(delay: float, loss: float, more: float, worse: float) -> None:
    better = mean_opinion(rating(delay, loss))
    poorer = mean_opinion(rating(delay + more, loss + (1 - loss) * worse))
    assert 1 <= poorer <= better + 0.01 <= 4.42


def quality(rig: Rig, phone: Phone) -> Quality:
    return of_row(rig.ledgers[phone.ref.worker], phone.ref.row)


def test_nothing_is_known_of_a_silent_row() -> None:
    rig = Rig()
    assert quality(rig, rig.open(0, aim=False)) == NOTHING


def test_what_was_lost_and_what_came_too_late_is_counted() -> None:
    rig = Rig()
    one = rig.open(0)
    for number in range(1000):
        if number % 100 != 50:
            rig.post(one, one.packet(number), 20 * number + (200 if number % 200 == 99 else 0))
    rig.run(20_500)
    heard = quality(rig, one).heard
    assert (heard.packets, heard.lost, heard.discarded) == (990, 10, 5)
    assert heard.loss == pytest.approx(0.015)
    assert heard.mos == pytest.approx(mean_opinion(rating(30, 0.015)), abs=0.02)


def test_a_stream_that_begins_anew_does_not_forget_the_one_before() -> None:
    rig = Rig()
    one = rig.open(0)
    for number in (*range(40), *range(50, 100)):
        rig.post(one, one.packet(number), 20 * number)
    rig.run(3500)
    one.ssrc, one.seq = 99, 5
    rig.talk(one, 0, 100)
    rig.run(2100)
    heard = quality(rig, one).heard
    assert (heard.packets, heard.lost) == (190, 10)


def test_the_other_way_is_what_the_party_says() -> None:
    rig = Rig()
    one = rig.open(0)
    rig.talk(one, 0, 400)
    rig.run(6000)
    assert quality(rig, one).sent.mos is None
    assert quality(rig, one).sent.packets > 290
    high = int.from_bytes(one.heard[-1][1][2:4], "big")
    rig.report(one, told(one, block(lost=30, high=high, jitter=80)))
    rig.run(20)
    sent = quality(rig, one).sent
    assert (sent.reports, sent.lost, sent.jitter) == (1, 30, 10.0)
    assert sent.loss == pytest.approx(0.1, abs=0.005)
    assert sent.mos == pytest.approx(mean_opinion(rating(40, 0.1)), abs=0.02)
    rig.close(one)
    assert quality(rig, one) == NOTHING


async def test_it_needs_no_worker_and_outlives_the_row() -> None:
    plane = MediaPlane(settings(workers=1))
    async with started(plane):
        one = Handset(plane, 1)
        assert one.row.quality() == NOTHING
        async with running(one):
            await until(lambda: one.row.quality().heard.packets >= 32)
            os.kill(pid(plane, 0), signal.SIGSTOP)
            before = one.row.quality()
            report = struct.pack("!BBHI", 0x80, 201, 1, 1)
            one.sock.sendto(report, (one.row.address[0], one.row.address[1] + 1))
            one.row.close()
            assert one.row.quality() == before
            os.kill(pid(plane, 0), signal.SIGCONT)
            await asyncio.wait_for(plane.all_closed(), 4.0)
        assert one.row.quality() == before
        assert before.heard.mos is not None
        assert before.figures()["heard_packets"] == before.heard.packets


async def test_reports_are_read_from_real_sockets_at_either_port() -> None:
    plane = MediaPlane(settings(workers=1))
    async with started(plane):
        one = Handset(plane, 7)
        host, port = one.row.address
        async with running(one):
            await until(lambda: one.heard and one.row.quality().heard.packets)
            ours = int.from_bytes(one.heard[0][0][8:12], "big")
            report = struct.pack("!BBHI6I", 0x81, 201, 7, 7, ours, 0x40000003, 0, 80, 0, 0)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
                rtcp.bind((host, 0))
                rtcp.sendto(report, (host, port + 1))
                await until(lambda: one.row.quality().sent.reports == 1)
            one.sock.sendto(report, (host, port))
            await until(lambda: one.row.quality().sent.reports == 2)
        sent = one.row.quality().sent
        assert (sent.lost, sent.jitter) == (3, 10.0)

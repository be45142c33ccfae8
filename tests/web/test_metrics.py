"""What Prometheus reads: well-formed, bounded, and the figures of what happened."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.facts import Phase
from engine.figures import Histogram
from engine.queues.waits import STEPS
from engine.transports.counts import METHODS, MessageCounts, named
from engine.web.exposition import family
from engine.web.lateness import EVERY, loop_watched
from engine.web.media_reports import MediaReports
from media.control import LATENESS, WorkerReport
from media.quality import Heard, Quality, Sent
from tests.kit.prometheus import Family, parse
from tests.web.offices import REPORTS, Client, office
from tests.web.test_api import talking


async def metrics(client: Client) -> dict[str, Family]:
    async with client.http.get(client.url + "/metrics") as got:
        assert (got.status, got.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        return parse(await got.text())


def value(found: dict[str, Family], family: str, sample: str = "", **labels: str) -> float:
    return found[family].samples[family + sample, tuple(labels.items())]


def report(worker: int, **other: Any) -> WorkerReport:
    fields: dict[str, Any] = dict.fromkeys(WorkerReport.__struct_fields__, 0)
    return WorkerReport(**(fields | {"worker": worker, "lateness": [0] * (len(LATENESS) + 1)} | other))


async def test_a_call_shows_in_the_figures(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        await talking(client)
        sent = Sent(1000, 3, 20, 8.0, 0.02, 3.9)
        client.centre.engine.book.qualities.add(Quality(Heard(990, 10, 0, 4.0, 4.37), sent, 80.0))
        late = [0] * (len(LATENESS) + 1)
        late[2], late[-1] = 3, 1
        REPORTS.take(report(1, missing=3, reports=1, lateness_p99=0.5, lateness=late, lateness_total=40.0))
        REPORTS.take(report(1, missing=2, lateness_p99=0.25, lateness=late, lateness_total=10.0))
        found = await metrics(client)
    names = " ".join(found)
    assert "anna" not in names
    assert "+44" not in names
    for name, labels, expected in (
        ("conversations", {"phase": "talking"}, 1),
        ("conversations_total", {}, 1),
        ("answered_total", {}, 1),
        ("agents", {"status": "available", "doing": "talking"}, 1),
        ("agents", {"status": "away", "doing": "idle"}, 0),
        ("sip_requests_total", {"direction": "received", "trunk": "carrier", "method": "INVITE"}, 1),
        ("sip_requests_total", {"direction": "received", "trunk": "", "method": "REGISTER"}, 2),
        ("sip_requests_total", {"direction": "sent", "trunk": "", "method": "INVITE"}, 1),
        ("media_missing_total", {"worker": "1"}, 5),
        ("media_reports_total", {"worker": "1"}, 1),
        ("media_tick_lateness_p99_seconds", {"worker": "1"}, 0.00025),
        ("store_waiting_records", {}, 7),
        ("store_lag_seconds", {}, 1.5),
    ):
        assert value(found, f"cordboard_{name}", **labels) == expected, (name, labels)
    answered = {"direction": "sent", "trunk": "carrier", "method": "INVITE", "status": "200"}
    assert value(found, "cordboard_sip_responses_total", **answered) == 1
    assert value(found, "cordboard_queue_wait_seconds", "_count", queue="support", how="answered") == 1
    assert value(found, "cordboard_queue_wait_seconds", "_count", queue="support", how="abandoned") == 0
    for name, sample, labels, expected in (
        ("jitter_seconds", "_sum", {"direction": "heard"}, 0.004),
        ("loss_ratio", "_bucket", {"direction": "heard", "le": "0.01"}, 1),
        ("loss_ratio", "_bucket", {"direction": "sent", "le": "0.01"}, 0),
        ("mos", "_bucket", {"direction": "sent", "le": "4.0"}, 1),
        ("mos", "_count", {"direction": "heard"}, 1),
        ("round_trip_seconds", "_sum", {}, 0.08),
    ):
        assert value(found, f"cordboard_leg_{name}", sample, **labels) == expected, (name, sample, labels)
    ticks = "cordboard_media_tick_lateness_seconds"
    assert value(found, ticks, "_bucket", worker="1", le="0.0005") == 6
    assert (value(found, ticks, "_count", worker="1"), value(found, ticks, "_sum", worker="1")) == (8, 0.05)


async def test_everything_that_is_promised_is_there(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        found = await metrics(client)
    names = {name.removeprefix("cordboard_") for name in found}
    assert names >= {
        *("conversations", "conversations_total", "answered_total", "ended_total", "agents", "draining"),
        *("queue_waiting", "queue_longest_wait_seconds", "queue_left_total", "queue_wait_seconds"),
        *("sip_requests_total", "sip_responses_total", "media_tick_lateness_seconds"),
        *("store_waiting_records", "store_lag_seconds", "store_batch_lag_seconds", "loop_lateness_seconds"),
        *("leg_jitter_seconds", "leg_loss_ratio", "leg_mos", "leg_round_trip_seconds"),
    }
    assert all(family.about.endswith(".") for family in found.values())


async def test_how_a_wait_ended(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        call = client.centre.caller()
        await call.until("answered")
        while client.centre.phase() is not Phase.WAITING:
            await client.centre.wait(0.005)
        call.hang_up()
        while client.centre.engine.book.live:
            await client.centre.wait(0.005)
        found = await metrics(client)
    assert value(found, "cordboard_queue_wait_seconds", "_count", queue="support", how="abandoned") == 1
    assert value(found, "cordboard_queue_wait_seconds", "_count", queue="support", how="answered") == 0


def test_labels_are_escaped() -> None:
    *_, line = family("x", "gauge", "X.", [({"queue": 'a"b\\c\nd'}, 1)])
    assert line == r'x{queue="a\"b\\c\nd"} 1'


@given(st.lists(st.binary(max_size=30)))
def test_nobody_can_make_the_counts_grow(messages: list[bytes]) -> None:
    counts = MessageCounts()
    for data in messages:
        counts.receive(data, "10.0.0.1")
    assert {kind.method for kind in counts.counts} <= {method.decode() for method in METHODS} | {"other"}
    assert counts.counts.total() == len(messages)


@given(
    st.integers(100, 699), st.sampled_from([b"CSeq: 1 INVITE", b"cseq :22  BYE", b"CSeq: 1 BREW", b"X: y"])
)
def test_a_response_is_counted_by_what_it_answers(status: int, cseq: bytes) -> None:
    method, counted = named(b"SIP/2.0 %d Some Reason\r\nVia: x\r\n%s\r\n\r\n" % (status, cseq))
    assert method == {b"INVITE": "INVITE", b"BYE": "BYE"}.get(cseq.split()[-1], "other")
    assert counted in (str(status), f"{status // 100}xx")


@pytest.mark.parametrize(
    ("data", "counted"),
    [
        (b"INVITE sip:a@b SIP/2.0\r\n", ("INVITE", "")),
        (b"SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n", ("INVITE", "486")),
        (b"SIP/2.0 499 Mine\r\nCSeq: 1 INVITE\r\n", ("INVITE", "4xx")),
        (b"SIP/2.0 999 What\r\n", ("other", "")),
        (b"BREW sip:a@b SIP/2.0\r\n", ("other", "")),
    ],
)
def test_kinds(data: bytes, counted: tuple[str, str]) -> None:
    assert named(data) == counted


@given(st.lists(st.floats(0, 1e6)))
def test_every_wait_has_one_step(seconds: list[float]) -> None:
    waits = Histogram(STEPS)
    for one in seconds:
        waits.add(one)
    assert sum(waits.counts) == len(seconds)
    for place, step in enumerate(STEPS, 1):
        assert sum(waits.counts[:place]) == sum(one <= step for one in seconds)


async def test_a_blocked_loop_is_late() -> None:
    async with loop_watched() as late:
        await asyncio.sleep(0)
        time.sleep(EVERY + 0.15)  # noqa: ASYNC251 - a callback that takes this long is what is to be seen
        await asyncio.sleep(EVERY)
    assert sum(late.counts) >= 1
    assert late.total >= 0.1


def test_reports_of_each_worker_add_up() -> None:
    reports = MediaReports()
    for worker in (0, 1, 0):
        reports.take(report(worker, late=2))
    assert {worker: totals["late"] for worker, totals in reports.totals.items()} == {0: 4, 1: 2}

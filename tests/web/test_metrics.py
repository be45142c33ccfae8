"""What Prometheus reads: well-formed, bounded, and the figures of what happened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.queues.waits import STEPS, Waits
from engine.transports.counts import METHODS, MessageCounts, kind
from engine.web.exposition import family
from engine.web.media_reports import MediaReports
from media.control import WorkerReport
from media.quality import Heard, Quality, Sent
from tests.web.offices import REPORTS, Client, office
from tests.web.test_api import talking

LINE = re.compile(r'^([a-z_0-9]+)(\{([a-z]+="(\\.|[^"\\])*",?)*\})? -?[0-9.e+-]+$')


async def metrics(client: Client) -> dict[str, float]:
    async with client.http.get(client.url + "/metrics") as got:
        assert (got.status, got.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        text = await got.text()
    values = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            assert LINE.match(line), line
            name, _, value = line.rpartition(" ")
            assert name not in values
            values[name] = float(value)
    return values


def report(worker: int, **other: float) -> WorkerReport:
    fields: dict[str, Any] = dict.fromkeys(WorkerReport.__struct_fields__, 0)
    return WorkerReport(**(fields | {"worker": worker} | other))


async def test_a_call_shows_in_the_figures(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        await talking(client)
        sent = Sent(1000, 3, 20, 8.0, 0.02, 3.9)
        client.centre.engine.book.qualities.add(Quality(Heard(990, 10, 0, 4.0, 4.37), sent, 80.0))
        REPORTS.take(report(1, missing=3, reports=1, lateness_p99=0.5))
        REPORTS.take(report(1, missing=2, lateness_p99=0.25))
        found = await metrics(client)
        assert found['cordboard_conversations{phase="talking"}'] == 1
        assert found["cordboard_conversations_total"] == found["cordboard_answered_total"] == 1
        assert found['cordboard_agents{status="available",doing="talking"}'] == 1
        assert found['cordboard_sip_messages_total{direction="received",kind="INVITE"}'] == 1
        assert found['cordboard_sip_messages_total{direction="sent",kind="INVITE"}'] == 1
        assert found['cordboard_queue_wait_seconds_count{queue="support"}'] == 1
        assert found['cordboard_media_missing_total{worker="1"}'] == 5
        assert found['cordboard_media_tick_lateness_p99_seconds{worker="1"}'] == 0.00025
        assert found['cordboard_media_reports_total{worker="1"}'] == 1
        assert found['cordboard_leg_jitter_seconds_sum{direction="heard"}'] == 0.004
        assert found['cordboard_leg_loss_ratio_bucket{direction="heard",le="0.01"}'] == 1
        assert found['cordboard_leg_loss_ratio_bucket{direction="sent",le="0.01"}'] == 0
        assert found['cordboard_leg_mos_bucket{direction="sent",le="4.0"}'] == 1
        assert found['cordboard_leg_mos_count{direction="heard"}'] == 1
        assert found["cordboard_leg_round_trip_seconds_sum"] == 0.08
        assert found["cordboard_store_waiting_records"] == 7
        names = " ".join(found)
        assert "anna" not in names
        assert "+44" not in names


def test_labels_are_escaped() -> None:
    *_, line = family("x", "gauge", "X.", [({"queue": 'a"b\\c\nd'}, 1)])
    assert line == r'x{queue="a\"b\\c\nd"} 1'


@given(st.lists(st.binary(max_size=30)))
def test_nobody_can_make_the_counts_grow(messages: list[bytes]) -> None:
    counts = MessageCounts()
    for data in messages:
        counts.receive(data)
    known = {method.decode() for method in METHODS} | {str(status) for status in range(100, 700)} | {"other"}
    assert set(counts.received) <= known
    assert counts.received.total() == len(messages)


def test_kinds() -> None:
    assert kind(b"INVITE sip:a@b SIP/2.0\r\n") == "INVITE"
    assert kind(b"SIP/2.0 486 Busy Here\r\n") == "486"
    assert kind(b"SIP/2.0 999 What\r\n") == "other"
    assert kind(b"BREW sip:a@b SIP/2.0\r\n") == "other"


@given(st.lists(st.floats(0, 1e6)))
def test_every_wait_has_one_step(seconds: list[float]) -> None:
    waits = Waits()
    for one in seconds:
        waits.add(one)
    assert sum(waits.counts) == len(seconds)
    for place, step in enumerate(STEPS, 1):
        assert sum(waits.counts[:place]) == sum(one <= step for one in seconds)


def test_reports_of_each_worker_add_up() -> None:
    reports = MediaReports()
    for worker in (0, 1, 0):
        reports.take(report(worker, late=2))
    assert {worker: totals["late"] for worker, totals in reports.totals.items()} == {0: 4, 1: 2}

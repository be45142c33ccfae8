"""How fast each store takes what calls write, late and committed, and how long it holds the event loop at most."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.store.open import open_store
from engine.store.records import (
    ConversationEnded,
    ConversationStarted,
    PhaseEntered,
    Record,
    RecordingWhole,
)
from engine.store.sql import SqlStore
from tools.bench.postgres import installed, postgres

PHASES = ("greeting", "waiting", "presented", "talking")
IN_FLIGHT = 20_000
"""Records that may wait before the writer of the bench does: the queue is never filled up."""
CALLS_PER_SECOND = 50
COMMITTERS = 20
"""Calls that wait for a commit at the same time."""


def call(number: int, node: str = "bench") -> tuple[Record, ...]:
    """What one answered and recorded call writes: eight records."""
    id = f"bench-{number}"
    phases = (PhaseEntered(id, seq, 1.0 + seq, phase, queue="support") for seq, phase in enumerate(PHASES))
    return (
        ConversationStarted(id, node, "inbound", "+442071230001", "+447700900123", 1.0),
        *phases,
        ConversationEnded(id, 9.0, "completed"),
        RecordingWhole(id, "customer", f"recordings/{id}-customer.wav", 1.0, 8.0, 0),
        RecordingWhole(id, "agent", f"recordings/{id}-agent.wav", 4.0, 5.0, 0),
    )


def run(calls: int, url: str = "") -> dict[str, Any]:
    """Write so many calls to each store: a fresh SQLite file, and PostgreSQL where it is installed, or at `url`."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, address in _stores(Path(folder), url):
            measured = asyncio.run(_measure(calls, address, Path(folder) / f"{name}.spool"))
            figures |= {f"{name}_{what}": figure for what, figure in measured.items()}
    return figures


def _stores(folder: Path, url: str) -> Iterator[tuple[str, str]]:
    yield "sqlite", f"sqlite:///{folder / 'bench.db'}"
    with _server(url) as address:
        if address:
            yield "postgresql", address


@contextmanager
def _server(url: str) -> Iterator[str]:
    if url or not installed():
        yield url
        return
    with postgres() as server:
        yield server.url()


async def _measure(calls: int, url: str, spool: Path) -> dict[str, Any]:
    async with open_store(url, spool=spool) as store:
        return {
            **await _late(store, calls),
            **await _committed(store, calls // 10),
            **await _reserved(store, 500),
            **await _reserved_under_calls(store, min(calls, 250)),
        }


async def _late(store: SqlStore, calls: int) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    longest = await _write(store, calls)
    await store.flush()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    records = len(call(0)) * calls
    return {
        "late_records": records,
        "late_records_per_second": round(records / seconds),
        "late_cpu_us_per_record": round(1e6 * cpu / records, 1),
        "loop_held_ms_at_most": round(1e3 * longest, 1),
        "lost": store.writer.lost,
        "refused": store.refused,
    }


async def _write(store: SqlStore, calls: int) -> float:
    """Write all calls, fifty between two turns of the loop; seconds that the longest turn took."""
    longest = 0.0
    for number in range(calls):
        for record in call(number):
            store.write(record)
        if number % 50 == 49:
            began = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - began)
            if store.writer.waiting > IN_FLIGHT:
                await store.flush()
    return longest


async def _committed(store: SqlStore, calls: int) -> dict[str, Any]:
    """Each call's records in one commit; so many calls wait at the same time."""
    waits: list[float] = []

    async def commit(first: int) -> None:
        for number in range(first, calls, COMMITTERS):
            began = time.perf_counter()
            await store.commit(call(1_000_000 + number))
            waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(commit(first) for first in range(COMMITTERS)))
    seconds = time.perf_counter() - began
    records = len(call(0)) * calls
    return {
        "committed_records": records,
        "committed_records_per_second": round(records / seconds),
        **_spread("commit_ms", waits),
    }


async def _reserved(store: SqlStore, times: int) -> dict[str, Any]:
    """Reservations one after the other, each of something else."""
    waits: list[float] = []
    for number in range(times):
        began = time.perf_counter()
        await store.reserve("agent", f"agent{number}", "bench", 1, 4e9)
        waits.append(time.perf_counter() - began)
    return {"reservations_per_second": round(times / sum(waits)), **_spread("reserve_ms", waits)}


async def _reserved_under_calls(store: SqlStore, calls: int) -> dict[str, Any]:
    """Fifty calls a second, each with its records, and with an agent reserved and given back."""
    waits: list[float] = []

    async def one(number: int) -> None:
        for record in call(10**6 + number):
            store.write(record)
        began = time.perf_counter()
        await store.reserve_all("agent", [f"agent{number % 40}"], "bench", 1, 4e9)
        waits.append(time.perf_counter() - began)
        await store.release_all("agent", [f"agent{number % 40}"], "bench", 1)

    async with asyncio.TaskGroup() as tasks:
        for number in range(calls):
            tasks.create_task(one(number))
            await asyncio.sleep(1 / CALLS_PER_SECOND)
    return _spread("reserve_under_calls_ms", waits)


def _spread(name: str, waits: list[float]) -> dict[str, float]:
    waits.sort()
    if not waits:
        return {}
    p50, p99 = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
    return {f"{name}_p50": round(1e3 * p50, 2), f"{name}_p99": round(1e3 * p99, 2)}

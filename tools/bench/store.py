"""How fast the store takes what calls write, and how long it holds the event loop at most."""

from __future__ import annotations

import asyncio
import tempfile
import time
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

PHASES = ("greeting", "waiting", "presented", "talking")
IN_FLIGHT = 20_000
"""Records that may wait before the writer of the bench does: the queue is never filled up."""


def call(number: int) -> tuple[Record, ...]:
    """What one answered and recorded call writes: eight records."""
    id = f"bench-{number}"
    phases = (PhaseEntered(id, seq, 1.0 + seq, phase, queue="support") for seq, phase in enumerate(PHASES))
    return (
        ConversationStarted(id, "bench", "inbound", "+442071230001", "+447700900123", 1.0),
        *phases,
        ConversationEnded(id, 9.0, "completed"),
        RecordingWhole(id, "customer", f"recordings/{id}-customer.wav", 1.0, 8.0, 0),
        RecordingWhole(id, "agent", f"recordings/{id}-agent.wav", 4.0, 5.0, 0),
    )


def run(calls: int) -> dict[str, Any]:
    """Write so many calls to a fresh SQLite file, and say how that went."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(calls, f"sqlite:///{Path(folder) / 'bench.db'}"))


async def _measure(calls: int, url: str) -> dict[str, Any]:
    async with open_store(url) as store:
        began, cpu = time.perf_counter(), time.process_time()
        longest = await _write(store, calls)
        await store.flush()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        records = len(call(0)) * calls
        return {
            "records": records,
            "seconds": round(seconds, 3),
            "records_per_second": round(records / seconds),
            "cpu_us_per_record": round(1e6 * cpu / records, 1),
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

"""How late the engine's event loop is: what every call and every request has to wait before its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.figures import Histogram

EVERY = 0.05
"""Seconds between two looks."""
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)


@asynccontextmanager
async def loop_watched() -> AsyncIterator[Histogram]:
    """While the block runs, a timer of this loop is set again and again, and how late it comes is counted."""
    late = Histogram(STEPS)
    task = asyncio.create_task(_watch(late), name="loop lateness")
    try:
        yield late
    finally:
        task.cancel()


async def _watch(late: Histogram) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + EVERY
        await asyncio.sleep(EVERY)
        late.add(max(0.0, clock() - due))

"""The loop whose clock jumps."""

from __future__ import annotations

import asyncio
import time

import anyio
import pytest

from engine.simulation.virtual import Stuck, run_virtually


def test_hours_pass_at_once_and_in_order() -> None:
    happened: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await anyio.sleep(seconds)
        happened.append((name, asyncio.get_running_loop().time()))

    async def main() -> float:
        start = asyncio.get_running_loop().time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, "late", 3600)
            tasks.start_soon(wait, "early", 30)
        return start

    before = time.monotonic()
    start = run_virtually(main())
    assert [(name, at - start) for name, at in happened] == [("early", 30), ("late", 3600)]
    assert time.monotonic() - before < 1


def test_a_thread_is_waited_for_in_real_time() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await asyncio.wait_for(loop.run_in_executor(None, time.sleep, 0.05), 3600)
        return loop.time() - start

    assert run_virtually(main()) == 0


def test_waiting_for_nothing_is_an_error_and_not_for_ever() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        run_virtually(main())

"""Work for the disk: gathered, in order, told of on the loop; a defect in one job is not the next one's."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from engine.recordings.filing import LINGER, Filing
from engine.simulation.virtual import run_virtually


def here() -> str:
    return threading.current_thread().name


def test_jobs_are_done_in_order_in_another_thread_and_told_of_in_this_one() -> None:
    done: list[tuple[int, str]] = []
    told: list[tuple[int, str]] = []

    def work(number: int) -> int:
        done.append((number, here()))
        return number

    async def main() -> None:
        async with Filing() as filing:
            for number in range(50):
                filing.then(partial(work, number), lambda n: told.append((n, here())))

    run_virtually(main())
    assert done == [(number, "recordings_0") for number in range(50)]
    assert told == [(number, here()) for number in range(50)]


def test_what_is_given_within_a_moment_is_one_errand(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        errands: list[Any] = []
        ask = loop.run_in_executor

        def counted(*words: Any) -> asyncio.Future[Any]:
            errands.append(words)
            return ask(*words)

        monkeypatch.setattr(loop, "run_in_executor", counted)
        async with Filing() as filing:
            for _ in range(10):
                filing.later(int)
                await asyncio.sleep(LINGER / 20)
            await asyncio.sleep(LINGER * 2)
            assert len(errands) == 1

    run_virtually(main())


def test_a_job_that_raises_is_reported_and_the_next_is_done() -> None:
    faults: list[dict[str, Any]] = []
    told: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, fault: faults.append(fault))
        async with Filing() as filing:
            filing.then(lambda: 1 // 0, lambda number: told.append(str(number)))
            filing.then(lambda: "done", told.append)

    run_virtually(main())
    assert [type(fault["exception"]) for fault in faults] == [ZeroDivisionError]
    assert told == ["done"]

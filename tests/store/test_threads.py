"""Errands to threads: in order, once, and nobody's cancellation is another's loss."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import TypeVar

import pytest

from engine.store.threads import Threads

T = TypeVar("T")


async def soon(answer: Awaitable[T]) -> T:
    """What comes at once, or not at all."""
    async with asyncio.timeout(5.0):
        return await answer


@pytest.fixture
async def one() -> AsyncIterator[Threads]:
    threads = Threads("one")
    yield threads
    await threads.close()


@pytest.fixture
async def three() -> AsyncIterator[Threads]:
    threads = Threads("three", 3)
    yield threads
    await threads.close()


async def test_one_thread_does_what_it_is_asked_in_that_order(one: Threads) -> None:
    done: list[int] = []
    await soon(asyncio.gather(*(one.ask(partial(done.append, number)) for number in range(100))))
    assert done == list(range(100))


async def test_what_work_raises_is_raised_where_its_answer_is_waited_for(one: Threads) -> None:
    with pytest.raises(ZeroDivisionError):
        await soon(one.ask(lambda: 1 // 0))
    assert await soon(one.ask(lambda: 2)) == 2


async def test_what_is_cancelled_before_its_turn_is_not_done(one: Threads) -> None:
    may_go_on, done = threading.Event(), list[str]()
    first, second, third = one.ask(may_go_on.wait), one.ask(lambda: done.append("second")), one.ask(lambda: 3)
    second.cancel()
    may_go_on.set()
    assert await soon(first)
    assert await soon(third) == 3
    assert done == []


async def test_what_is_cancelled_under_way_is_done_unheard(one: Threads) -> None:
    began, may_go_on, done = asyncio.Event(), threading.Event(), list[str]()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(began.set)
        may_go_on.wait()
        done.append("whole")

    answer = one.ask(work)
    await soon(began.wait())
    answer.cancel()
    may_go_on.set()
    assert await soon(one.ask(lambda: list(done))) == ["whole"]


async def test_one_that_takes_long_keeps_another_thread_from_nothing(three: Threads) -> None:
    may_go_on = threading.Event()
    long = [three.ask(may_go_on.wait) for _ in range(2)]
    long[0].cancel()  # its thread is not free for that
    for number in range(10):
        assert await soon(three.ask(partial(int, number))) == number
    assert not long[1].done()
    may_go_on.set()
    assert await soon(long[1])


async def test_threads_begin_as_they_are_needed_and_end_when_they_are_closed(three: Threads) -> None:
    for _ in range(5):
        await soon(three.ask(lambda: None))
    assert [thread.name for thread in named("three")] == ["three 1"]
    await soon(asyncio.gather(*(three.ask(lambda: None) for _ in range(20))))
    assert len(named("three")) == 3
    await soon(three.close())
    assert named("three") == []
    assert await soon(three.ask(lambda: "again")) == "again"


def named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


async def test_closing_waits_for_what_was_asked_before(one: Threads) -> None:
    done: list[int] = []
    asked = [one.ask(partial(done.append, number)) for number in range(50)]
    await soon(one.close())
    assert done == list(range(50))
    await soon(asyncio.gather(*asked))

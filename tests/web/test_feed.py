"""One feed for all browsers: coalesced, rendered once, and never in the engine's way. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace

from engine.simulation.virtual import run_virtually
from engine.web.board import Board
from engine.web.feed import Feed, Issue, Part
from engine.web.pages.wallboard import PARTS
from tests.web.boards import NOW, Wall, board, call


@asynccontextmanager
async def running(wall: Wall) -> AsyncIterator[Feed]:
    feed = Feed(wall, PARTS)
    task = asyncio.create_task(feed.run())
    yield feed
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def issue_after(feed: Feed, seen: int) -> Issue:
    issue = await feed.after(seen)
    assert issue is not None
    return issue


def test_a_viewer_gets_the_present_board_at_once_and_each_change_after_it() -> None:
    async def story() -> None:
        wall = Wall(board())
        async with running(wall) as feed:
            with feed.watched():
                first = await issue_after(feed, 0)
                assert set(first.since(0)) == {"totals", "queues", "calls", "agents"}
                wall.show(board(call(0)))
                second = await issue_after(feed, first.number)
                assert "+447700900123" in second.since(first.number)["calls"]

    run_virtually(story())


def test_only_parts_that_changed_are_sent() -> None:
    async def story() -> None:
        wall = Wall(board(call(0)))
        async with running(wall) as feed:
            with feed.watched():
                first = await issue_after(feed, 0)
                wall.show(replace(board(call(0)), agents=()))
                second = await issue_after(feed, first.number)
                assert set(second.since(first.number)) == {"agents"}

    run_virtually(story())


def test_a_wait_that_only_grows_sends_nothing() -> None:
    async def story() -> None:
        wall = Wall(board(call(0)))
        async with running(wall) as feed:
            with feed.watched():
                first = await issue_after(feed, 0)
                wall.show(board(call(0), at=NOW + 7))
                second = await issue_after(feed, first.number)
                assert second.since(first.number) == {}

    run_virtually(story())


def test_a_busy_engine_is_shown_four_times_a_second() -> None:
    async def story() -> None:
        wall = Wall(board())
        async with running(wall) as feed:
            with feed.watched():
                for i in range(10_000):  # ten seconds, a change each millisecond
                    wall.show(board(call(i)))
                    await asyncio.sleep(0.001)
                assert 38 <= wall.taken <= 42
                last = await issue_after(feed, 0)
                while f"call-n1-{9_999}" not in last.since(0)["calls"]:
                    last = await issue_after(feed, last.number)

    run_virtually(story())


def test_nothing_is_rendered_while_nobody_looks() -> None:
    async def story() -> None:
        wall = Wall(board())
        async with running(wall) as feed:
            with feed.watched():
                await issue_after(feed, 0)
            before = wall.taken
            for i in range(100):
                wall.show(board(call(i)))
                await asyncio.sleep(1)
            assert wall.taken == before
            with feed.watched():
                assert "call-n1-99" in (await issue_after(feed, 0)).since(0)["calls"]

    run_virtually(story())


def test_fifty_browsers_cost_one_rendering() -> None:
    async def story() -> None:
        rendered = 0

        def render(board: Board) -> str:
            nonlocal rendered
            rendered += 1
            return str(len(board.calls))

        wall = Wall(board())
        feed = Feed(wall, {"calls": Part(lambda board: board.calls, render)})
        running = asyncio.create_task(feed.run())
        with ExitStack() as viewers:
            for _ in range(50):
                viewers.enter_context(feed.watched())
            wall.show(board(call(1)))
            issues = await asyncio.gather(*(feed.after(1) for _ in range(50)))
        assert {issue.since(1)["calls"] for issue in issues if issue} == {"1"}
        assert rendered == 2  # the first viewer's, and the change
        running.cancel()

    run_virtually(story())


def test_a_viewer_that_sleeps_skips_to_the_latest() -> None:
    async def story() -> None:
        wall = Wall(board())
        async with running(wall) as feed:
            with feed.watched():
                first = await issue_after(feed, 0)
                for i in range(8):
                    wall.show(board(call(i)))
                    await asyncio.sleep(1)
                late = await issue_after(feed, first.number)
                assert late.number == first.number + 8
                assert "call-n1-7" in late.since(first.number)["calls"]

    run_virtually(story())


def test_the_end_of_the_feed_lets_waiting_viewers_go() -> None:
    async def story() -> None:
        async with running(Wall(board())) as feed:
            with feed.watched():
                first = await issue_after(feed, 0)
                waiting = asyncio.create_task(feed.after(first.number))
                await asyncio.sleep(0)
                feed.close()
                assert await waiting is None

    run_virtually(story())

"""What the wallboard shows of a real engine."""

from __future__ import annotations

import anyio

from tests.flows.conftest import Play
from tests.kit.centre import Centre


def test_the_board_follows_a_call(play: Play) -> None:
    async def story(centre: Centre) -> None:
        board = centre.engine.board
        anna = await centre.agent("anna")
        caller = centre.caller()
        await centre.wait(1)
        (line,) = board.board().calls
        assert (line.phase, line.caller, line.queue, line.agent) == (
            "greeting",
            "+447700900123",
            "support",
            "",
        )
        await anna.rung.wait()
        await centre.wait(3)
        now = board.board()
        assert (now.calls[0].phase, now.calls[0].agent) == ("talking", "Anna Smith")
        assert (now.totals.in_call, now.totals.waiting, now.queues[0].answered) == (1, 0, 1)
        first = now.agents[0]
        assert (first.phase, first.talking_to, first.phones) == ("talking", "+447700900123", 1)
        caller.hang_up()
        await centre.wait(1)
        assert board.board().calls == ()

    play(story)


def test_a_change_wakes_whoever_watches(play: Play) -> None:
    async def story(centre: Centre) -> None:
        woken = 0

        async def watch() -> None:
            nonlocal woken
            while True:
                await centre.engine.board.changed()
                woken += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await centre.wait(1)
            before = woken
            caller = centre.caller()
            await caller.until("answered")
            await centre.wait(0.1)
            assert woken > before
            caller.hang_up()
            tasks.cancel_scope.cancel()

    play(story)


def test_counts_begin_again_with_the_day(play: Play) -> None:
    async def story(centre: Centre) -> None:
        await centre.agent("anna")
        caller = centre.caller()
        await caller.until("answered")
        await centre.wait(10)
        caller.hang_up()
        await centre.wait(1)
        assert (
            centre.engine.board.board().totals.offered,
            centre.engine.board.board().queues[0].answered,
        ) == (1, 1)
        await centre.wait(24 * 3600)
        after = centre.engine.board.board()
        assert (after.totals.offered, after.queues[0].answered, after.agents[0].calls) == (0, 0, 0)

    play(story)

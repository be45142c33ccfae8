"""Draining and stopping, whatever the calls are doing."""

from __future__ import annotations

import asyncio

import pytest

from engine.conversations.book import Story
from engine.conversations.conversation import Conversation
from engine.facts import Ended, Phase, Reason
from tests.flows.conftest import Play
from tests.flows.test_seats import talking
from tests.kit.centre import Centre


@pytest.mark.parametrize("after", [0.0, 0.001, 0.003, 0.005, 0.007, 0.1, 3.2, 5.05, 6.0, 10.0])
def test_stopped_in_every_phase(play: Play, after: float) -> None:
    """Before the ACK, greeting, waiting, presented and talking: everybody is hung up on."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        caller = centre.caller()
        await centre.wait(after)
        centre.engine.book.stop()
        await centre.wait(0.5)
        assert centre.engine.book.live == {}
        assert set(caller.news) & {"ended", "failed 503", "failed 603"}
        assert set(centre.ends()) <= {Reason.STOPPED}
        for call in anna.calls:
            assert {"cancelled", "ended"} & set(call.news)

    play(story)


def test_stopped_between_the_invite_and_its_story(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The story was begun but has not run yet: it must not begin after the stop."""

    async def story(centre: Centre) -> None:
        book = centre.engine.book
        begin = book.begin

        def begin_and_stop(conversation: Conversation, first: Story) -> None:
            begin(conversation, first)
            book.stop()

        monkeypatch.setattr(book, "begin", begin_and_stop)
        caller = centre.caller()
        await centre.wait(1)
        assert "answered" not in caller.news
        assert centre.ends() == {Reason.STOPPED: 1}

    play(story)


def test_two_wait_for_the_same_drain(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller, _ = await talking(centre)
        first = asyncio.create_task(centre.engine.book.drained(60))
        await centre.wait(1)
        second = asyncio.create_task(centre.engine.book.drained(60))
        await centre.wait(1)
        caller.hang_up()
        await centre.wait(1)
        assert (first.done(), second.done()) == (True, True)
        assert (first.result(), second.result()) == (True, True)

    play(story)


def test_a_drain_takes_no_longer_than_allowed(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller, _ = await talking(centre)
        assert not await centre.engine.book.drained(5)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()

    play(story)


def test_what_cannot_be_cleared_ends_no_other_call(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(centre: Centre) -> None:
        first, second = centre.caller(), centre.caller()
        await first.until("answered")
        await second.until("answered")
        faulty, sound = centre.engine.book.live.values()
        clear = type(faulty).clear

        def fail(conversation: object) -> None:
            if conversation is faulty:
                raise ZeroDivisionError
            clear(conversation)  # type: ignore[arg-type]

        monkeypatch.setattr(type(faulty), "clear", fail)
        first.hang_up()
        await centre.wait(1)
        assert faulty.end == Ended(Reason.ABANDONED, by="customer")
        assert sound.end is None
        second.hang_up()
        await centre.wait(1)
        assert centre.ends() == {Reason.ABANDONED: 2}

    play(story)

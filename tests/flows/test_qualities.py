"""How each party was heard stands in the story once it has left; prompts in sequence, in virtual time."""

from __future__ import annotations

import asyncio

from engine.legs.leg import Leg
from media.quality import Heard, Quality, Sent
from tests.flows.conftest import Play
from tests.kit.centre import Centre
from tests.kit.sound import FakeClip, FakeRow

GOOD = Quality(Heard(500, 5, 1, 2.0, 4.33), Sent(510, 2, 10, 4.0, 0.02, 4.1), 60.0)


def test_each_party_s_quality_is_in_the_story_and_in_the_figures(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(3)
        id = centre.conversation.id
        centre.row_of("customer").measured = GOOD
        caller.hang_up()
        await anna.calls[0].until("ended")
        await centre.wait(1)
        lines = await centre.engine.office.store.journal(id)
        told = [dict(line.detail) for line in lines if line.name == "leg_quality"]
        assert [(each["party"], each["heard_mos"], each["sent_lost"]) for each in told] == [
            ("customer", 4.33, 10)
        ]
        assert lines[-1].name == "ended"
        qualities = centre.engine.book.qualities
        assert sum(qualities.mos["heard"].counts) == sum(qualities.round_trip.counts) == 1
        assert qualities.jitter["sent"].total == 0.004

    play(story)


ONE, TWO = FakeClip("one", 1.5), FakeClip("two", 0.5)


async def seated(centre: Centre) -> tuple[Leg, FakeRow]:
    """A caller on whose leg a test may play; the queue's own prompt is heard no more."""
    await centre.caller().until("answered")
    await centre.wait(20)
    row = centre.row_of("customer")
    row.played.clear()
    return centre.conversation.caller, row


def test_a_leg_plays_rounds_on_their_beat_until_a_key(play: Play) -> None:
    async def story(centre: Centre) -> None:
        leg, row = await seated(centre)
        keys: list[str] = []
        leg.on_digit = lambda digit: keys.append(digit.key)
        playing = asyncio.ensure_future(leg.play([ONE, TWO], every=10, times=None, interrupt="12"))
        await centre.wait(11)
        assert row.played == ["one", "two", "one"]
        await centre.wait(20)
        assert row.played == ["one", "two"] * 3 + ["one"]
        row.press("9")
        await centre.wait(0.1)
        assert not playing.done()
        row.press("2")
        assert await playing == "2"
        row.press("2")
        assert keys == ["9", "2"]
        leg.hang_up()

    play(story)


def test_a_leg_plays_so_many_times_and_no_more_once_it_is_closed(play: Play) -> None:
    async def story(centre: Centre) -> None:
        leg, row = await seated(centre)
        before = asyncio.get_running_loop().time()
        assert await leg.play([ONE, TWO], times=3) is None
        assert round(asyncio.get_running_loop().time() - before, 3) == 6.0
        assert row.played == ["one", "two"] * 3
        playing = asyncio.ensure_future(leg.play(ONE, every=1, times=None))
        await centre.wait(5)
        leg.hang_up()
        assert await playing is None

    play(story)

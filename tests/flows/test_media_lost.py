"""A media process that cannot be brought back: whoever sat in it is hung up on, and nobody is left hanging."""

from __future__ import annotations

import pytest

from engine.agents.agent import Doing
from engine.facts import Phase, Reason
from tests.flows.conftest import Play
from tests.flows.test_seats import replaces, talking
from tests.kit.centre import ENGINE, Centre


@pytest.mark.parametrize("after", [0.5, 4.0])
def test_the_callers_row_is_lost_while_they_wait(play: Play, after: float) -> None:
    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await caller.until("answered")
        await centre.wait(after)
        centre.row_of("customer").lose()
        await caller.until("ended", within=1)
        assert centre.ends() == {Reason.MEDIA_LOST: 1}

    play(story)


@pytest.mark.parametrize("whose", ["customer", "agent"])
def test_a_row_is_lost_during_the_talk(play: Play, whose: str) -> None:
    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        centre.row_of(whose).lose()
        await caller.until("ended", within=1)
        await anna.calls[0].until("ended", within=1)
        assert centre.ends() == {Reason.MEDIA_LOST: 1}
        assert centre.doing("anna") is Doing.WRAP_UP

    play(story)


def test_the_row_of_the_only_phone_is_lost_while_it_rings(play: Play) -> None:
    """The phone stops ringing at once and the next agent is rung."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await anna.rung.wait()
        centre.sound.rows[-1].lose()
        await anna.calls[0].until("cancelled", within=1)
        await centre.wait(4)
        assert len(bob.calls) == 1
        assert centre.phase() is Phase.TALKING
        caller.hang_up()

    play(story)


def test_the_row_of_one_of_two_phones_is_lost_and_the_other_refuses(play: Play) -> None:
    async def story(centre: Centre) -> None:
        desk = await centre.agent("anna", answer_after=None)
        mobile = await centre.agent("anna", refuses=486)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await desk.rung.wait()
        await mobile.rung.wait()
        await centre.wait(0.5)
        (ringing,) = centre.conversation.legs[-1].attempts
        ringing.row.lose()  # type: ignore[attr-defined]
        await desk.calls[0].until("cancelled", within=1)
        await centre.wait(4)
        assert len(bob.calls) == 1
        caller.hang_up()

    play(story)


def test_the_party_leaves_while_another_phone_takes_the_seat(play: Play) -> None:
    """The desk phone hangs up before the mobile has confirmed: the mobile is hung up on, not forgotten."""

    async def story(centre: Centre) -> None:
        _, anna = await talking(centre)
        mobile = await centre.agent("anna", answer_after=None)
        centre.network.lose = lambda source, packet: (
            source == mobile.address and packet.data.startswith(b"ACK")
        )
        moved = mobile.call("anna", ENGINE, "acme.test", headers=replaces(anna.calls[0]), password="pw-anna")
        await moved.until("answered")
        anna.calls[0].hang_up()
        await moved.until("ended", within=40)
        assert centre.ends() == {Reason.COMPLETED: 1}

    play(story)

"""The call of first light, and every way it can end."""

from __future__ import annotations

import pytest

from engine.agents.agent import Doing
from engine.facts import Phase, Reason
from tests.flows.conftest import Play
from tests.kit.centre import Centre


def test_a_caller_waits_to_music_and_an_agent_answers(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=4)
        caller = centre.caller()
        await caller.until("answered")
        assert caller.news == ["ringing", "answered"]
        await centre.wait(1)
        assert centre.phase() is Phase.GREETING
        assert centre.row_of("customer").played == ["greeting.wav"]
        await anna.rung.wait()
        assert centre.phase() is Phase.PRESENTED
        assert centre.row_of("customer").hearing is centre.engine.desk.sounds["support"].music
        await centre.wait(5)
        assert centre.phase() is Phase.TALKING
        customer, agent = centre.row_of("customer"), centre.row_of("agent")
        assert (customer.hearing, agent.hearing) == (agent.ref, customer.ref)
        assert (customer.recording is not None, agent.recording is not None) == (True, True)
        assert centre.doing("anna") is Doing.TALKING
        caller.hang_up()
        await anna.calls[0].until("ended")
        assert centre.doing("anna") is Doing.WRAP_UP
        await centre.wait(10)
        assert centre.doing("anna") is Doing.IDLE
        assert centre.ends() == {Reason.COMPLETED: 1}

    play(story)


def test_the_agent_hangs_up(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(3)
        anna.calls[0].hang_up()
        await caller.until("ended")
        assert centre.ends() == {Reason.COMPLETED: 1}

    play(story)


def test_both_hang_up_at_once(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(3)
        caller.hang_up()
        anna.calls[0].hang_up()
        await centre.wait(1)
        assert centre.ends() == {Reason.COMPLETED: 1}

    play(story)


@pytest.mark.parametrize("code", [486, 603, 480, 500])
def test_when_one_turns_the_call_away_the_next_is_rung(play: Play, code: int) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", refuses=code)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await bob.rung.wait()
        assert centre.doing("anna") is Doing.PAUSED
        assert len(anna.calls) == 1
        await centre.wait(3)
        assert centre.conversation.agent == "bob"
        caller.hang_up()

    play(story)


def test_one_who_does_not_answer_is_passed_over_after_thirty_seconds(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await anna.rung.wait()
        rung = centre.clock.monotonic()
        await bob.rung.wait()
        assert centre.clock.monotonic() - rung == pytest.approx(30, abs=0.1)
        assert anna.calls[0].news == ["cancelled"]
        assert centre.row_of("customer").hearing is centre.engine.desk.sounds["support"].music
        await centre.wait(3)
        caller.hang_up()

    play(story)


def test_when_all_were_tried_the_first_is_rung_again(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", refuses=486)
        bob = await centre.agent("bob", answer_after=None)
        caller = centre.caller()
        await centre.wait(3 + 29)
        assert (len(anna.calls), len(bob.calls)) == (1, 1)
        await centre.wait(3)
        assert (len(anna.calls), len(bob.calls)) == (2, 2)
        caller.hang_up()

    play(story)


def test_nobody_is_logged_in_until_somebody_is(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await centre.wait(60)
        assert centre.phase() is Phase.WAITING
        anna = await centre.agent("anna")
        await anna.rung.wait()
        await centre.wait(3)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()

    play(story)


def test_first_come_first_served(play: Play) -> None:
    async def story(centre: Centre) -> None:
        first = centre.caller()
        await centre.wait(1)
        second = centre.caller()
        await centre.wait(10)
        earlier, later = centre.engine.book.live.values()
        await centre.agent("anna")
        await centre.wait(3)
        assert (earlier.phase, later.phase) == (Phase.TALKING, Phase.WAITING)
        await centre.agent("bob")
        await centre.wait(3)
        assert later.agent == "bob"
        first.hang_up()
        second.hang_up()

    play(story)


@pytest.mark.parametrize("after", [0.001, 1.0, 5.0])
def test_the_caller_abandons(play: Play, after: float) -> None:
    """Right after the answer, during the greeting, and to music."""

    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await caller.until("answered")
        await centre.wait(after)
        caller.hang_up()
        await centre.wait(1)
        assert centre.ends() == {Reason.ABANDONED: 1}

    play(story)


def test_the_caller_abandons_while_an_agent_is_rung(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(5)
        caller.hang_up()
        await anna.calls[0].until("cancelled")
        assert centre.ends() == {Reason.ABANDONED: 1}
        assert centre.doing("anna") is Doing.IDLE

    play(story)


def test_who_was_rung_for_a_caller_who_left_is_still_the_longest_idle(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        await centre.wait(10)
        bob = await centre.agent("bob", answer_after=None)
        first = centre.caller()
        await anna.rung.wait()
        await centre.wait(5)
        first.hang_up()
        await anna.calls[0].until("cancelled")
        anna.rung.clear()
        second = centre.caller()
        await anna.rung.wait()
        assert bob.calls == []
        second.hang_up()

    play(story)


@pytest.mark.parametrize("early", [-0.006, -0.004, -0.002, 0.0, 0.002, 0.004, 0.006])
def test_the_caller_leaves_as_the_agent_answers(play: Play, early: float) -> None:
    """Every order of the two: the 200 crosses our CANCEL, or the BYE comes just after the bridge."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=5)
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(5 + early)
        caller.hang_up()
        await centre.wait(1)
        assert sum(centre.ends().values()) == 1
        assert {"cancelled", "ended"} & set(anna.calls[0].news)

    play(story)


@pytest.mark.parametrize("quietly", [True, False])
def test_an_agents_phone_disappears_while_it_rings(play: Play, quietly: bool) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await anna.rung.wait()
        centre.network.leave(anna.address, quietly=quietly)
        await bob.rung.wait()
        await centre.wait(3)
        assert centre.conversation.agent == "bob"
        caller.hang_up()

    play(story)


def test_an_agents_phone_was_gone_before_it_rang(play: Play) -> None:
    """A port that says it is closed costs milliseconds, not a ring time-out."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        bob = await centre.agent("bob")
        centre.network.leave(anna.address, quietly=False)
        caller = centre.caller()
        await caller.until("answered")
        answered = centre.clock.monotonic()
        await bob.rung.wait()
        assert centre.clock.monotonic() - answered < 4
        await centre.wait(3)
        caller.hang_up()

    play(story)


def test_two_phones_of_one_agent_ring_and_the_first_wins(play: Play) -> None:
    async def story(centre: Centre) -> None:
        desk = await centre.agent("anna", answer_after=None)
        mobile = await centre.agent("anna", answer_after=3)
        caller = centre.caller()
        await mobile.rung.wait()
        await centre.wait(4)
        assert desk.calls[0].news == ["cancelled"]
        assert centre.phase() is Phase.TALKING
        assert len(centre.sound.rows) == 2
        caller.hang_up()

    play(story)


def test_the_maximum_wait_is_over(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await caller.until("ended", within=700)
        assert centre.ends() == {Reason.MAX_WAIT: 1}

    play(story)


def test_a_number_that_leads_nowhere(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = centre.caller("+15550000")
        await caller.until("failed 404")
        assert centre.ends() == {Reason.REFUSED: 1}

    play(story)


def test_the_plane_is_full(play: Play) -> None:
    async def story(centre: Centre) -> None:
        first, second = centre.caller(), centre.caller()
        await second.until("failed 503")
        await first.until("answered")
        first.hang_up()

    play(story, rows=1)


def test_the_plane_is_full_when_the_agent_is_to_be_rung(play: Play) -> None:
    async def story(centre: Centre) -> None:
        await centre.agent("anna")
        caller = centre.caller()
        await caller.until("answered")
        await centre.wait(20)
        assert centre.phase() in (Phase.WAITING, Phase.PRESENTED)
        assert centre.engine.floor.agents["anna"].misses == 0
        caller.hang_up()

    play(story, rows=1)


def test_no_new_calls_while_draining(play: Play) -> None:
    async def story(centre: Centre) -> None:
        first = centre.caller()
        await first.until("answered")
        centre.engine.book.draining = True
        second = centre.caller()
        await second.until("failed 503")
        first.hang_up()

    play(story)


def test_the_caller_never_confirms_our_answer(play: Play) -> None:
    async def story(centre: Centre) -> None:
        centre.network.lose = lambda source, packet: packet.data.startswith(b"ACK")
        caller = centre.caller()
        await caller.until("answered")
        await caller.until("ended", within=40)
        assert centre.ends() == {Reason.NO_ACK: 1}

    play(story)


def test_packets_are_lost_and_the_call_goes_through(play: Play) -> None:
    async def story(centre: Centre) -> None:
        seen: set[bytes] = set()

        def first_time(source: object, packet: object) -> bool:
            data: bytes = packet.data  # type: ignore[attr-defined]
            new = data not in seen
            seen.add(data)
            return new

        anna = await centre.agent("anna", answer_after=5)
        centre.network.lose = first_time
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(15)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()
        await anna.calls[0].until("ended")

    play(story)

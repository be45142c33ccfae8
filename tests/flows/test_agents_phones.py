"""Agents and their phones: several, odd ones, and ones that leave in the middle."""

from __future__ import annotations

import asyncio

import pytest

from engine.agents.agent import Doing, Status
from engine.facts import Phase, Reason
from tests.flows.conftest import Play
from tests.flows.test_seats import talking
from tests.kit.centre import ENGINE, Centre


async def unregister(phone: object) -> None:
    assert await phone.register(ENGINE, "acme.test", "pw-anna", expires=0) == 200  # type: ignore[attr-defined]


def test_an_agent_unregisters_while_it_rings_and_answers_all_the_same(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=5)
        caller = centre.caller()
        await anna.rung.wait()
        await unregister(anna)
        await centre.wait(6)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()
        await centre.wait(11)
        agent = centre.engine.floor.agents["anna"]
        assert (agent.status, agent.doing, agent.free) == (Status.OFFLINE, Doing.IDLE, False)

    play(story)


def test_an_agent_unregisters_during_the_talk_and_is_rung_no_more(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        await unregister(anna)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()
        again = centre.caller()
        await centre.wait(30)
        assert len(anna.calls) == 1
        assert await anna.register(ENGINE, "acme.test", "pw-anna") == 200
        await centre.wait(3)
        assert centre.phase() is Phase.TALKING
        again.hang_up()

    play(story)


def test_an_agent_leaves_and_comes_back_during_wrap_up(play: Play) -> None:
    """Wrap-up lasts as long as it would have: registering anew does not cut it short."""

    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        caller.hang_up()
        await centre.wait(2)
        await unregister(anna)
        assert await anna.register(ENGINE, "acme.test", "pw-anna") == 200
        centre.caller()
        await centre.wait(6)
        assert centre.doing("anna") is Doing.WRAP_UP
        await centre.wait(6)
        assert len(anna.calls) == 2
        centre.engine.book.stop()
        await centre.wait(1)

    play(story)


def test_who_declines_on_one_phone_is_rung_on_no_other(play: Play) -> None:
    """603 is the person's word, not the phone's (RFC 3261 section 21.6.2)."""

    async def story(centre: Centre) -> None:
        desk = await centre.agent("anna", answer_after=None)
        await centre.agent("anna", refuses=603)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await desk.rung.wait()
        await asyncio.wait_for(bob.rung.wait(), 1)
        await desk.calls[0].until("cancelled", within=0.1)
        assert centre.doing("anna") is Doing.PAUSED
        await centre.wait(3)
        caller.hang_up()

    play(story)


def test_one_phone_is_busy_and_the_other_is_rung_on(play: Play) -> None:
    async def story(centre: Centre) -> None:
        await centre.agent("anna", refuses=486)
        mobile = await centre.agent("anna", answer_after=10)
        caller = centre.caller()
        await mobile.rung.wait()
        await centre.wait(11)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()

    play(story)


def test_two_phones_answer_at_once(play: Play) -> None:
    async def story(centre: Centre) -> None:
        desk = await centre.agent("anna", answer_after=3)
        mobile = await centre.agent("anna", answer_after=3)
        caller = centre.caller()
        await mobile.rung.wait()
        await centre.wait(4)
        assert centre.phase() is Phase.TALKING
        news = [phone.calls[0].news[-1] for phone in (desk, mobile)]
        assert news.count("established") == 1
        assert len(centre.sound.rows) == 2
        caller.hang_up()
        await centre.wait(1)
        assert centre.ends() == {Reason.COMPLETED: 1}

    play(story)


def test_the_phone_answers_without_sound_we_can_use(play: Play) -> None:
    """A 200 with nothing in it: hung up on, and the next agent is rung."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        bob = await centre.agent("bob")
        caller = centre.caller()
        await anna.rung.wait()
        with anna.driver.turn() as now:
            anna.calls[0].dialog.accept(b"v=0\r\nm=audio 0 RTP/AVP 0\r\n", now)
        await anna.calls[0].until("ended")
        await bob.rung.wait()
        await centre.wait(3)
        caller.hang_up()

    play(story)


def test_a_contact_that_cannot_be_called_is_a_phone_that_does_not_answer(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(centre: Centre) -> None:
        await centre.agent("anna")
        bob = await centre.agent("bob")
        registrar = centre.engine.stack.registrar
        (held,) = registrar.contacts("anna", centre.clock.monotonic())
        odd = type(held)("nothing:that can be called", held.flow, held.expires, held.call_id, held.cseq)
        contacts = registrar.contacts
        monkeypatch.setattr(
            registrar, "contacts", lambda user, now: [odd] if user == "anna" else contacts(user, now)
        )
        caller = centre.caller()
        await bob.rung.wait()
        await centre.wait(3)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()

    play(story)

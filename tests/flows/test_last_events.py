"""Every order of the last two events, and both in one read of the socket."""

from __future__ import annotations

import asyncio

import pytest

from engine.agents.agent import Doing
from engine.facts import Phase, Reason
from engine.sip.flow import Flow
from tests.flows.conftest import Play
from tests.flows.test_seats import talking
from tests.kit.centre import ENGINE, NUMBER, Centre
from tests.kit.network import Address
from tests.kit.raw import RawPhone, invite


class Together:
    """Holds back what certain addresses send, and gives it to the engine in one batch."""

    def __init__(self, centre: Centre, *sources: Address) -> None:
        self._centre = centre
        self._held: list[tuple[bytes, Flow]] = []
        self._sources = sources

    def hold(self) -> None:
        def keep(source: Address, packet: object) -> bool:
            if source in self._sources:
                self._held.append((packet.data, Flow("udp", *source)))  # type: ignore[attr-defined]
            return source in self._sources

        self._centre.network.lose = keep

    def release(self, *, backwards: bool = False) -> None:
        self._centre.network.lose = lambda source, packet: False
        held, self._held = self._held, []
        self._centre.engine.driver.received(held[::-1] if backwards else held)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_agents_answer_and_the_callers_bye_in_one_read(play: Play, backwards: bool) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=5)
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(1)
        together = Together(centre, anna.address, caller.phone.address)
        together.hold()
        anna.calls[0].answer()
        caller.hang_up()
        await centre.wait(0.05)
        together.release(backwards=backwards)
        await centre.wait(1)
        assert centre.ends() == {Reason.ABANDONED: 1}
        assert centre.doing("anna") is Doing.IDLE
        assert centre.engine.floor.agents["anna"].calls == 0
        assert {"cancelled", "ended"} & set(anna.calls[0].news)

    play(story)


def test_the_agent_answers_and_hangs_up_in_one_read(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=None)
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(1)
        together = Together(centre, anna.address)
        anna.calls[0].answer()
        await anna.calls[0].until("established")
        together.hold()
        anna.calls[0].hang_up()
        await centre.wait(0.05)
        together.release()
        await caller.until("ended")
        assert centre.ends() == {Reason.COMPLETED: 1}
        assert centre.doing("anna") is Doing.WRAP_UP

    play(story)


def test_the_caller_confirms_and_hangs_up_in_one_read(play: Play) -> None:
    """Nobody is recorded who has gone, and nobody is queued."""

    async def story(centre: Centre) -> None:
        caller = centre.caller()
        together = Together(centre, caller.phone.address)
        await centre.wait(0.003)
        together.hold()
        await caller.until("answered")
        await centre.wait(0.001)
        caller.hang_up()
        await centre.wait(0.05)
        together.release()
        await centre.wait(1)
        assert centre.ends() == {Reason.ABANDONED: 1}
        assert centre.engine.dispatcher.queues["support"].counts.offered == 0

    play(story)


def test_the_caller_calls_and_cancels_in_one_read(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = RawPhone(centre.network, ("127.0.0.2", 5081), ENGINE)
        wanted = invite(caller.address, NUMBER, sdp="")
        given_up = wanted.replace(b"INVITE", b"CANCEL")
        flow = Flow("udp", *caller.address)
        centre.engine.driver.received([(wanted, flow), (given_up, flow)])
        await centre.wait(0.1)
        assert {line.split()[1] for line in caller.got} == {"100", "200", "487"}
        assert centre.ends() == {Reason.ABANDONED: 1}

    play(story)


def test_the_same_invite_many_times_is_one_call(play: Play) -> None:
    async def story(centre: Centre) -> None:
        caller = RawPhone(centre.network, ("127.0.0.2", 5081), ENGINE)
        for _ in range(5):
            caller.invite(NUMBER)
        await centre.wait(1)
        assert centre.engine.book.offered == 1
        centre.engine.book.stop()
        await centre.wait(1)

    play(story)


def test_an_agent_comes_free_as_the_caller_leaves(play: Play) -> None:
    """Reserved and left in one turn of the loop: nobody's phone rings for a caller who has gone."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        centre.engine.floor.registered("anna", 0)
        caller = centre.caller()
        await centre.wait(5)
        together = Together(centre, caller.phone.address)
        together.hold()
        caller.hang_up()
        await centre.wait(0.05)
        centre.engine.floor.registered("anna", 1)
        together.release()
        await centre.wait(1)
        assert centre.ends() == {Reason.ABANDONED: 1}
        assert anna.calls == []
        assert centre.doing("anna") is Doing.IDLE

    play(story)


@pytest.mark.parametrize("offset", [-0.02, -0.004, -0.002, 0.0, 0.002, 0.004, 0.02])
def test_the_phone_answers_as_ringing_times_out(play: Play, offset: float) -> None:
    """The 200 crosses our CANCEL: the agent is either spoken to, or hung up on."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=30 + offset)
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(30.5)
        if centre.phase() is Phase.TALKING:
            assert centre.doing("anna") is Doing.TALKING
        else:
            assert {"cancelled", "ended"} & set(anna.calls[0].news)
        caller.hang_up()
        await centre.wait(1)

    play(story)


@pytest.mark.parametrize("offset", [-0.006, -0.004, -0.002, 0.0, 0.002, 0.004])
def test_an_agent_comes_free_as_the_maximum_wait_is_over(play: Play, offset: float) -> None:
    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await caller.until("answered")
        await centre.wait(600 + offset)
        anna = await centre.agent("anna")
        await centre.wait(5)
        assert len(centre.ends()) + len(centre.engine.book.live) == 1
        if not centre.ends():
            assert centre.phase() is Phase.TALKING
            caller.hang_up()
        else:
            assert centre.doing("anna") is Doing.IDLE
            assert anna.calls == []
        await centre.wait(1)

    play(story)


def test_an_agent_who_is_presented_as_time_runs_out_may_still_answer(play: Play) -> None:
    """Rung at the last moment: who answers is answered; who does not leaves a caller whose wait is over."""

    async def story(centre: Centre) -> None:
        caller = centre.caller()
        await caller.until("answered")
        await centre.wait(590)
        anna = await centre.agent("anna", answer_after=None)
        await caller.until("ended", within=31)
        assert centre.ends() == {Reason.MAX_WAIT: 1}
        assert anna.calls[0].news == ["cancelled"]
        assert centre.doing("anna") is Doing.PAUSED

    play(story)


def test_everything_at_once(play: Play) -> None:
    """Caller and agent hang up, the phone unregisters, and the engine is stopped in the same instant."""

    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        gone = asyncio.create_task(anna.register(ENGINE, "acme.test", "pw-anna", expires=0))
        caller.hang_up()
        anna.calls[0].hang_up()
        centre.engine.book.stop()
        assert await gone == 200
        assert sum(centre.ends().values()) == 1
        await centre.wait(11)
        assert centre.doing("anna") is Doing.IDLE
        assert not centre.engine.floor.agents["anna"].free

    play(story)

"""Agents are shared by nodes: reserved before they are rung, whatever the store and the other nodes do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.agents.agent import Doing, Status
from engine.agents.choices import Choices
from engine.facts import Phase, Reason
from engine.store.memory import MemoryStore
from engine.store.records import PresenceChosen
from engine.store.store import StoreDown
from tests.flows.conftest import Play
from tests.kit.centre import Centre

ASKING = ("still_here", "reserve_all", "renew_all", "release_all", "taken")


def store_of(centre: Centre) -> MemoryStore:
    store = centre.engine.office.store
    assert isinstance(store, MemoryStore)
    return store


def reserved(centre: Centre, node: str = "n1") -> list[str]:
    return [had.id for had in store_of(centre).held.of(node)]


async def other_node(centre: Centre, *agents: str, seconds: float = 3600.0) -> None:
    """Another node is there, and has these agents."""
    store = store_of(centre)
    await store.begin("n2")
    for agent in agents:
        assert await store.reserve("agent", agent, "n2", 1, centre.clock.wall() + seconds)


def every_answer(store: MemoryStore, patch: pytest.MonkeyPatch, make: Callable[[Any], Any]) -> None:
    for name in ASKING:
        patch.setattr(store, name, make(getattr(store, name)))


def going_down(store: MemoryStore, patch: pytest.MonkeyPatch) -> None:
    async def down(*_: object) -> None:
        raise StoreDown("away")

    every_answer(store, patch, lambda asking: down)


def test_an_agent_is_reserved_from_the_ring_to_the_end_of_wrap_up(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna", answer_after=5)
        await centre.agent("bob")
        caller = centre.caller()
        assert reserved(centre) == []
        await anna.rung.wait()
        assert reserved(centre) == ["anna"]
        await centre.wait(60)
        assert (centre.phase(), reserved(centre)) == (Phase.TALKING, ["anna"])
        caller.hang_up()
        await centre.wait(9)
        assert (centre.doing("anna"), reserved(centre)) == (Doing.WRAP_UP, ["anna"])
        await centre.wait(2)
        assert (centre.doing("anna"), reserved(centre)) == (Doing.IDLE, [])

    play(story)


def test_who_is_on_a_call_at_another_node_is_passed_over(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna, bob = await centre.agent("anna"), await centre.agent("bob")
        await other_node(centre, "anna")
        caller = centre.caller()
        await bob.rung.wait()
        await centre.wait(3)
        assert (centre.conversation.agent, anna.calls) == ("bob", [])
        assert centre.doing("anna") is Doing.ELSEWHERE
        caller.hang_up()

    play(story)


def test_a_caller_keeps_their_place_until_another_node_gives_an_agent_back(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        await other_node(centre, "anna")
        first, second = centre.caller(), centre.caller()
        await centre.wait(30)
        assert (anna.calls, len(list(centre.engine.dispatcher.waiting()))) == ([], 2)
        assert await store_of(centre).release("agent", "anna", "n2", 1)
        before = centre.clock.monotonic()
        await anna.rung.wait()
        assert centre.clock.monotonic() - before < 1
        await centre.wait(3)
        earlier, later = centre.engine.book.live.values()
        assert (earlier.phase, later.phase) == (Phase.TALKING, Phase.WAITING)
        first.hang_up()
        second.hang_up()

    play(story)


def test_a_dead_nodes_agents_are_rung_once_their_time_is_over(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        began = centre.clock.monotonic()
        await other_node(centre, "anna", seconds=30.0)
        caller = centre.caller()
        await anna.rung.wait()
        assert 30 <= centre.clock.monotonic() - began < 31
        caller.hang_up()

    play(story)


def test_a_node_has_at_once_what_its_former_life_had(play: Play) -> None:
    async def story(centre: Centre) -> None:
        assert await store_of(centre).reserve("agent", "anna", "n1", 0, centre.clock.wall() + 1000)
        anna = await centre.agent("anna")
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(3)
        assert centre.phase() is Phase.TALKING
        caller.hang_up()

    play(story)


def test_alone_a_node_goes_on_without_the_store_and_catches_up(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(centre: Centre) -> None:
        anna, bob = await centre.agent("anna"), await centre.agent("bob")
        with monkeypatch.context() as patch, capture_logs() as lines:
            going_down(store_of(centre), patch)
            first, second = centre.caller(), centre.caller()
            await anna.rung.wait()
            await bob.rung.wait()
            await centre.wait(3)
            first.hang_up()
            await centre.wait(60)
            assert reserved(centre) == []
        await centre.wait(2)
        assert reserved(centre) == ["bob"]
        assert [line["event"] for line in lines].count("reservations_down") == 1
        second.hang_up()

    play(story)


def test_with_others_nobody_is_rung_until_the_store_is_back(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(centre: Centre) -> None:
        anna, bob = await centre.agent("anna"), await centre.agent("bob")
        await other_node(centre, "carl")
        talking = centre.caller()
        await anna.rung.wait()
        await centre.wait(12)
        with monkeypatch.context() as patch:
            going_down(store_of(centre), patch)
            waiting = centre.caller()
            await centre.wait(20)
            assert [call.phase for call in centre.engine.book.live.values()] == [Phase.TALKING, Phase.WAITING]
            assert bob.calls == []
        await centre.wait(5)
        assert centre.engine.floor.agents["bob"].talking_to
        talking.hang_up()
        waiting.hang_up()

    play(story)


def test_an_agent_whom_another_node_took_meanwhile_is_said_and_the_call_goes_on(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(3)
        with monkeypatch.context() as patch:
            going_down(store_of(centre), patch)
            await centre.wait(60)
        with capture_logs() as lines:
            await other_node(centre, "anna", seconds=20)
            await centre.wait(2)
        assert [line["agent"] for line in lines if line["event"] == "agent_lost"] == ["anna"]
        assert centre.phase() is Phase.TALKING
        caller.hang_up()
        await centre.wait(30)
        assert reserved(centre, "n2") == ["anna"]
        await store_of(centre).release("agent", "anna", "n2", 1)

    play(story)


def test_a_store_that_does_not_answer_delays_the_first_call_by_a_second_and_the_next_by_nothing(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(centre: Centre) -> None:
        anna, bob = await centre.agent("anna"), await centre.agent("bob")
        with monkeypatch.context() as patch:
            every_answer(store_of(centre), patch, frozen_for(15))
            calls = [centre.caller()]
            await calls[0].until("answered")
            answered = centre.clock.monotonic()
            await anna.rung.wait()
            first = centre.clock.monotonic() - answered
            calls.append(centre.caller())
            await calls[1].until("answered")
            answered = centre.clock.monotonic()
            await bob.rung.wait()
            assert centre.clock.monotonic() - answered == pytest.approx(first - 1.0, abs=0.05)
        await centre.wait(40)
        assert sorted(reserved(centre)) == ["anna", "bob"]
        for call in calls:
            call.hang_up()

    play(story)


def frozen_for(seconds: float) -> Callable[[Any], Any]:
    """Answers that come late."""

    def make(asking: Any) -> Any:
        async def late(*words: object) -> Any:
            await asyncio.sleep(seconds)
            return await asking(*words)

        return late

    return make


async def anna_is_chosen(centre: Centre) -> None:
    chosen = asyncio.Event()
    centre.engine.floor.on_change.append(lambda agent: chosen.set())
    async with asyncio.timeout(60):
        await chosen.wait()


@pytest.mark.parametrize("after", [0.0, 0.2, 0.4, 0.6])
def test_a_caller_leaves_while_the_store_thinks(
    play: Play, monkeypatch: pytest.MonkeyPatch, after: float
) -> None:
    """Whatever was reserved for them meanwhile is given back, and the next caller has the agent."""

    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        with monkeypatch.context() as patch:
            every_answer(store_of(centre), patch, frozen_for(0.5))
            caller = centre.caller()
            await anna_is_chosen(centre)
            await centre.wait(after)
            caller.hang_up()
            again = centre.caller()
            await centre.wait(0.1)
            await anna.rung.wait()
            await centre.wait(20)
        assert centre.ends() == {Reason.ABANDONED: 1}
        assert centre.phase() is Phase.TALKING
        again.hang_up()
        await centre.wait(20)
        assert reserved(centre) == []

    play(story)


def test_a_node_that_stops_lets_the_store_finish_what_it_was_asked(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last call ends as the engine stops: a transaction cut off in the middle may hold the database up."""
    done: list[str] = []

    async def story(centre: Centre) -> None:
        store, claims = store_of(centre), centre.engine.claims
        assert await claims.take("anna")
        release = store.release_all

        async def slowly(*words: Any) -> None:
            done.append("asked")
            await asyncio.sleep(0.2)
            await release(*words)
            done.append("released")

        monkeypatch.setattr(store, "release_all", slowly)
        claims._agent_changed(centre.engine.floor.agents["anna"])
        await centre.wait(0.1)
        await claims.__aexit__(None, None, None)
        assert (done, reserved(centre)) == (["asked", "released"], [])
        await claims.__aenter__()

    play(story)


def test_an_earlier_life_hears_that_it_is_over(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        told: list[str] = []
        centre.engine.claims.on_fenced.append(lambda: told.append("fenced"))
        caller = centre.caller()
        await anna.rung.wait()
        await centre.wait(3)
        with capture_logs() as lines:
            await store_of(centre).begin("n1")
            await store_of(centre).begin("n1")
            await centre.wait(11)
        assert told == [line["event"] for line in lines if line["event"] == "fenced"] == ["fenced"]
        assert centre.phase() is Phase.TALKING
        assert not await centre.engine.claims.take("bob")
        caller.hang_up()
        await centre.wait(20)
        assert reserved(centre) == ["anna"], "the later life may have it, and this one must not give it back"
        assert await store_of(centre).reserve("agent", "anna", "n1", 2, 0.0)
        assert await store_of(centre).release("agent", "anna", "n1", 2)

    play(story)


def test_what_agents_chose_is_known_before_the_first_call(play: Play) -> None:
    async def story(centre: Centre) -> None:
        await centre.engine.office.choices.choose("anna", Status.AWAY)
        engine, store = centre.engine, store_of(centre)
        engine.floor.choose("anna", Status.AVAILABLE)  # as a floor that was just made has it
        await Choices(store, engine.floor, centre.clock).restore()
        anna, bob = await centre.agent("anna"), await centre.agent("bob")
        caller = centre.caller()
        await bob.rung.wait()
        assert (anna.calls, engine.floor.agents["anna"].status) == ([], Status.AWAY)
        caller.hang_up()

    play(story)


def test_what_is_chosen_at_another_node_counts_here_too(play: Play) -> None:
    async def story(centre: Centre) -> None:
        anna = await centre.agent("anna")
        await other_node(centre)
        await centre.engine.office.choices.choose("anna", Status.AWAY)
        await centre.wait(15)
        store, agent = store_of(centre), centre.engine.floor.agents["anna"]
        store.write(PresenceChosen("anna", "available", centre.clock.wall()))
        await centre.wait(1)
        assert agent.status is Status.AVAILABLE
        store.write(PresenceChosen("anna", "away", centre.clock.wall()))
        caller = centre.caller()
        await centre.wait(30)
        assert (agent.status, anna.calls) == (Status.AWAY, [])
        caller.hang_up()

    play(story)

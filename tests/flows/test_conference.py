"""Conferences of legs: who is told to hear whom as people come, change their part and go."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.facts import LegEnd, Party
from engine.legs.attempt import Attempt, Plant
from engine.legs.conference import Conference, ConferenceFull, conference
from engine.legs.leg import Leg
from engine.transports.driver import Driver
from media.control import MOST, RowRef
from media.seating import seating
from tests.flows.conftest import Play
from tests.flows.test_seats import replaces, talking
from tests.kit.centre import ENGINE, Centre
from tests.kit.sound import FakeClip, FakeRow, FakeSound

MUSIC = FakeClip("hold", 30.0)


class Floor:
    """Legs with somebody seated, and a plane that remembers what they are told to hear."""

    def __init__(self, *names: str) -> None:
        self.sound = FakeSound("192.0.2.1")
        self.plant = Plant(cast(Driver, None), self.sound, ("PCMU",), None)
        self.legs = [self.leg(name) for name in names]

    def leg(self, name: str) -> Leg:
        leg = Leg(name, Party("agent", name, name), "conversation")
        leg.sit(Attempt(self.plant, leg, name))
        return leg

    def heard(self, leg: Leg) -> set[str]:
        """Names of those whose voices a leg hears."""
        names = {row.ref: row.label for row in self.sound.rows}
        return {names[ref] for ref in row(leg).voices}


def row(leg: Leg) -> FakeRow:
    assert isinstance(leg.row, FakeRow)
    return leg.row


async def test_three_hear_each_other_by_one_set() -> None:
    floor = Floor("a", "b", "c")
    a, b, c = floor.legs
    async with conference(a, b, c) as room:
        assert room.members == room.parties == (a, b, c)
        assert [floor.heard(leg) for leg in (a, b, c)] == [{"b", "c"}, {"a", "c"}, {"a", "b"}]
        sets = [row(leg).hearing for leg in (a, b, c)]
        assert all(isinstance(refs, tuple) and set(refs) == set(sets[0]) for refs in sets)  # type: ignore[arg-type]
    assert [row(leg).hearing for leg in (a, b, c)] == [None, None, None]


async def test_who_leaves_hears_silence_and_the_others_are_bridged() -> None:
    floor = Floor("a", "b", "c")
    a, b, c = floor.legs
    async with conference(a, b, c) as room:
        room.leave(b)
        room.leave(b)
        assert (row(a).hearing, row(b).hearing, row(c).hearing) == (c.row.ref, None, a.row.ref)
        c.hang_up()
        assert room.members == (a,)
        assert row(a).hearing is None


async def test_mute_hold_and_back() -> None:
    floor = Floor("a", "b", "c")
    a, b, c = floor.legs
    async with conference(a, b, c) as room:
        room.mute(a)
        assert [floor.heard(leg) for leg in (a, b, c)] == [{"b", "c"}, {"c"}, {"b"}]
        assert row(b).hearing == c.row.ref
        room.hold(b, MUSIC)
        assert (row(b).hearing, row(c).hearing) == (MUSIC, None)
        assert floor.heard(a) == {"c"}
        room.hold(b, FakeClip("other", 1.0))
        assert row(b).hearing == FakeClip("other", 1.0)
        room.unmute(a)
        room.resume(b)
        assert [floor.heard(leg) for leg in (a, b, c)] == [{"b", "c"}, {"a", "c"}, {"a", "b"}]


async def test_a_supervisor_listens_whispers_barges_and_goes() -> None:
    floor = Floor("customer", "agent", "boss")
    customer, agent, boss = floor.legs
    async with conference(customer, agent) as room:
        room.listen(boss)
        assert floor.heard(boss) == {"customer", "agent"}
        assert row(customer).hearing == agent.row.ref
        room.whisper(boss, to=agent)
        assert floor.heard(agent) == {"customer", "boss"}
        assert row(customer).hearing == agent.row.ref
        assert room.parties == (customer, agent)
        room.barge(boss)
        assert floor.heard(customer) == {"agent", "boss"}
        room.mute(boss)
        room.whisper(boss, to=customer)
        assert floor.heard(customer) == {"agent", "boss"}, "who takes another part is heard in it"
        assert row(agent).hearing == customer.row.ref
        room.leave(boss)
        assert (row(customer).hearing, row(agent).hearing) == (agent.row.ref, customer.row.ref)


async def test_what_cannot_be_is_refused_in_words() -> None:
    floor = Floor("a", "b", "c")
    a, b, c = floor.legs
    async with conference(a, b) as room:
        for wrong in (room.mute, room.hold, room.resume):
            with pytest.raises(ValueError, match="c is not in this conference"):
                wrong(c)
        with pytest.raises(ValueError, match="a cannot whisper to a"):
            room.whisper(a, to=a)
        room.listen(c)
        with pytest.raises(ValueError, match="a cannot whisper to c: another leg that is a party"):
            room.whisper(a, to=c)
        assert floor.heard(b) == {"a"}


async def test_a_conference_has_as_many_members_as_a_row_can_hear() -> None:
    floor = Floor(*(f"leg {n}" for n in range(MOST + 1)))
    *legs, last = floor.legs
    async with conference(*legs) as room:
        with pytest.raises(ConferenceFull, match=f"{MOST + 1} members of a conference: at most {MOST}"):
            room.join(last)
        assert row(last).hearing is None
        assert len(floor.heard(legs[0])) == MOST - 1
    with pytest.raises(ConferenceFull):
        await Conference(*floor.legs).__aenter__()
    assert not any(leg._on_end for leg in floor.legs)


async def test_everything_is_given_back_whatever_ends_the_block() -> None:
    floor = Floor("a", "b", "c")
    with pytest.raises(RuntimeError, match="the story failed"):
        async with conference(*floor.legs):
            raise RuntimeError("the story failed")
    for leg in floor.legs:
        assert row(leg).hearing is None
        assert not leg._audience
        assert not leg._on_end


async def test_dwindled_returns_when_too_few_parties_are_left() -> None:
    floor = Floor("a", "b", "c", "boss")
    a, b, c, boss = floor.legs
    async with conference(a, b, c) as room:
        room.listen(boss)
        waiting = asyncio.ensure_future(room.dwindled())
        await asyncio.sleep(0)
        a.ended(LegEnd.HUNG_UP)
        await asyncio.sleep(0)
        assert not waiting.done()
        room.leave(c)
        await asyncio.wait_for(waiting, 1)
        assert floor.heard(boss) == {"b"}
        await room.dwindled()


async def test_another_dialog_in_a_seat_is_heard_by_all() -> None:
    floor = Floor("a", "b", "c")
    a, b, c = floor.legs
    async with conference(a, b, c):
        before = a.row.ref
        attempt = Attempt(floor.plant, a, "a")
        a.attempts.append(attempt)
        a.replace(attempt)
        assert a.row.ref != before
        assert [floor.heard(leg) for leg in (a, b, c)] == [{"b", "c"}, {"a", "c"}, {"a", "b"}]
        assert not any(before in row(leg).voices for leg in (a, b, c))


async def test_nobody_is_told_again_what_they_hear_already() -> None:
    floor = Floor("a", "b", "boss", "trainee")
    a, b, boss, trainee = floor.legs
    async with conference(a, b) as room:
        row(a).hearing = MUSIC  # as a mark: anything that is told replaces it
        room.listen(boss)
        room.listen(trainee)
        room.mute(trainee)
        assert row(a).hearing == MUSIC


VERBS = ("join", "leave", "mute", "unmute", "hold", "resume", "listen", "whisper", "end")
steps = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 4), st.integers(0, 4)), max_size=25)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_whatever_is_asked_all_hear_what_the_seating_says(asked: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        floor = Floor("a", "b", "c", "d", "e")
        async with conference(*floor.legs[:2]) as room:
            for verb, who, whom in asked:
                step(floor, room, verb, floor.legs[who], floor.legs[whom])
                check(floor, room)
        assert not any(leg._audience or leg._on_end for leg in floor.legs)

    asyncio.run(play())


def step(floor: Floor, room: Conference, verb: str, leg: Leg, other: Leg) -> None:
    """One request, if it makes sense."""
    if leg.end is not None:
        return
    if verb == "end":
        leg.ended(LegEnd.HUNG_UP)
    elif verb == "whisper":
        if other is not leg and other in room.parties:
            room.whisper(leg, other)
    elif verb == "hold":
        if leg in room.members:
            room.hold(leg, MUSIC)
    elif verb in ("join", "listen", "leave") or leg in room.members:
        getattr(room, verb)(leg)


def check(floor: Floor, room: Conference) -> None:
    seats = {leg: room.seat(leg) for leg in room.members}
    expected: dict[Leg, set[RowRef] | None] = {
        leg: None if hears is None else {voice.row.ref for voice in hears.voices}
        for leg, hears in seating(seats).items()
    }
    for leg in floor.legs:
        if leg.end is not None:
            assert leg not in seats
        elif leg not in seats:
            assert row(leg).hearing is None
        elif (voices := expected[leg]) is None:
            assert row(leg).hearing == MUSIC
        else:
            assert row(leg).voices == voices


def test_a_third_joins_a_real_call_a_phone_is_changed_and_the_caller_goes(play: Play) -> None:
    """By SIP: INVITE with Replaces while three speak, then the caller's BYE leaves two."""

    async def story(centre: Centre) -> None:
        caller, anna = await talking(centre)
        customer, agent = centre.conversation.legs
        expert = Leg("expert", Party("agent", "bob", "Bob Jones"), centre.conversation.id)
        expert.sit(Attempt(centre.engine.desk.plant, expert, "bob"))
        async with conference(customer, agent, expert) as room:
            mobile = await centre.agent("anna", answer_after=None)
            moved = mobile.call(
                "anna", ENGINE, "acme.test", headers=replaces(anna.calls[0]), password="pw-anna"
            )
            await anna.calls[0].until("ended")
            assert row(expert).voices == {customer.row.ref, agent.row.ref}
            assert row(customer).voices == {agent.row.ref, expert.row.ref}
            waiting = asyncio.ensure_future(room.dwindled(2))
            caller.hang_up()
            await asyncio.wait_for(waiting, 5)
            await moved.until("ended")
        expert.hang_up()

    play(story)

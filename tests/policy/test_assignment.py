"""Who takes which work item next."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from engine.policy.assignment import Assignment, assign


class Item(NamedTuple):
    id: str
    tried: Set[str] = frozenset()


class Line(NamedTuple):
    items: tuple[Item, ...]
    agents: tuple[str, ...]

    def unassigned(self) -> Iterable[Item]:
        return self.items

    def idle(self) -> Iterable[str]:
        return self.agents


def pairs(*queues: Line) -> list[tuple[str, str]]:
    return [(chosen.place, chosen.agent) for chosen in assign(queues)]


def test_longest_idle_takes_who_came_first() -> None:
    assert pairs(Line((Item("1"), Item("2")), ("anna", "bob"))) == [("1", "anna"), ("2", "bob")]


def test_nobody_waits_or_nobody_is_free() -> None:
    assert pairs(Line((), ("anna",))) == []
    assert pairs(Line((Item("1"),), ())) == []


def test_the_queue_given_first_is_served_first() -> None:
    urgent, other = Line((Item("u"),), ("anna",)), Line((Item("o"),), ("anna", "bob"))
    assert pairs(urgent, other) == [("u", "anna"), ("o", "bob")]
    assert pairs(other, urgent) == [("o", "anna")]


def test_who_did_not_answer_is_passed_over_while_another_is_free() -> None:
    assert pairs(Line((Item("1", {"anna"}),), ("anna", "bob"))) == [("1", "bob")]


def test_somebody_passed_over_by_one_item_takes_the_next() -> None:
    line = Line((Item("1", {"anna"}), Item("2")), ("anna", "bob"))
    assert pairs(line) == [("1", "bob"), ("2", "anna")]


def test_when_all_were_tried_the_round_starts_again_from_the_first() -> None:
    line = Line((Item("1", {"anna", "bob"}),), ("anna", "bob"))
    assert list(assign([line])) == [Assignment("1", "anna", new_round=True)]


agents = st.lists(st.sampled_from("abcdefgh"), unique=True).map(tuple)
tried = st.frozensets(st.sampled_from("abcdefgh"))


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    queues = draw(st.integers(1, 3))
    number = 0
    made = []
    for _ in range(queues):
        items = []
        for one in draw(st.lists(tried, max_size=6)):
            items.append(Item(str(number), one))
            number += 1
        made.append(Line(tuple(items), draw(agents)))
    return made


@given(lines())
def test_invariants(queues: list[Line]) -> None:
    chosen = list(assign(queues))
    assert len({one.agent for one in chosen}) == len(chosen), "no agent has two items"
    assert len({one.place for one in chosen}) == len(chosen), "no item has two agents"
    at = {one.place: one.agent for one in chosen}
    for queue in queues:
        served = [item.id in at for item in queue.items]
        assert served == sorted(served, reverse=True), "first come, first served"
        left_idle = [agent for agent in queue.agents if agent not in at.values()]
        assert all(served) or not left_idle, "nobody waits while somebody of their queue is idle"
        for item in queue.items:
            if at.get(item.id) in item.tried:
                earlier = {at[other.id] for other in queue.items[: queue.items.index(item)] if other.id in at}
                free = set(queue.agents) - earlier - taken_before(queues, queue, at)
                assert free <= item.tried, "everyone free is tried before anyone is tried twice"


def taken_before(queues: list[Line], queue: Line, at: dict[str, str]) -> set[str]:
    before = queues[: next(i for i, other in enumerate(queues) if other is queue)]
    return {at[item.id] for other in before for item in other.items if item.id in at}

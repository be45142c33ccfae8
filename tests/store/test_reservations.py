"""Nobody has what another has: over all stores, over any order of events, and over two processes at once."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store.memory import MemoryStore
from engine.store.open import open_store
from engine.store.reservations import Reservation
from engine.store.store import Fenced, Store
from tests.kit.postgres import emptied

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgres"))]


class Wall:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture(params=["memory", *BOTH])
async def store(request: pytest.FixtureRequest, tmp_path: Path, wall: Wall) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore(wall)
        return
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "postgresql":
        url = emptied(request.getfixturevalue("server"))
    async with open_store(url, spool=tmp_path / "spool", wall=wall) as opened:
        yield opened


async def test_one_has_it_and_the_other_does_not(store: Store) -> None:
    assert await store.reserve("agent", "anna", "n1", 1, 1030.0)
    assert not await store.reserve("agent", "anna", "n2", 1, 1030.0)
    assert await store.reserve("contact", "anna", "n2", 1, 1030.0)
    assert await store.reserve("agent", "bob", "n2", 1, 1030.0)
    assert await store.reservations("n2") == [
        Reservation("agent", "bob", "n2", 1, 1030.0),
        Reservation("contact", "anna", "n2", 1, 1030.0),
    ]


async def test_who_has_it_gets_it_again_to_the_new_time(store: Store) -> None:
    assert await store.reserve("agent", "anna", "n1", 1, 1030.0)
    assert await store.reserve("agent", "anna", "n1", 1, 1060.0)
    assert await store.reservations("n1") == [Reservation("agent", "anna", "n1", 1, 1060.0)]


async def test_what_is_given_back_is_free(store: Store) -> None:
    assert await store.reserve("agent", "anna", "n1", 1, 1030.0)
    assert not await store.release("agent", "anna", "n2", 1)
    assert await store.release("agent", "anna", "n1", 1)
    assert not await store.release("agent", "anna", "n1", 1)
    assert await store.reserve("agent", "anna", "n2", 1, 1030.0)


async def test_what_is_expired_is_anybodys_and_its_old_holders_no_more(store: Store, wall: Wall) -> None:
    assert await store.reserve("agent", "anna", "n1", 1, 1030.0)
    wall.now = 1029.9
    assert not await store.reserve("agent", "anna", "n2", 1, 1060.0)
    wall.now = 1030.0
    assert not await store.renew("agent", "anna", "n1", 1, 1060.0)
    assert await store.reserve("agent", "anna", "n2", 1, 1060.0)
    assert not await store.reserve("agent", "anna", "n1", 1, 1060.0)
    assert not await store.release("agent", "anna", "n1", 1)
    assert await store.reservations("n1") == []


async def test_what_is_renewed_stays(store: Store, wall: Wall) -> None:
    assert await store.reserve("agent", "anna", "n1", 1, 1030.0)
    assert not await store.renew("agent", "anna", "n2", 1, 1060.0)
    assert await store.renew("agent", "anna", "n1", 1, 1060.0)
    wall.now = 1059.0
    assert not await store.reserve("agent", "anna", "n2", 1, 1090.0)
    assert not await store.renew("agent", "bob", "n1", 1, 1090.0)


async def test_a_node_takes_back_what_its_earlier_life_had(store: Store) -> None:
    assert await store.reserve("agent", "anna", "n1", 1, 1030.0)
    assert await store.reserve("agent", "anna", "n1", 2, 1030.0)
    assert not await store.reserve("agent", "anna", "n1", 1, 1060.0)
    assert not await store.renew("agent", "anna", "n1", 1, 1060.0)
    assert not await store.release("agent", "anna", "n1", 1)
    assert await store.reservations("n1") == [Reservation("agent", "anna", "n1", 2, 1030.0)]


async def test_of_many_who_ask_at_once_one_gets_it(store: Store) -> None:
    asked = (store.reserve("agent", "anna", f"n{i}", 1, 1030.0) for i in range(12))
    assert sum(await asyncio.gather(*asked)) == 1


async def test_several_at_once_each_by_itself(store: Store, wall: Wall) -> None:
    assert await store.reserve("agent", "bob", "n2", 1, 1030.0)
    assert await store.reserve_all("agent", ["carl", "bob", "anna"], "n1", 1, 1030.0) == {"anna", "carl"}
    assert await store.renew_all("agent", ["anna", "bob", "dora"], "n1", 1, 1060.0) == {"anna"}
    assert await store.taken("agent", "n2") == {"anna", "carl"}
    assert await store.taken("agent", "n1") == {"bob"}
    assert await store.taken("contact", "n1") == frozenset()
    await store.release_all("agent", ["anna", "bob"], "n1", 1)
    assert await store.taken("agent", "n2") == {"carl"}
    assert await store.taken("agent", "n1") == {"bob"}
    wall.now = 1030.0
    assert await store.taken("agent", "n2") == frozenset()


async def test_more_at_once_than_a_statement_names(store: Store) -> None:
    many = [f"agent{number}" for number in range(2500)]
    assert len(await store.reserve_all("agent", many, "n1", 1, 1030.0)) == 2500
    assert len(await store.renew_all("agent", many, "n1", 1, 1060.0)) == 2500
    await store.release_all("agent", many[1:], "n1", 1)
    assert await store.reservations("n1") == [Reservation("agent", "agent0", "n1", 1, 1060.0)]


async def test_each_life_of_a_node_has_the_next_number(store: Store) -> None:
    assert [await store.begin("n1") for _ in range(3)] == [1, 2, 3]
    assert await store.begin("n2") == 1


async def test_lives_that_begin_at_once_have_different_numbers(store: Store) -> None:
    assert sorted(await asyncio.gather(*(store.begin("n1") for _ in range(6)))) == [1, 2, 3, 4, 5, 6]


async def test_an_earlier_life_is_over_once_a_later_one_has_begun(store: Store) -> None:
    await store.begin("n1")
    assert await store.reserve("agent", "anna", "n1", 1, 1030.0)
    assert await store.still_here("n1", 1, 0.0) == frozenset()
    await store.begin("n1")
    with pytest.raises(Fenced, match="n1"):
        await store.still_here("n1", 1, 0.0)
    assert not await store.reserve("agent", "bob", "n1", 1, 1030.0), "not even what nobody has"
    assert await store.reserve("agent", "anna", "n1", 2, 1030.0)
    assert await store.still_here("n1", 2, 0.0) == frozenset()


async def test_nodes_see_who_was_there_lately(store: Store, wall: Wall) -> None:
    await store.begin("n1")
    wall.now = 1010.0
    await store.begin("n2")
    assert await store.still_here("n2", 1, 1000.0) == {"n1"}
    assert await store.still_here("n2", 1, 1000.1) == frozenset()
    wall.now = 1020.0
    await store.still_here("n1", 1, 0.0)
    assert await store.still_here("n2", 1, 1020.0) == {"n1"}


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "renew", "release", "wait"]),
        st.sampled_from(["n1", "n2"]),
        st.sampled_from([1, 2]),
        st.integers(1, 30),
    ),
    max_size=30,
)


async def act(store: Store, wall: Wall, what: str, node: str, epoch: int, seconds: int) -> bool:
    if what == "wait":
        wall.now += seconds
        return True
    if what == "release":
        return await store.release("agent", "anna", node, epoch)
    do = store.reserve if what == "reserve" else store.renew
    return await do("agent", "anna", node, epoch, wall.now + seconds)


@given(acts=ACTS)
async def test_two_nodes_never_both_believe_that_they_have_it(acts: list[tuple[str, str, int, int]]) -> None:
    """What each was told, kept as each would keep it: until when it has the thing."""
    wall = Wall()
    store = MemoryStore(wall)
    until = {"n1": 0.0, "n2": 0.0}
    for what, node, epoch, seconds in acts:
        done = await act(store, wall, what, node, epoch, seconds)
        if done and what in ("reserve", "renew"):
            until[node] = wall.now + seconds
        elif done and what == "release":
            until[node] = 0.0
        assert sum(expires > wall.now for expires in until.values()) <= 1


@pytest.mark.parametrize("kind", BOTH)
async def test_the_databases_say_what_the_model_says(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    if kind == "postgresql":
        url = emptied(request.getfixturevalue("server"))
    wall = Wall()
    async with open_store(url, spool=tmp_path / "spool", wall=wall) as sql:
        for seed in range(12):
            memory = MemoryStore(wall)
            for what, node, epoch, seconds in acts_of(seed):
                then = wall.now
                expected = await act(memory, wall, what, node, epoch, seconds)
                wall.now = then
                assert await act(sql, wall, what, node, epoch, seconds) == expected
            for node in ("n1", "n2"):
                assert await sql.reservations(node) == await memory.reservations(node)
                for had in await sql.reservations(node):
                    await sql.release(had.kind, had.id, had.node, had.epoch)


def acts_of(seed: int) -> list[tuple[str, str, int, int]]:
    """Forty acts, the same for the same seed."""
    state, acts = seed * 2654435761 + 1, []
    for _ in range(40):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        pick = state >> 33
        what = ("reserve", "reserve", "renew", "release", "wait")[pick % 5]
        acts.append((what, ("n1", "n2")[pick // 5 % 2], 1 + pick // 10 % 2, 1 + pick // 20 % 30))
    return acts


RIVAL = """
import asyncio, json, sys, time
from pathlib import Path
from engine.store.open import open_store

async def main(url, node, folder):
    had = []
    async with open_store(url, spool=Path(folder) / node) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        for round in range(60):
            thing = f"thing{round % 3}"
            if await store.reserve("agent", thing, node, 1, time.time() + 60):
                taken = time.monotonic()
                await asyncio.sleep(0.001)
                had.append((thing, taken, time.monotonic()))
                assert await store.release("agent", thing, node, 1)
    print(json.dumps(had))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("kind", BOTH)
async def test_two_processes_never_have_the_same_thing_at_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    if kind == "postgresql":
        url = emptied(request.getfixturevalue("server"))
    async with open_store(url, spool=tmp_path / "first"):
        pass  # makes the tables
    rivals = [await rival(url, node, tmp_path) for node in ("n1", "n2")]
    for process in rivals:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in rivals))
    had = [sorted(map(tuple, json.loads(out))) for out, _ in answers]
    assert all(had), "each got something"
    for thing, taken, given_back in had[0]:
        overlaps = [
            other for other in had[1] if other[0] == thing and other[1] < given_back and taken < other[2]
        ]
        assert overlaps == []


async def rival(url: str, node: str, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RIVAL,
        url,
        node,
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=os.getcwd(),
    )

"""RTP ports: even, random at first, at rest after use, not taken from other programs."""

from __future__ import annotations

import errno
import random
import socket

import pytest

from media.control import NoRow
from media.ports import LEAST, REST, Ports

ADDRESS = "127.0.0.1"


class World:
    """Ports under a clock that stands still."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.first = random.randrange(14_000, 15_900) & ~1
        self.ports = Ports(ADDRESS, self.first, self.first + 7, lambda: self.now, random.Random(5))


@pytest.fixture
def world() -> World:
    return World()


def test_pairs_are_even_and_odd_and_each_is_had_once(world: World) -> None:
    pairs = [world.ports.take() for _ in range(4)]
    assert {pair.port for pair in pairs} == {world.first + 2 * n for n in range(4)}
    assert all(pair.rtcp.getsockname()[1] == pair.rtp.getsockname()[1] + 1 for pair in pairs)
    with pytest.raises(NoRow, match="4 in use"):
        world.ports.take()
    for pair in pairs:
        pair.close()


def test_a_port_rests_after_use(world: World) -> None:
    for _ in range(4):
        pair = world.ports.take()
        pair.close()
        world.ports.give_back(pair.port)
    world.now += LEAST - 0.1
    with pytest.raises(NoRow, match="0 in use, others rest"):
        world.ports.take()
    world.now += REST
    pair = world.ports.take()
    pair.close()


def test_when_no_other_is_left_the_one_that_rested_longest_is_had(world: World) -> None:
    used = [world.ports.take() for _ in range(3)]
    for pair in used:
        pair.close()
        world.ports.give_back(pair.port)
        world.now += 1.0
    again = [world.ports.take() for _ in range(3)]
    assert [pair.port for pair in again[1:]] == [pair.port for pair in used[:2]]
    with pytest.raises(NoRow):
        world.ports.take()
    for pair in again:
        pair.close()


def test_ports_of_other_programs_are_passed_over(world: World) -> None:
    taken = []
    for port in (world.first + 1, world.first + 4):
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind((ADDRESS, port))
        taken.append(other)
    pairs = [world.ports.take() for _ in range(2)]
    assert {pair.port for pair in pairs} == {world.first + 2, world.first + 6}
    with pytest.raises(NoRow):
        world.ports.take()
    for pair in pairs:
        pair.close()
    for other in taken:
        other.close()


def test_a_range_without_a_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="an even port and the odd one after it"):
        Ports(ADDRESS, 20001, 20001, lambda: 0.0, random.Random(1))


def test_a_process_that_may_open_no_more_files_is_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second socket of a pair is refused: no row, and the first one is closed."""
    made: list[socket.socket] = []
    real = socket.socket

    def few(family: int, kind: int) -> socket.socket:
        if made:
            raise OSError(errno.EMFILE, "Too many open files")
        made.append(real(family, kind))
        return made[0]

    monkeypatch.setattr("media.ports.socket.socket", few)
    with pytest.raises(NoRow, match="Too many open files"):
        world.ports.take()
    assert made[0].fileno() == -1

"""Conferences through real processes and sockets: two workers, one of which is killed; and many at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial

import numpy as np
import pytest

from media.client import MediaPlane
from media.control import BATCH, MOST, Close, Hear, Open, RowRef
from media.g711 import DECODE, ENCODE, SOFTER, ULAW
from media.seats import batches
from tests.media.test_client import Handset, pid, running, settings, started, until

LEVELS = {1: 0x9F, 2: 0xAF, 3: 0xBF}
"""What each handset says: one octet all through, so that a sum tells who is in it."""
OTHERS = {1: (2, 3), 2: (1, 3), 3: (1, 2)}


class Speaker(Handset):
    """A far end whose frames are one level."""

    def say(self, payload: bytes | None = None) -> None:
        super().say(bytes([LEVELS[self.name]]) * 160)


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    async with started(MediaPlane(settings())) as plane:
        yield plane


def level(name: int, softer: int = 0) -> int:
    code = LEVELS[name]
    for _ in range(softer):
        code = int(SOFTER[ULAW][code])
    return int(DECODE[ULAW][code])


def together(*names: int) -> int:
    """The octet in which those are summed."""
    return int(ENCODE[ULAW][sum(level(name) for name in names)])


def plausible(*names: int) -> set[int]:
    """Sums of those or fewer, with softer copies in place of lost frames on a busy machine."""
    sums = {0}
    for name in names:
        sums |= {was + part for was in sums for part in (level(name), level(name, 1), level(name, 2))}
    return {int(ENCODE[ULAW][total]) for total in sums}


def confer(*speakers: Speaker) -> None:
    everybody = tuple(speaker.row.ref for speaker in speakers)
    for speaker in speakers:
        speaker.row.hear(everybody)


async def kill(plane: MediaPlane, worker: int) -> None:
    """Kill a worker, and wait until another is in its place."""
    before = pid(plane, worker)
    os.kill(before, signal.SIGKILL)
    await until(lambda: pid(plane, worker) != before)


def heard_since(speakers: Sequence[Speaker], marks: Sequence[int]) -> bool:
    """Each has heard the sum of the other two."""
    return all(
        together(*OTHERS[speaker.name]) in speaker.voices(mark)
        for speaker, mark in zip(speakers, marks, strict=True)
    )


async def test_three_on_two_workers_hear_each_other_before_and_after_a_kill(plane: MediaPlane) -> None:
    one, two, three = (Speaker(plane, name) for name in (1, 2, 3))
    assert {one.row.ref.worker, two.row.ref.worker} == {0, 1}
    confer(one, two, three)
    everybody = (one, two, three)
    async with running(*everybody):
        await until(partial(heard_since, everybody, [0, 0, 0]))
        for worker in (0, 1):
            killed = time.monotonic()
            await kill(plane, worker)
            marks = [len(speaker.heard) for speaker in everybody]
            await until(partial(heard_since, everybody, marks), 2.0)
            assert time.monotonic() - killed < 2.0
    for speaker in everybody:
        assert speaker.voices() <= plausible(*OTHERS[speaker.name])


async def test_a_conference_of_sixty_four_is_told_in_one_turn() -> None:
    large = MediaPlane(settings(workers=1, rows=MOST, span=300))
    async with started(large):
        one, two, three = (Speaker(large, name) for name in (1, 2, 3))
        rows = [large.open(str(n), lambda event: None, beside=one.row.ref) for n in range(MOST - 3)]
        everybody = tuple(row.ref for row in (one.row, two.row, three.row, *rows))
        for row in (one.row, two.row, three.row, *rows):
            row.hear(everybody)
        async with running(one, two, three):
            await until(lambda: together(2, 3) in one.voices() and together(1, 2) in three.voices())


async def test_more_than_can_be_heard_is_refused_in_words(plane: MediaPlane) -> None:
    row = plane.open("row", lambda event: None)
    with pytest.raises(ValueError, match=f"{MOST + 1} rows to be heard by one: at most {MOST} expected"):
        row.hear(tuple(RowRef(0, n, 1) for n in range(MOST + 1)))


def test_commands_are_sent_in_order_few_enough_to_a_message() -> None:
    refs = tuple(RowRef(1, n, 0xFFFFFFFF) for n in range(MOST))
    rng = np.random.default_rng(1)
    many = Hear(refs[0], refs)
    commands = [[Close(refs[0]), many, Open(refs[0], 1, 2, 3)][pick] for pick in rng.integers(0, 3, 500)]
    parts = list(batches(commands))
    assert [command for part in parts for command in part] == commands
    assert max(len(part) for part in parts) <= BATCH
    assert max(sum(command is many for command in part) for part in parts) <= BATCH // 5
    assert list(batches([])) == []

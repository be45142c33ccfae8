"""Prompts as the engine asks for them: over the real plane, and the book-keeping alone."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator

import numpy as np
import pytest

from media.arena import ClipRef
from media.client import MediaPlane
from media.control import Command, Digit, Play, PromptEnded, RowRef, StopPlaying
from media.plays import Plays, order
from tests.media.test_client import Handset, pid, running, settings, started, until

REF = RowRef(0, 3, 77)
SILENT = b"\xff" * 160


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    async with started(MediaPlane(settings(workers=1))) as plane:
        yield plane


def three(plane: MediaPlane) -> list[ClipRef]:
    noise = np.random.default_rng(1).integers(-9000, 9000, (3, 4800)).astype(np.int16)
    return [plane.arena.add(noise[0, :1600]), plane.arena.add(noise[1]), plane.arena.add(noise[2, :800])]


def said(plane: MediaPlane, clips: list[ClipRef]) -> list[bytes]:
    return [plane.arena.frames[clip.at + i].tobytes() for clip in clips for i in range(clip.frames)]


def press(handset: Handset, event: int) -> None:
    """A key goes down and has not come up yet."""
    head = struct.pack("!BBHII", 0x80, 101, handset.said & 0xFFFF, 800, handset.name)
    handset.sock.sendto(head + struct.pack("!BBH", event, 0, 160), handset.row.address)


async def test_a_sequence_is_on_the_wire_frame_by_frame(plane: MediaPlane) -> None:
    clips = three(plane)
    one = Handset(plane, 1)
    async with running(one):
        await until(lambda: one.heard)
        assert await asyncio.wait_for(one.row.play(clips), 3.0) is None
        await until(lambda: one.heard[-1][0][12:] == SILENT)
    heard = [packet[12:] for packet, _, _ in one.heard if packet[12:] != SILENT]
    assert heard == said(plane, clips)


async def test_a_worker_killed_in_the_second_clip_costs_the_outage_and_no_more(plane: MediaPlane) -> None:
    clips = three(plane)
    one = Handset(plane, 1)
    async with running(one):
        await until(lambda: one.heard)
        playing = asyncio.ensure_future(one.row.play(clips))
        await until(lambda: one.heard[-1][0][12:] in said(plane, clips[1:2]))
        os.kill(pid(plane, 0), signal.SIGKILL)
        assert await asyncio.wait_for(playing, 4.0) is None
    heard = [packet[12:] for packet, _, _ in one.heard if packet[12:] != SILENT]
    wanted = said(plane, clips)
    places = [wanted.index(frame) for frame in heard]
    assert places == sorted(set(places))


async def test_a_key_is_the_result_as_it_goes_down_and_is_no_event(plane: MediaPlane) -> None:
    clips = three(plane)
    one = Handset(plane, 1)
    async with running(one):
        await until(lambda: one.heard)
        playing = asyncio.ensure_future(one.row.play(clips, every=5, times=None, interrupt="12#"))
        await until(lambda: one.heard[-1][0][12:] != SILENT)
        press(one, 11)
        assert await asyncio.wait_for(playing, 1.0) == "#"
        await until(lambda: one.heard[-1][0][12:] == SILENT)
        assert await asyncio.wait_for(one.row.play(clips[2]), 1.0) is None
    assert one.events == []


async def test_closing_the_row_ends_what_would_never_end(plane: MediaPlane) -> None:
    one = Handset(plane, 1)
    async with running(one):
        playing = asyncio.ensure_future(one.row.play(three(plane), times=None))
        await until(lambda: one.heard and one.heard[-1][0][12:] != SILENT)
        one.row.close()
        assert await asyncio.wait_for(playing, 1.0) is None
        assert await one.row.play(three(plane)) is None


@pytest.mark.parametrize(
    ("clips", "form", "wrong"),
    [
        (0, {}, "0 clips"),
        (33, {}, "1 to 32"),
        (1, {"every": -1.0}, "every -1 s"),
        (1, {"times": 0}, "0 times"),
        (1, {"interrupt": "1x"}, "keys x"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(clips: int, form: dict[str, object], wrong: str) -> None:
    asked: dict[str, object] = {"every": 0.0, "times": 1, "interrupt": "", **form}
    with pytest.raises(ValueError, match=wrong):
        order(REF, [ClipRef(0, 5)] * clips, **asked)  # type: ignore[arg-type]


def test_seconds_and_keys_become_ticks_and_bits() -> None:
    assert order(REF, [ClipRef(4, 5)], 30.0, None, "0#") == Play(REF, 0, [(4, 5)], 1500, 0, 1 | 1 << 11)


class Ends:
    """Plays without a plane."""

    def __init__(self) -> None:
        self.told: list[Command] = []
        self.spare: list[Digit] = []
        self.plays = Plays(REF, self.told.append, self.spare.append)

    async def begin(self) -> asyncio.Task[str | None]:
        task = asyncio.ensure_future(self.plays.play(order(REF, [ClipRef(0, 5)], 0.0, 1, "1")))
        await asyncio.sleep(0)
        return task


async def test_a_key_that_crosses_with_our_own_stop_is_a_digit() -> None:
    ends = Ends()
    task = await ends.begin()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ends.told[-1] == StopPlaying(REF, 1)
    ends.plays.ended(PromptEnded(REF, 1, "1"))
    assert ends.spare == [Digit(REF, "1", 0)]


async def test_a_key_whose_waiter_is_cancelled_in_the_same_turn_is_a_digit() -> None:
    ends = Ends()
    task = await ends.begin()
    ends.plays.ended(PromptEnded(REF, 1, "1"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends.spare == [Digit(REF, "1", 0)]


async def test_an_end_of_the_play_before_does_not_end_this_one() -> None:
    ends = Ends()
    first = await ends.begin()
    second = await ends.begin()
    assert await first is None
    ends.plays.ended(PromptEnded(REF, 1))
    ends.plays.resumed(2)
    assert not second.done()
    ends.plays.resumed(0)
    assert await second is None

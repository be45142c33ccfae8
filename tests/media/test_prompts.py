"""Clips: decoded once, in a process that may die."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media.arena import Arena, ArenaFull, ClipRef
from media.control import BadClip
from media.g711 import Pcm
from media.prompts import Prompts, Studio


class Shelf:
    """Keeps what was decoded and counts it."""

    def __init__(self) -> None:
        self.kept: list[Pcm] = []

    def keep(self, pcm: Pcm) -> int:
        self.kept.append(pcm)
        return len(self.kept)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def prompts(shelf: Shelf) -> AsyncIterator[Prompts[int]]:
    prompts = Prompts(shelf.keep)
    yield prompts
    await prompts.close()


def write(path: Path, amplitude: float, seconds: float = 0.5) -> Path:
    wave = amplitude * np.sin(np.arange(int(seconds * 16000)) * 0.3)
    soundfile.write(path, wave, 16000, format="WAV")
    return path


async def test_a_content_is_decoded_once(prompts: Prompts[int], shelf: Shelf, tmp_path: Path) -> None:
    first, copy = write(tmp_path / "a.wav", 0.5), tmp_path / "b.wav"
    copy.write_bytes(first.read_bytes())
    clips = await asyncio.gather(*(prompts.load(path) for path in (first, copy, first)))
    assert clips == [1, 1, 1]
    assert await prompts.load(copy) == 1
    assert len(shelf.kept) == 1
    assert len(shelf.kept[0]) == 4000
    write(first, 0.25)
    assert await prompts.load(first) == 2, "a changed file is another clip"


async def test_built_in_music(prompts: Prompts[int], shelf: Shelf) -> None:
    assert await prompts.load(Path("builtin:wait")) == 1
    assert await prompts.load(Path("builtin:wait")) == 1
    assert len(shelf.kept[0]) == round(43.2 * 8000)
    allowed = "builtin:hold, builtin:wait, builtin:transfer"
    with pytest.raises(
        BadClip, match=rf"builtin:jazz: there is no such built-in music; allowed are {allowed}"
    ):
        await prompts.load(Path("builtin:jazz"))


async def test_what_cannot_be_played_is_named(prompts: Prompts[int], tmp_path: Path) -> None:
    bad = tmp_path / "notes.txt"
    bad.write_text("dear diary")
    for path, why in (
        (bad, "not a sound file"),
        (tmp_path / "gone.wav", "cannot be read: No such file"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(BadClip) as caught:
            await prompts.load(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert why in str(caught.value)
    write(bad, 0.5)
    assert await prompts.load(bad) == 1, "a mended file is tried again"


async def test_a_waiter_who_leaves_does_not_stop_the_others(prompts: Prompts[int], tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", 0.5)
    impatient, patient = (asyncio.create_task(prompts.load(path)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 1
    assert impatient.cancelled()


async def test_a_studio_that_dies_is_replaced(tmp_path: Path) -> None:
    studio = Studio()
    path = write(tmp_path / "a.wav", 0.5)
    assert len(await studio.decode(str(path))) == 4000
    assert studio.pid is not None
    os.kill(studio.pid, signal.SIGSTOP)
    asked = asyncio.create_task(studio.decode(str(path)))
    await asyncio.sleep(0)
    os.kill(studio.pid, signal.SIGKILL)
    with pytest.raises(BadClip, match="broke down"):
        await asked
    assert len(await studio.decode(str(path))) == 4000
    await studio.close()
    assert studio.pid is None


async def test_a_studio_that_hangs_is_replaced(tmp_path: Path) -> None:
    studio = Studio(patience=10)
    path = write(tmp_path / "a.wav", 0.5)
    await studio.decode(str(path))
    assert studio.pid is not None
    os.kill(studio.pid, signal.SIGSTOP)
    studio.patience = 0.05
    with pytest.raises(BadClip, match=r"took more than 0\.05 s"):
        await studio.decode(str(path))
    studio.patience = 10
    assert len(await studio.decode(str(path))) == 4000
    await studio.close()


async def test_an_answer_nobody_waits_for_is_not_taken_for_the_next(tmp_path: Path) -> None:
    studio = Studio()
    long, short = write(tmp_path / "long.wav", 0.5, 20.0), write(tmp_path / "short.wav", 0.5)
    await studio.decode(str(short))
    asked = asyncio.create_task(studio.decode(str(long)))
    await asyncio.sleep(0.01)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert len(await studio.decode(str(short))) == 4000
    await studio.close()


async def test_a_full_arena_says_so(tmp_path: Path) -> None:
    arena = Arena.create(capacity=10)
    prompts: Prompts[ClipRef] = Prompts(arena.add)
    with pytest.raises(BadClip, match=r"a\.wav: a clip of 0\.5 s does not fit") as caught:
        await prompts.load(write(tmp_path / "a.wav", 0.5))
    assert isinstance(caught.value.__cause__, ArenaFull)
    clip = await prompts.load(write(tmp_path / "b.wav", 0.5, 0.1))
    assert clip.seconds == 0.1
    await prompts.close()
    os.close(arena.fd)

"""Processes that are killed in mid-call: the voices go on, the recordings stay whole."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from media.g711 import RATE
from tests.kit.daemon import Daemon, RecordingFile, daemon
from tests.kit.deployment import GREETING, MUSIC, Deployment
from tests.kit.program import Silent
from tests.kit.softphones import ended, heard, hears, talk
from tests.kit.tone import read_wav, seconds_of_others, seconds_of_sound
from tools.softphone import Call

CALLER, ANNA = VOICES = 700.0, 1000.0
VOICE_OF = {"customer": CALLER, "agent": ANNA}
AGAIN = 2.0
"""Seconds within which the voices must be back."""
HEARD = 0.3
"""Seconds of a voice that tell that it is there."""
LATE = 0.3
"""Seconds between what we do and what the engine makes of it, when the processors are busy."""
SPLICES = 0.5
"""Seconds that a tone may have of jumps in it: our phones leave out sound when they come late."""


async def until(happened: Callable[[], bool], within: float, what: str) -> None:
    """Wait for something of other processes that only looking at them tells. Raises Silent."""
    for _ in range(round(within / 0.02)):
        if happened():
            return
        await asyncio.sleep(0.02)
    raise Silent(f"{what}: not within {within} s")


async def kill(engine: Daemon, module: str) -> None:
    """SIGKILL its only process of that kind; returns when there is another in its place."""
    (former,) = engine.media_processes(module)

    def replaced() -> bool:
        now = engine.media_processes(module)
        return bool(now) and former not in now

    os.kill(former, signal.SIGKILL)
    await until(replaced, AGAIN, f"another media.{module}")


async def both_hear(caller: Call, agent: Call, within: float) -> None:
    await asyncio.gather(hears(caller, ANNA, within, HEARD), hears(agent, CALLER, within, HEARD))


def kept(engine: Daemon, party: str) -> RecordingFile:
    """The whole recording of one of the two."""
    (found,) = [recording for recording in engine.recordings() if recording.leg == party]
    return found


def assert_kept(engine: Daemon, party: str, talked: float, lost: float) -> None:
    """Caller and agent were recorded for as long as they talked, but for what may be lost of it; no other voice is."""
    recording = kept(engine, party)
    assert recording.path.with_suffix(".json").exists()
    said = read_wav(recording.path)
    length, spoken = len(said) / RATE, seconds_of_sound(said)
    assert spoken > talked - lost - LATE, f"{party} speaks {spoken:.2f} s of {talked:.2f}"
    assert seconds_of_others(said, VOICE_OF[party]) <= SPLICES
    if party == "agent":  # the caller's begins with the wait
        assert length < talked + LATE, f"{length:.2f} s of {talked:.2f}"


@pytest.mark.parametrize(("module", "lost"), [("worker", AGAIN), ("recorder", 0.0)])
async def test_a_killed_media_process_costs_no_call_and_no_recording(
    module: str, lost: float, tmp_path: Path
) -> None:
    async with daemon(tmp_path) as engine:
        async with talk(engine, VOICES) as (caller, agent):
            answered = time.monotonic()
            await both_hear(caller, agent, within=5)
            struck = time.monotonic()
            await kill(engine, module)
            await both_hear(caller, agent, within=AGAIN)
            assert time.monotonic() - struck < AGAIN + HEARD
            await asyncio.sleep(1.0)  # they talk on
            caller.hang_up()
            assert await ended(agent) == "BYE"
            talked = time.monotonic() - answered
            assert (caller.reoffers, agent.reoffers) == (0, 0)
            assert seconds_of_others(heard(caller), GREETING, MUSIC, ANNA) <= SPLICES
            assert seconds_of_others(heard(agent), CALLER) <= SPLICES
        await engine.recorded(2)
        for party in VOICE_OF:
            assert_kept(engine, party, talked, lost)
            length = len(read_wav(kept(engine, party).path)) / RATE
            assert length > talked - LATE, f"the hole is no silence: {length:.2f} s of {talked:.2f}"


@pytest.mark.parametrize("modules", [(), ("worker", "recorder")], ids=["the engine alone", "everything"])
async def test_a_killed_engine_loses_a_second_of_its_recordings(
    modules: tuple[str, ...], tmp_path: Path
) -> None:
    deployment = Deployment()
    async with AsyncExitStack() as longer:
        async with daemon(tmp_path, deployment) as first, talk(first, VOICES) as (caller, agent):
            answered = time.monotonic()
            await both_hear(caller, agent, within=5)
            await asyncio.sleep(2.0)  # they talk
            children = [pid for module in modules for pid in first.media_processes(module)]
            for pid in (first.program.pid, *children):
                os.kill(pid, signal.SIGKILL)
            talked = time.monotonic() - answered
            assert await first.program.ended(within=15) == -signal.SIGKILL
            second = await longer.enter_async_context(daemon(tmp_path, deployment))
            mended = await second.logged("recording_mended", within=15)
            await second.recorded(2)
            assert Path(mended["path"]) in [recording.path for recording in second.recordings()]
            for party in VOICE_OF:
                assert_kept(second, party, talked, lost=1.0)
            assert list((second.folder / "recordings" / "unfinished").iterdir()) == []

"""The life of `cordboard run`: start, addresses that are taken, drain, stop, and its exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.kit.daemon import Daemon, cordboard, daemon
from tests.kit.deployment import ENGINE, Deployment
from tests.kit.softphones import dial, ended, hears, talk
from tools.softphone import CallFailed

CALLER, ANNA = VOICES = (700.0, 1000.0)
START_WITHIN = 5.0
"""Seconds; the product promises 3 on a machine that does nothing else."""


async def stopped_with(engine: Daemon, within: float = 10.0) -> int:
    code = await engine.program.ended(within)
    assert (await engine.logged("stopped"))["left_behind"] == 0
    return code


async def seconds_to_start(folder: Path) -> float:
    started = time.monotonic()
    async with daemon(folder):
        return time.monotonic() - started


async def test_it_is_ready_soon(tmp_path: Path) -> None:
    """At one of three attempts at least: others may be using the processors meanwhile."""
    took: list[float] = []
    while len(took) < 3 and min(took, default=START_WITHIN) >= START_WITHIN:
        took.append(await seconds_to_start(tmp_path))
    assert min(took) < START_WITHIN


async def test_it_says_once_what_does_nothing_yet(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine:
        at = f"{ENGINE}:{engine.deployment.sip}"
        assert engine.ready["sip"] == [f"udp://{at}", f"tcp://{at}"]
        assert engine.ready["web"] == f"http://{ENGINE}:{engine.deployment.web}"
        (said,) = [line for line in engine.log() if line["event"] == "not_built_yet"]
        assert "trunks.carrier.options_interval" in said["keys"]
        assert len(set(said["keys"])) == len(said["keys"])


@pytest.mark.parametrize("taken", ["udp", "tcp", "web"])
async def test_an_address_that_is_taken_is_named(taken: str, tmp_path: Path) -> None:
    deployment = Deployment()
    path = deployment.write(tmp_path)
    port = deployment.web if taken == "web" else deployment.sip
    kind = socket.SOCK_DGRAM if taken == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind((ENGINE, port))
        if taken != "udp":
            holder.listen()
        async with cordboard("run", "-c", path.name, cwd=tmp_path) as program:
            assert await program.ended(within=15) == 3, program.silent("has another exit code")
            (why,) = [line for line in program.lines if '"cannot_start"' in line]
            assert f"{ENGINE}:{port}" in why
            assert ("web.listen" if taken == "web" else f"sip.listen: cannot listen on {taken}:") in why


async def test_sigterm_lets_the_call_finish_and_takes_no_other(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine, talk(engine, VOICES) as (caller, agent):
        engine.program.terminate()
        await engine.logged("draining")
        with pytest.raises(CallFailed) as refused:
            await dial(caller.phone, engine).up()
        assert refused.value.code == 503
        await asyncio.gather(hears(caller, ANNA, within=5), hears(agent, CALLER, within=5))
        caller.hang_up()
        assert await ended(agent) == "BYE"
        assert await stopped_with(engine) == 0


async def test_a_second_sigterm_ends_the_call_at_once(tmp_path: Path) -> None:
    async with daemon(tmp_path) as engine, talk(engine, VOICES) as (caller, agent):
        engine.program.terminate()
        await engine.logged("draining")
        assert not caller.is_over
        engine.program.terminate()
        assert await ended(caller, within=2) == "BYE"
        assert await ended(agent, within=2) == "BYE"
        assert await stopped_with(engine) == 4


async def test_the_drain_limit_ends_the_call(tmp_path: Path) -> None:
    async with daemon(tmp_path, None, "--drain", "1") as engine, talk(engine, VOICES) as (caller, agent):
        engine.program.terminate()
        await engine.logged("draining")
        asked = time.monotonic()
        assert await ended(caller) == "BYE"
        assert time.monotonic() - asked == pytest.approx(1, abs=0.5)
        assert await ended(agent) == "BYE"
        assert await stopped_with(engine) == 4


async def test_ctrl_c_drains_with_the_voices_going_on(tmp_path: Path) -> None:
    """A terminal sends SIGINT to the whole process group: the media processes must not go before the engine."""
    async with daemon(tmp_path, own_group=True) as engine, talk(engine, VOICES) as (caller, agent):
        processes = [engine.media_processes(module) for module in ("worker", "recorder")]
        os.killpg(engine.program.pid, signal.SIGINT)
        await engine.logged("draining")
        await asyncio.gather(hears(caller, ANNA, within=5), hears(agent, CALLER, within=5))
        assert [engine.media_processes(module) for module in ("worker", "recorder")] == processes
        caller.hang_up()
        assert await ended(agent) == "BYE"
        assert await stopped_with(engine) == 0
        assert len(engine.recordings()) == 2

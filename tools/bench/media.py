"""The media plane under load beside the least that C needs for the same: `python -m tools.bench media`."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from media.client import MediaPlane, PlaneRow, PlaneSettings
from media.control import Stream, WorkerReport

HERE: Final = Path(__file__).parent
ADDRESS: Final = "127.0.0.1"
PEERS: Final = 20
"""Sockets of the load generator."""
OWN_PORT: Final = 9000
LIMIT_PORT: Final = 10_000
RTP_PORTS: Final = (12_000, 31_999)
WARM: Final = 4.0
"""Seconds before measuring: streams begin, depths settle."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to measure."""

    legs: int
    seconds: float
    workers: int = 1
    jitter: int = 0
    """Milliseconds by which the generator's packets come late at most, evenly spread."""
    record: bool = True
    parties: int = 0
    """0: four legs in five bridged in pairs, the rest hear music; else conferences of so many."""


def run(load: Load) -> dict[str, Any]:
    """The plane between two runs of the C loop, so that a machine whose mood changes shows in the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in ("limit", "rtpgen"):
            subprocess.run(["cc", "-O2", "-o", work / name, HERE / f"{name}.c"], check=True)
        before = _limit(work, load)
        plane = asyncio.run(_plane(work, load))
        after = _limit(work, load)
    limit = (before + after) / 2
    figures = {"legs": load.legs, "seconds": load.seconds, "workers": load.workers, **plane}
    figures["limit_us_per_leg_tick"] = round(limit, 3)
    figures["ratio"] = round(plane["us_per_leg_tick"] / limit, 3)
    return figures


def conferences(load: Load) -> dict[str, Any]:
    """Conferences of `load.parties` between two runs of as many legs in pairs, so that the ratio can be trusted."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run(["cc", "-O2", "-o", work / "rtpgen", HERE / "rtpgen.c"], check=True)
        pairs = replace(load, parties=2)
        before = asyncio.run(_plane(work, pairs))
        mixed = asyncio.run(_plane(work, load))
        after = asyncio.run(_plane(work, pairs))
    bridge = (before["us_per_leg_tick"] + after["us_per_leg_tick"]) / 2
    return {
        "legs": load.legs,
        "parties": load.parties,
        "seconds": load.seconds,
        "workers": load.workers,
        **mixed,
        "bridge_us_per_leg_tick": round(bridge, 3),
        "mix_us_per_leg_tick": round(mixed["us_per_leg_tick"] - bridge, 3),
        "ratio": round(mixed["us_per_leg_tick"] / bridge, 3),
        "bridge_delay_ms_p50": before["delay_ms_p50"],
        "bridge_delay_ms_p99": before["delay_ms_p99"],
    }


# ------------------------------------------------------------------------------------------ the C loop


def _limit(work: Path, load: Load) -> float:
    """CPU microseconds per leg and tick of limit.c."""
    command = [str(work / "limit"), str(load.legs), str(LIMIT_PORT), str(OWN_PORT), str(PEERS)]
    loop = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=lambda: _favour(-1))
    try:
        assert loop.stdout is not None
        loop.stdout.readline()
        ports = range(LIMIT_PORT, LIMIT_PORT + load.legs)
        with _generator(work, load, ports):
            time.sleep(WARM)
            before, began = cpu(loop.pid), time.monotonic()
            time.sleep(load.seconds - 0.5)
            used = (cpu(loop.pid) - before) / (time.monotonic() - began)
    finally:
        loop.send_signal(signal.SIGTERM)
        loop.communicate()
    return used * 1e6 / load.legs / 50


# ------------------------------------------------------------------------------------------ the plane


async def _plane(work: Path, load: Load) -> dict[str, Any]:
    recorder = load.record and importlib.util.find_spec("media.recorder") is not None
    settings = PlaneSettings(
        ADDRESS, *RTP_PORTS, workers=load.workers, rows_per_worker=load.legs, recorder=recorder
    )
    reports: list[WorkerReport] = []
    plane = MediaPlane(
        settings, on_report=lambda r: reports.append(r) if isinstance(r, WorkerReport) else None
    )
    await plane.start()
    try:
        rows = _occupy(plane, load)
        if recorder:
            for number, row in enumerate(rows):
                row.record(work / f"{number:05}.wav")
        workers = [host.child.pid for host in plane.hosts if host.child is not None]
        for core, pid in enumerate(workers):
            _pin(pid, -1 - core)
        with _generator(work, load, [row.address[1] for row in rows]) as generator:
            await asyncio.sleep(WARM)
            reports.clear()
            pids = [*workers, *([plane.tapes.pid] if plane.tapes.pid else []), os.getpid()]
            before, began = [cpu(pid) for pid in pids], time.monotonic()
            await asyncio.sleep(load.seconds - 0.5)
            spent = time.monotonic() - began
            used = [(cpu(pid) - was) / spent for pid, was in zip(pids, before, strict=True)]
            told = reports.copy()
            heard = json.loads((await asyncio.to_thread(generator.communicate))[0])
    finally:
        await plane.stop()
    return _figures(load, heard, told, used, recorder)


def _occupy(plane: MediaPlane, load: Load) -> list[PlaneRow]:
    """Four legs in five bridged in pairs, the rest hear music; with several workers every pair crosses."""
    rows = [plane.open(f"leg {number}", lambda event: None) for number in range(load.legs)]
    bridged = int(load.legs * 0.8) & ~1
    music = plane.arena.add((np.arange(8000) * 37 % 2000 - 1000).astype(np.int16))
    for number, row in enumerate(rows):
        port = OWN_PORT + number % PEERS
        row.aim(Stream(host=ADDRESS, port=port, codec="PCMU", payload=0, events=101))
        if load.parties:
            first = number - number % load.parties
            row.hear(tuple(other.ref for other in rows[first : first + load.parties]))
        else:
            row.hear(rows[number ^ 1].ref if number < bridged else music)
    return rows


def _figures(
    load: Load, heard: dict[str, Any], reports: list[WorkerReport], used: list[float], recorder: bool
) -> dict[str, Any]:
    work = sum(used[: load.workers])
    return {
        "us_per_leg_tick": round(work * 1e6 / load.legs / 50, 3),
        "loss": heard["loss"],
        "heard_loss": heard["heard_loss"],
        "wrong_leg": heard["wrong_leg"],
        "send_deviation_ms_p99": heard["deviation_ms_p99"],
        "delay_ms_p50": heard["delay_ms_p50"],
        "delay_ms_p99": heard["delay_ms_p99"],
        "recorder_cpu": round(used[load.workers], 4) if recorder else None,
        "engine_cpu": round(used[-1], 4),
        "worker_cpu": round(work, 4),
        "silent": heard["silent"],
        "concealed": heard["concealed"],
        "twice": heard["twice"],
        "dead": heard["dead"],
        "lateness_ms_p99": max((report.lateness_p99 for report in reports), default=None),
        "missing": sum(report.missing for report in reports),
        "late": sum(report.late for report in reports),
        "deeper": sum(report.deeper for report in reports),
        "shallower": sum(report.shallower for report in reports),
        "skipped": sum(report.skipped for report in reports),
        "generator_late_ms_p99": heard["late_ms_p99"],
        "generator_late_ms_max": heard["late_ms_max"],
    }


# ------------------------------------------------------------------------------------------ the machine


@contextlib.contextmanager
def _generator(work: Path, load: Load, ports: Sequence[int]) -> Iterator[subprocess.Popen[str]]:
    """The load generator; ended with the block."""
    command = [
        str(work / "rtpgen"),
        str(load.legs),
        str(WARM),
        str(load.seconds),
        str(OWN_PORT),
        str(load.jitter),
        str(load.parties),
    ]
    generator = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: _favour(0)
    )
    assert generator.stdin is not None
    generator.stdin.write("\n".join(map(str, ports)) + "\n")
    generator.stdin.flush()
    try:
        yield generator
    finally:
        generator.communicate() if generator.poll() is None else None


def _favour(core: int) -> None:
    """Between fork and exec: the real-time class, as the worker has it, and a core of one's own, where
    permitted."""
    _pin(0, core)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))


def _pin(pid: int, core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(pid, {cores[core % len(cores)]})


def cpu(pid: int) -> float:
    """Seconds of CPU a process has used, all threads."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

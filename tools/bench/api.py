"""What the API costs callers, and calls the API: so many requests a second while so many calls are bridged."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp

from tools.load.build import built
from tools.load.report import read
from tools.load.stand import DOMAIN, NUMBER, PASSWORD, engine, sections

SIP, RTP = 15360, 18000
TOKEN = "bench-token"
CALLS_PER_SECOND = 20
BRIDGED_WITHIN = 30.0
SETTLE = 3.0
"""Seconds between the last call's bridge and the first window, and between the two windows."""
TICKS, LOOP = "cordboard_media_tick_lateness_seconds", "cordboard_loop_lateness_seconds"


class NotBridged(Exception):
    """The calls did not come up."""


@dataclass
class Window:
    """What was seen in a stretch of time."""

    waits: list[float] = field(default_factory=list)
    """Milliseconds from when a request was due to its whole answer."""
    refused: int = 0
    busy: float = 0.0
    """Share of one core that the engine's own process took; media have processes of their own."""
    late: dict[str, Mapping[float, float]] = field(default_factory=dict)
    """By histogram: counts by step in seconds."""


def run(calls: int, rate: float, seconds: float) -> dict[str, Any]:
    """Bridge the calls; watch them for so many seconds without requests, and for as many with them."""
    program = built()
    with tempfile.TemporaryDirectory(prefix="cordboard-api-") as folder:
        where = Path(folder)
        deployment = sections(calls, SIP, RTP, 1, recorded=True)
        deployment["web"] |= {
            "tokens": [{"name": "bench", "role": "admin", "token": TOKEN}],
            "requests_per_second": 10_000,
        }
        (where / "deployment.yaml").write_text(json.dumps(deployment))
        with engine(where) as pid:
            lasts = calls / CALLS_PER_SECOND + BRIDGED_WITHIN / 2 + 2 * (seconds + SETTLE)
            load = subprocess.Popen([program, *_words(calls, lasts)], stdout=subprocess.PIPE)
            try:
                quiet, asked = asyncio.run(_watch(_address(where), pid, calls, rate, seconds))
                report = read(load.communicate()[0])
            finally:
                load.kill()
                load.wait()
    return _figures(calls, rate, seconds, quiet, asked) | {"calls_with_faults": len(report.faults)}


def _words(calls: int, lasts: float) -> list[str]:
    who = [f"--agent-count={calls}", f"--agent-password={PASSWORD}", f"--domain={DOMAIN}"]
    what = [f"--calls={calls}", f"--cps={CALLS_PER_SECOND}", f"--seconds={lasts:.0f}"]
    return [f"--peer=127.0.0.1:{SIP}", f"--to={NUMBER}", *who, *what]


def _address(folder: Path) -> str:
    lines = (folder / "engine.log").read_text().splitlines()
    ready = next(line for line in lines if '"event":"ready"' in line)
    return str(json.loads(ready)["web"])


async def _watch(url: str, pid: int, calls: int, rate: float, seconds: float) -> tuple[Window, Window]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(url, headers=headers) as http:
        await _bridged(http, calls)
        windows = []
        for busy in (False, True):
            await asyncio.sleep(SETTLE)
            before, window = await _histograms(http), Window()
            began, cpu = time.perf_counter(), _cpu(pid)
            await (_ask(http, rate, seconds, window) if busy else asyncio.sleep(seconds))
            window.busy = (_cpu(pid) - cpu) / (time.perf_counter() - began)
            after = await _histograms(http)
            window.late = {
                name: {step: count - before[name][step] for step, count in after[name].items()}
                for name in after
            }
            windows.append(window)
        return windows[0], windows[1]


def _cpu(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _bridged(http: aiohttp.ClientSession, calls: int) -> None:
    try:
        async with asyncio.timeout(calls / CALLS_PER_SECOND + BRIDGED_WITHIN):
            while (await _json(http, "/api/v1/status"))["live"].get("talking", 0) < calls:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise NotBridged(f"{calls} calls were not bridged within {BRIDGED_WITHIN:.0f} s") from None


async def _ask(http: aiohttp.ClientSession, rate: float, seconds: float, window: Window) -> None:
    """Requests come when they are due, however long those before them take."""
    one = (await _json(http, "/api/v1/conversations"))["items"][0]["id"]
    paths = cycle(
        f"/api/v1/{path}"
        for path in ("status", "queues", "agents", "conversations?live=true", f"conversations/{one}")
    )
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_one(http, next(paths), due, window))


async def _one(http: aiohttp.ClientSession, path: str, due: float, window: Window) -> None:
    async with http.get(path) as answer:
        await answer.read()
        window.waits.append((time.perf_counter() - due) * 1e3)
        window.refused += answer.status != 200


async def _json(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as answer:
        return await answer.json()


async def _histograms(http: aiohttp.ClientSession) -> dict[str, dict[float, float]]:
    """Cumulated counts by step, of all workers together."""
    async with http.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    found: dict[str, dict[float, float]] = {TICKS: {}, LOOP: {}}
    for line in lines:
        name, _, labels = line.partition("_bucket{")
        if name in found:
            step = float(labels.partition('le="')[2].partition('"')[0])
            found[name][step] = found[name].get(step, 0.0) + float(line.rpartition(" ")[2])
    return found


def _figures(calls: int, rate: float, seconds: float, quiet: Window, asked: Window) -> dict[str, Any]:
    waits = sorted(asked.waits)
    figures: dict[str, Any] = {
        "calls": calls,
        "requests_per_second": rate,
        "seconds": seconds,
        "requests": len(waits),
        "requests_refused": asked.refused,
        "api_ms_p50": round(waits[len(waits) // 2], 2),
        "api_ms_p99": round(waits[len(waits) * 99 // 100], 2),
        "api_ms_max": round(waits[-1], 2),
        "engine_cpu_pct_quiet": round(100 * quiet.busy, 1),
        "engine_cpu_pct_asked": round(100 * asked.busy, 1),
    }
    for name, histogram in (("tick", TICKS), ("loop", LOOP)):
        for when, window in (("quiet", quiet), ("asked", asked)):
            figures |= {f"{name}_late_ms_p99_{when}_at_most": at_most(window.late[histogram], 0.99)}
            figures |= {f"{name}_late_ms_p999_{when}_at_most": at_most(window.late[histogram], 0.999)}
    return figures


def at_most(steps: Mapping[float, float], share: float) -> float | None:
    """Milliseconds of the first step below which that share of a histogram lies; None when it is beyond the last."""
    whole = max(steps.values())
    step = min(step for step, count in steps.items() if count >= share * whole)
    return 1e3 * step if math.isfinite(step) else None

"""What a call costs in signalling, and how many a second are held: the running engine, with SIPp as trunk and phones.

No RTP is sent to the engine. A UAS call is answered, hears music and is cleared by the caller; a B2BUA call is
answered, presented to an agent whose phone answers, bridged, and cleared by the caller.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.load.stand import DOMAIN, NUMBER, PASSWORD, CannotStand, engine, processes, sections

SCENARIOS = Path(__file__).parent / "scenarios"
TRUNK, PHONES = "127.0.0.2", "127.0.0.3"
SIP, RTP, PHONE, OTHER = 15360, 16000, 15362, 15364
"""Ports: the engine's, the first of its RTP, that of the agents' phones, that of SIPp's other runs."""
MUSIC_ONLY = "+442071230002"
"""The number of a queue that nobody works in."""
HOLD = 0.5
"""Seconds from a call's answer to its BYE."""
FAILED_AT_MOST = 0.001
RATES = (100, 200, 300, 400, 500, 600, 800, 1000)
"""Calls per second that are tried, one after the other, until one is not held."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run at one rate."""

    rate: int
    calls: int
    failed: int
    """Calls that SIPp saw fail, and B2BUA calls that were not bridged."""
    engine_ms: float
    """CPU of the engine process per call, user and system."""
    worker_ms: float
    """CPU of the media process per call; it plays music to every caller."""
    answer_p99_ms: float
    """INVITE to 200."""

    @property
    def held(self) -> bool:
        return self.failed < FAILED_AT_MOST * self.calls


def run(kinds: Sequence[str], rate: int, seconds: int, climb: bool) -> dict[str, Any]:
    """Figures of each kind of call, `uas` or `b2bua`, at a rate; then, climbing, the highest rate that is held."""
    figures: dict[str, Any] = {"rate": rate, "seconds": seconds}
    failed = 0
    for kind in kinds:
        step = measure(kind, rate, seconds)
        failed += step.failed
        figures[f"{kind}_ms_per_call"] = step.engine_ms
        figures[f"{kind}_media_ms_per_call"] = step.worker_ms
        figures[f"{kind}_answer_p99_ms"] = step.answer_p99_ms
        if climb:
            figures[f"{kind}_cps_held"] = highest(kind, seconds)
    return {**figures, "failed": failed}


def highest(kind: str, seconds: int) -> int:
    """The last rate that was held before one that was not; 0 when none was."""
    held = 0
    for rate in RATES:
        if not measure(kind, rate, seconds).held:
            return held
        held = rate
    return held


def measure(kind: str, rate: int, seconds: int) -> Step:
    """One engine, one run. Raises CannotStand."""
    agents = rate if kind == "b2bua" else 1
    with tempfile.TemporaryDirectory(prefix="cordboard-sip-") as place:
        folder = Path(place)
        (folder / "deployment.yaml").write_text(json.dumps(_deployment(agents)))
        with engine(folder) as pid:
            _register(folder, agents)
            with _phones(folder):
                before = _cpu(pid)
                calls, failed, p99 = _call(folder, kind, rate, seconds)
                after = _cpu(pid)
        log = (folder / "engine.log").read_text()
    if kind == "b2bua":
        failed = max(failed, calls - _answered(log))
    engine_ms, worker_ms = (
        round(1000 * (then - now) / calls, 3) for now, then in zip(before, after, strict=True)
    )
    return Step(rate, calls, failed, engine_ms, worker_ms, p99)


def _deployment(agents: int) -> dict[str, Any]:
    deployment = sections(agents, SIP, RTP, 1, recorded=False)
    number = {**deployment["numbers"][NUMBER], "name": "Music"}
    deployment["sip"]["digest"] = ["MD5"]  # SIPp knows no other
    deployment["media"]["rtp_ports"] = f"{RTP}-{RTP + 15_999}"
    deployment["numbers"][MUSIC_ONLY] = number
    deployment["queues"]["music"] = {"waiting": "short"}
    deployment["workstreams"]["music"] = {
        "direction": "inbound",
        "numbers": [MUSIC_ONLY],
        "routes": [{"queue": "music"}],
    }
    return deployment


def _register(folder: Path, agents: int) -> None:
    answers = (f"load{i};[authentication username=load{i} password={PASSWORD}]" for i in range(agents))
    (folder / "agents.csv").write_text("\n".join(["SEQUENTIAL", *answers, ""]))
    words = [
        f"127.0.0.1:{SIP}",
        "-i",
        PHONES,
        "-p",
        str(OTHER),
        "-inf",
        "agents.csv",
        "-m",
        str(agents),
        "-r",
        "200",
    ]
    words += ["-key", "domain", DOMAIN, "-key", "phone", f"{PHONES}:{PHONE}", "-auth_uri", DOMAIN]
    if _sipp(folder, "register", words).wait(60) != 0:
        raise CannotStand("the agents could not register")


@contextmanager
def _phones(folder: Path) -> Iterator[None]:
    phones = _sipp(folder, "phone", ["-i", PHONES, "-p", str(PHONE)])
    try:
        yield
    finally:
        phones.kill()
        phones.wait()


def _call(folder: Path, kind: str, rate: int, seconds: int) -> tuple[int, int, float]:
    """Calls, those of them that failed, and the p99 of milliseconds to their answer."""
    calls = rate * seconds
    words = [
        f"127.0.0.1:{SIP}",
        "-i",
        TRUNK,
        "-p",
        str(OTHER),
        "-s",
        NUMBER if kind == "b2bua" else MUSIC_ONLY,
    ]
    words += ["-r", str(rate), "-m", str(calls), "-d", str(round(1000 * HOLD)), "-l", str(4 * rate)]
    words += ["-trace_stat", "-stf", "calls.csv", "-trace_rtt", "-rtt_freq", "1"]
    caller = _sipp(folder, "caller", words)
    caller.wait(seconds * 4 + 60)
    with (folder / "calls.csv").open() as lines:
        last = list(csv.DictReader(lines, delimiter=";"))[-1]
    (times,) = folder.glob("caller_*_rtt.csv")
    waits = sorted(float(line.split(";")[1]) for line in times.read_text().splitlines()[1:])
    p99 = waits[int(len(waits) * 0.99)] if waits else float("nan")
    return calls, calls - int(last["SuccessfulCall(C)"]), round(p99, 1)


def _sipp(folder: Path, scenario: str, words: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [
        "sipp",
        *words,
        "-sf",
        str(SCENARIOS / f"{scenario}.xml"),
        "-nostdin",
        "-t",
        "u1",
        "-buff_size",
        "4000000",
    ]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _cpu(pid: int) -> tuple[float, float]:
    """Seconds of CPU of the engine and of its media process so far; the last calls' clearing included."""
    time.sleep(1.0)
    found = processes(pid)
    return _seconds(found["engine"]), _seconds(found["worker-1"])


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _answered(log: str) -> int:
    lines = (json.loads(line) for line in log.splitlines() if '"event":"stopped"' in line)
    return max((int(line["answered"]) for line in lines), default=0)

"""`python -m tools.load.stand`: start a contact centre of so many agents, and load it with as many calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tools.load.build import CannotBuild, built
from tools.load.report import Report, read, show

SOURCE = Path(__file__).parent.parent.parent
NUMBER, DOMAIN, PASSWORD = "+442071230001", "acme.test", "load-secret"
READY_WITHIN, STOP_WITHIN = 15.0, 40.0
"""Seconds."""
ANSWER_AFTER = 300
"""Milliseconds that a phone rings: the caller speaks by then, so that what is measured is the bridge alone."""


class CannotStand(Exception):
    """The engine did not start or stop as it should; the text holds the end of its log."""


def sections(agents: int, sip: int, rtp: int, workers: int, recorded: bool) -> dict[str, Any]:
    """A deployment whose agents are load0, load1 ... and share a password."""
    number = {"use": "shared", "kind": "geographic", "trunk": "load", "inbound": True, "outbound": False}
    people = {
        f"load{i}": {"name": f"Load {i}", "password": PASSWORD, "queues": ["load"]} for i in range(agents)
    }
    limits = {"max_channels": 10_000, "calls_per_second": 1_000, "options_interval": 0}
    return {
        "organisation": {"name": "Load"},
        "sip": {"listen": [f"udp://127.0.0.1:{sip}"], "domain": DOMAIN},
        "trunks": {"load": {"target": "127.0.0.2:5080", "accept_from": ["127.0.0.2/32"], **limits}},
        "numbers": {NUMBER: {**number, "name": "Load"}},
        "media": {"rtp_ports": f"{rtp}-{rtp + 8 * agents + 400}", "workers": workers},
        "agents": people,
        "calls": {"wrap_up": {"enabled": False}},
        "workstreams": {"load": {"direction": "inbound", "numbers": [NUMBER], "routes": [{"queue": "load"}]}},
        "queues": {"load": {"waiting": "short"}},
        "waiting_strategies": {"short": {"music": "builtin:wait"}},
        "recordings": {"enabled": recorded, "folder": "recordings"},
        "web": {"listen": "127.0.0.1:0"},
        "store": {"url": "sqlite:///load.db"},
        "logging": {"level": "info", "format": "json"},
    }


@contextmanager
def engine(folder: Path) -> Iterator[int]:
    """Run deployment.yaml of a folder; the process id, once it is ready. Raises CannotStand."""
    log = folder / "engine.log"
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    words = [sys.executable, "-m", "engine.cli", "run", "-c", "deployment.yaml"]
    with log.open("wb") as lines:
        process = subprocess.Popen(
            words, cwd=folder, stdout=lines, stderr=lines, env={**os.environ, "PYTHONPATH": path}
        )
    try:
        _await_ready(process, log)
        yield process.pid
        process.send_signal(signal.SIGTERM)
        if process.wait(STOP_WITHIN) != 0:
            raise CannotStand(f"the engine ended with {process.returncode}:\n{_end_of(log)}")
    except subprocess.TimeoutExpired:
        raise CannotStand(f"the engine did not stop within {STOP_WITHIN} s:\n{_end_of(log)}") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _await_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while '"event":"ready"' not in log.read_text():
        if process.poll() is not None:
            raise CannotStand(f"the engine ended with {process.returncode}:\n{_end_of(log)}")
        if time.monotonic() > until:
            raise CannotStand(f"the engine is not ready within {READY_WITHIN} s:\n{_end_of(log)}")
        time.sleep(0.05)


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def processes(engine_pid: int) -> dict[str, int]:
    """The engine and its media processes by name: engine, worker-1 ..., recorder."""
    found = {"engine": engine_pid}
    for line in Path(f"/proc/{engine_pid}/task/{engine_pid}/children").read_text().split():
        words = Path(f"/proc/{line}/cmdline").read_bytes().decode().split("\0")
        module = words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name
        name = module.rpartition(".")[2]
        same = sum(other.partition("-")[0] == name for other in found)
        found[f"{name}-{same + 1}" if same or name == "worker" else name] = int(line)
    return found


def measure(
    calls: int, cps: float, seconds: int, workers: int, recorded: bool, sip: int, rtp: int, folder: Path
) -> tuple[bytes, Report]:
    """One run in a folder; the generator's JSON and the same, read. Raises CannotBuild and CannotStand."""
    program = built()
    deployment = sections(calls, sip, rtp, workers, recorded)
    (folder / "deployment.yaml").write_text(json.dumps(deployment, indent=1))
    with engine(folder) as pid:
        words = [f"--peer=127.0.0.1:{sip}", f"--to={NUMBER}", f"--domain={DOMAIN}", f"--calls={calls}"]
        words += [
            f"--agent-count={calls}",
            f"--answer-after={ANSWER_AFTER}",
            f"--agent-password={PASSWORD}",
            f"--cps={cps}",
            f"--seconds={seconds}",
        ]
        words += [f"--pid={name}={number}" for name, number in processes(pid).items()]
        outcome = subprocess.run([program, *words], stdout=subprocess.PIPE, check=False)
    if outcome.returncode != 0:
        raise CannotStand(f"the generator ended with {outcome.returncode}")
    return outcome.stdout, read(outcome.stdout)


def main(
    calls: Annotated[int, typer.Option(min=1, help="Calls at once, and agents.")] = 50,
    cps: Annotated[float, typer.Option(min=0.1, help="Calls placed, and ended, per second.")] = 20,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds measured with all calls up.")] = 20,
    workers: Annotated[int, typer.Option(min=1, help="Media processes.")] = 1,
    record: Annotated[bool, typer.Option(help="Record every leg.")] = True,
    sip: Annotated[int, typer.Option(help="The engine's SIP port.")] = 15060,
    rtp: Annotated[int, typer.Option(help="The engine's first RTP port.")] = 16000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Measure Cordboard on this machine. Exit 0 if every call was bridged, heard right, and ended."""
    try:
        with tempfile.TemporaryDirectory(prefix="cordboard-load-") as folder:
            text, report = measure(calls, cps, seconds, workers, record, sip, rtp, Path(folder))
    except (CannotBuild, CannotStand) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    if as_json:
        sys.stdout.write(text.decode())
    else:
        show(report, Console())
    raise typer.Exit(1 if report.faults else 0)


if __name__ == "__main__":
    typer.run(main)

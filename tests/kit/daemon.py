"""The engine as its users run it: a process, a YAML file, a working folder, and its log lines."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.deployment import ENGINE, Deployment
from tests.kit.peers import Address
from tests.kit.program import Program, Silent, running

READY_WITHIN = 15.0
"""Seconds; the product promises 3, which a test of its own measures on a quiet machine."""
SOURCE = Path(__file__).parent.parent.parent


@dataclass
class RecordingFile:
    """One finished recording, named as feature H2 says."""

    path: Path
    conversation: str
    agent: str
    customer: str
    started: str
    """UTC, YYYYMMDDHHMMSS."""
    segment: str
    leg: str


@dataclass
class Daemon:
    """A running engine that has said that it is ready."""

    program: Program
    folder: Path
    deployment: Deployment
    ready: dict[str, Any]
    """The line that said so."""

    @property
    def sip(self) -> Address:
        return ENGINE, self.deployment.sip

    def log(self) -> list[dict[str, Any]]:
        """Its structured lines so far, oldest first."""
        return [line for line in map(structured, self.program.lines) if line is not None]

    async def logged(self, event: str, within: float = 10.0) -> dict[str, Any]:
        """The first line with this event, said or still to come. Raises Silent."""
        line = await self.program.line(lambda text: (structured(text) or {}).get("event") == event, within)
        found = structured(line)
        assert found is not None
        return found

    def media_processes(self, module: str) -> list[int]:
        """Process ids of its children that run media.MODULE, such as worker or recorder."""
        listed = Path(f"/proc/{self.program.pid}/task/{self.program.pid}/children").read_text().split()
        runs = f"\0media.{module}\0".encode()
        return [int(pid) for pid in listed if runs in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def recordings(self) -> list[RecordingFile]:
        """All recordings that are whole: only then do they appear in the folder itself."""
        return [named(path) for path in sorted((self.folder / "recordings").glob("*.wav"))]

    async def recorded(self, count: int, within: float = 10.0) -> list[RecordingFile]:
        """Wait until that many recordings are whole."""
        for _ in range(round(within / 0.05)):
            if len(found := self.recordings()) >= count:
                return found
            await asyncio.sleep(
                0.05
            )  # another process finishes them; their appearance is all there is to see
        there = sorted(str(path) for path in (self.folder / "recordings").rglob("*"))
        raise Silent(f"no {count} whole recordings within {within} s, but {there}")

    async def stop(self, within: float = 20.0) -> int:
        """SIGTERM, and its exit code."""
        self.program.terminate()
        return await self.program.ended(within)


def structured(line: str) -> dict[str, Any] | None:
    """A log line as JSON; None for anything else a program prints."""
    if not line.startswith("{"):
        return None
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return found


def named(path: Path) -> RecordingFile:
    """Take a recording's name apart; fails the test when it has not the six parts of H2."""
    parts = path.stem.split("_")
    assert len(parts) == 6, f"{path.name} is not CONVERSATION_AGENT_CUSTOMER_START_SEGMENT_LEG"
    return RecordingFile(path, *parts)


@asynccontextmanager
async def cordboard(
    *words: str | Path, cwd: Path, environment: Mapping[str, str] | None = None, own_group: bool = False
) -> AsyncIterator[Program]:
    """Run a command of the product in a folder; with `own_group`, as a shell would, in a process group."""
    python = (sys.executable, "-m", "engine.cli")
    variables = {"PYTHONPATH": str(SOURCE), **(environment or {})}
    async with running(*python, *words, cwd=cwd, environment=variables, own_group=own_group) as program:
        yield program


@asynccontextmanager
async def daemon(
    folder: Path, deployment: Deployment | None = None, *options: str, own_group: bool = False
) -> AsyncIterator[Daemon]:
    """Run the engine until the block is left; then SIGTERM must drain it to exit code 0.

    A second one in the same folder finds what the first left. `options` are those of the command line.
    """
    deployment = deployment or Deployment()
    own = folder / "engine"
    own.mkdir(parents=True, exist_ok=True)
    path = deployment.write(own)
    async with cordboard("run", "-c", path.name, *options, cwd=own, own_group=own_group) as program:
        line = await program.line(lambda text: (structured(text) or {}).get("event") == "ready", READY_WITHIN)
        running_engine = Daemon(program, own, deployment, structured(line) or {})
        yield running_engine
        if program.exit_code is None:
            code = await running_engine.stop()
            assert code == 0, program.silent(f"ended with {code} after SIGTERM, not 0")
            left = (await running_engine.logged("stopped"))["left_behind"]
            assert left == 0, program.silent(f"{left} things were left behind")

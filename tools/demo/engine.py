"""The engine as the demo runs it: a process of its own, heard through its log lines."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_WITHIN = 20.0
DRAIN = 25.0
"""Seconds that calls may go on after the demo's end."""
Line = dict[str, Any]


class EngineFailed(Exception):
    """It did not start, or ended by itself; the text has its last words."""


@dataclass
class EngineProcess:
    process: asyncio.subprocess.Process
    hear: Callable[[Line], None]
    ready: asyncio.Future[Line]
    recordings: list[Path] = field(default_factory=list)
    stopped: Line | None = None
    """What it said last: offered, answered, abandoned."""
    last_words: str = ""

    async def listen(self) -> None:
        """Read its lines until it ends."""
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            self._line(raw.decode("utf-8", "replace").rstrip())
        if not self.ready.done():
            self.ready.set_exception(EngineFailed(f"the engine did not start: {self.last_words}"))

    def _line(self, text: str) -> None:
        try:
            line: Line = json.loads(text)
        except ValueError:
            self.last_words = text.strip() or self.last_words
            return
        match line.get("event"):
            case "ready":
                self.ready.set_result(line)
            case "recorded" if line["path"]:
                self.recordings.append(Path(line["path"]))
            case "stopped":
                self.stopped = line
            case "cannot_start":
                self.last_words = line["why"]
        self.hear(line)

    async def stop(self) -> int:
        """Let it drain; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DRAIN + 10):
            return await self.process.wait()


@asynccontextmanager
async def engine_process(deployment: Path, hear: Callable[[Line], None]) -> AsyncIterator[EngineProcess]:
    """Start it and wait until it is ready. Raises EngineFailed."""
    words = ("-m", "engine.cli", "run", "-c", str(deployment), "--log", "json", "--drain", str(DRAIN))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is the demo's: it ends the engine in its own way
    )
    engine = EngineProcess(process, hear, asyncio.get_running_loop().create_future())
    listening = asyncio.create_task(engine.listen())
    try:
        async with asyncio.timeout(READY_WITHIN):
            await engine.ready
        yield engine
    finally:
        await engine.stop()
        await listening

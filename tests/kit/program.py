"""Programs of somebody else's, run for one test: started, waited for, ended by their own process id."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

END_WITHIN = 5.0
"""Seconds between asking a program to end and killing it."""


class Silent(AssertionError):
    """A program did not say or do in time what a test waits for; the text holds what it said instead."""


class Program:
    """A child process whose output is read line by line as it comes."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.lines: list[str] = []
        self._process = process
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.returncode

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
            self._news.set()
        self._news.set()

    async def line(self, wanted: Callable[[str], bool], within: float) -> str:
        """The first line, already said or still to come, that is wanted. Raises Silent."""
        seen = 0
        try:
            async with asyncio.timeout(within):
                while True:
                    for line in self.lines[seen:]:
                        seen += 1
                        if wanted(line):
                            return line
                    if self._reader.done():
                        raise self.silent("ended without the line that was waited for")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise self.silent(f"did not say what was waited for within {within} s") from None

    async def ended(self, within: float) -> int:
        """Its exit code, once it has ended by itself. Raises Silent."""
        try:
            async with asyncio.timeout(within):
                await self._process.wait()
                await self._reader
        except TimeoutError:
            raise self.silent(f"did not end within {within} s") from None
        assert self._process.returncode is not None
        return self._process.returncode

    def silent(self, what: str) -> Silent:
        """What to raise when the program fails a test, with its last words."""
        return Silent(f"{self.name} (pid {self.pid}) {what}; it said:\n" + "\n".join(self.lines[-40:]))

    def terminate(self) -> None:
        """SIGTERM to this process, if it still runs."""
        if self._process.returncode is None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to this process, if it still runs: a crash, as far as the others can tell."""
        if self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ask it to end, and insist."""
        self.terminate()
        try:
            await self.ended(END_WITHIN)
        except Silent:
            self.kill()
            await self._process.wait()
            await self._reader


@asynccontextmanager
async def running(
    *words: str | Path, cwd: Path, environment: Mapping[str, str] | None = None, own_group: bool = False
) -> AsyncIterator[Program]:
    """Run a program in a folder, its errors read with its output; it has ended when the block is left.

    With `own_group` it leads a process group of its own, whose number is its pid.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, words),
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        process_group=0 if own_group else None,
    )
    program = Program(Path(words[0]).name, process)
    try:
        yield program
    finally:
        await program.stop()

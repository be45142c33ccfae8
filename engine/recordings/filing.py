"""The one thread that writes beside recordings, so that a slow disk holds up no call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

LINGER = 0.05
"""Seconds for which work gathers: a thread that is woken for every file costs the event loop more than the file."""


class Errand:
    """A job for the thread, and who is told what it returned."""

    def __init__(self, job: Callable[[], Any], tell: Callable[[Any], object]) -> None:
        self._job = job
        self._tell = tell
        self._returned: list[Any] = []

    def run(self) -> None:
        self._returned.append(self._job())

    def report(self) -> None:
        """Nobody is told of a job that raised."""
        for returned in self._returned:
            self._tell(returned)


class Filing:
    """Work for the disk, in the order given. Use as a context manager: leaving it waits for what was left to it.

    Jobs say what went wrong in their own way; one that raises all the same is a defect, which the loop's exception
    handler hears of, and the jobs after it are done.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "recordings")
        self._loop = asyncio.get_running_loop()
        self._errands: list[Errand] = []
        self._gone: asyncio.Future[None] = self._loop.create_future()
        """Done when those errands are."""

    async def __aenter__(self) -> Filing:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._errands:
            await self._gone
        await self._loop.run_in_executor(self._thread, int)
        self._thread.shutdown()

    def later(self, job: Callable[[], object]) -> None:
        """Have it done soon."""
        self.then(job, _nobody)

    def then(self, job: Callable[[], T], tell: Callable[[T], object]) -> None:
        """Have it done soon; then `tell` the event loop what it returned."""
        if not self._errands:
            self._loop.call_later(LINGER, self._send)
        self._errands.append(Errand(job, tell))

    def _send(self) -> None:
        errands, self._errands = self._errands, []
        gone, self._gone = self._gone, self._loop.create_future()
        finished = self._loop.run_in_executor(self._thread, _each, [errand.run for errand in errands])
        finished.add_done_callback(partial(self._report, errands, gone))

    def _report(
        self, errands: list[Errand], gone: asyncio.Future[None], finished: asyncio.Future[None]
    ) -> None:
        error = finished.exception()
        if error is not None:
            about = {"message": "work on a recording's files failed", "exception": error}
            self._loop.call_exception_handler(about)
        gone.set_result(None)
        _each([errand.report for errand in errands])


def _each(calls: Sequence[Callable[[], object]]) -> None:
    """Call each of them, also when one before it raised."""
    with ExitStack() as stack:
        for call in reversed(calls):
            stack.callback(call)


def _nobody(returned: object) -> None:
    """Nobody asked."""

"""An event loop whose clock jumps: minutes of call time pass in milliseconds, in the same order every time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Stuck(Exception):
    """Every task waits, no timer is set and nothing outside can answer: in real time this would hang for ever."""


class _JumpingSelector(selectors.DefaultSelector):
    """Does not wait for a timer that is due later: tells the loop that it is later."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.loop.answers_outstanding:
            return super().select(
                timeout if timeout is not None else 1.0
            )  # the world outside takes real time
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise Stuck("nothing is scheduled and nothing can arrive")
        self.loop.advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio on virtual time. Never jumps while a thread's answer is outstanding."""

    def __init__(self) -> None:
        self._now = 1000.0
        self.answers_outstanding = 0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += max(seconds, 0.0)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self.answers_outstanding += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._answered)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self.answers_outstanding += 1  # it waits for a thread that ends the other threads
        try:
            await super().shutdown_default_executor()
        finally:
            self.answers_outstanding -= 1

    def _answered(self, future: asyncio.Future[Any]) -> None:
        self.answers_outstanding -= 1


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)

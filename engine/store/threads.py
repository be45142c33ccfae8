"""Threads that do what the event loop must not wait for: the way there is one hop, and so is the way back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Errand:
    work: Callable[[], Any]
    answer: asyncio.Future[Any]


class Threads:
    """At most so many threads, which take what they are asked to do in its order; each begins when it is needed.

    A ThreadPoolExecutor costs half as much again for each hop, as its answers pass through a future of its own.
    """

    def __init__(self, name: str, count: int = 1) -> None:
        self._name = name
        self._count = count
        self._asked: SimpleQueue[_Errand | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._outstanding = 0
        """Errands that wait or are under way, whether or not anybody waits for them."""

    def ask(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What `work` gives or raises, in one of the threads. Cancelled before its turn, it is not done at all."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._outstanding += 1
        if len(self._threads) < min(self._outstanding, self._count):
            self._begin()
        self._asked.put(_Errand(work, answer))
        return answer

    async def close(self) -> None:
        """Let the threads do what they were asked, and end."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._asked.put(None)
        if threads:
            await asyncio.to_thread(_join, threads)

    def _begin(self) -> None:
        name = f"{self._name} {len(self._threads) + 1}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        while (errand := self._asked.get()) is not None:
            self._do(errand)
            del errand  # what it gave is not held until the next one

    def _do(self, errand: _Errand) -> None:
        if errand.answer.cancelled():
            self._tell(errand, errand.answer.cancel, None)
            return
        try:
            found = errand.work()
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            self._tell(errand, errand.answer.set_exception, error)
        else:
            self._tell(errand, errand.answer.set_result, found)

    def _tell(self, errand: _Errand, how: Callable[[Any], object], what: object) -> None:
        with suppress(RuntimeError):  # its loop is closed: nobody is left to hear
            errand.answer.get_loop().call_soon_threadsafe(self._done, errand.answer, how, what)

    def _done(self, answer: asyncio.Future[Any], how: Callable[[Any], object], what: object) -> None:
        self._outstanding -= 1
        if not answer.done():
            how(what)


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()

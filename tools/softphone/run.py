"""What the command runs: phones that follow a script, and say on a line each what happens."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from typing import Any

import soundfile

from media.g711 import RATE
from tools.softphone.call import Call
from tools.softphone.phone import Account, Address, Phone
from tools.softphone.script import Script

Say = Callable[[str], None]
Part = Callable[[Call], Coroutine[Any, Any, str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asked for."""

    server: Address
    domain: str
    script: Script
    host: str = "127.0.0.1"
    """The phones' own address."""
    port: int = 0
    """Of the first phone; the others follow. 0: any free ones."""
    agents: tuple[tuple[str, str], ...] = ()
    """User and password of the phones that register."""
    numbers: tuple[str, ...] = ()
    """Whom to call: the first agent does, or else `identity`, who registers nowhere."""
    identity: str = "softphone"
    seconds: float | None = None
    """How long to run; None: until stopped, or until the calls we placed are over."""
    record: Path | None = None
    """A folder for what each call heard."""


HINTS = {
    "failed 401": ": without a password, calls are taken from addresses in a trunk's accept_from alone; see --address",
    "failed 404": ": it is no number of the deployment that takes calls",
    "failed 408": ": there is no answer; is Cordboard at that address?",
}
"""What a person may want to look at when a call that they placed came to nothing."""


class _Runner:
    """Sees calls through, each in a task of its own, and says what becomes of them."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self.plan = plan
        self.say = say
        self.tasks: set[asyncio.Task[None]] = set()
        self.failed = 0
        """Calls that we placed and nobody answered."""

    def phones(self) -> list[Phone]:
        """One for each agent, or one that only calls."""
        plan = self.plan
        ports = count(plan.port) if plan.port else repeat(0)
        agents = plan.agents or ((plan.identity, None),)
        return [
            self._phone(user, password, port) for (user, password), port in zip(agents, ports, strict=False)
        ]

    def _phone(self, user: str, password: str | None, port: int) -> Phone:
        account = None if password is None else Account(self.plan.domain, password, self.plan.server)

        def take(call: Call) -> None:
            self.begin(phone, call, f"call from {call.number}", self.plan.script.follow)

        phone = Phone(user, account, host=self.plan.host, port=port, on_call=take)
        return phone

    def begin(self, phone: Phone, call: Call, what: str, part: Part) -> asyncio.Task[None]:
        self.say(f"{phone.user}: {what}")
        task = asyncio.create_task(self._see_through(phone, call, part))
        self.tasks.add(task)
        return task

    async def _see_through(self, phone: Phone, call: Call, part: Part) -> None:
        why = await part(call)
        self.failed += why.startswith("failed")
        keys = f", keys {call.keys}" if call.keys else ""
        why += HINTS.get(why, "")
        self.say(f"{phone.user}: {call.number} over ({why}), heard {len(call.heard) / RATE:.1f} s{keys}")
        if self.plan.record is not None and len(call.heard):
            self.say(f"{phone.user}: kept in {_keep(self.plan.record, phone, call)}")


async def run(plan: Plan, say: Say) -> int:
    """Carry it out; how many calls that it placed nobody answered. Raises NotRegistered and OSError."""
    runner = _Runner(plan, say)
    with _stopping() as stopped:
        async with AsyncExitStack() as opened:
            phones = [await opened.enter_async_context(phone) for phone in runner.phones()]
            for phone in phones:
                if phone.account is not None:
                    await phone.register()
                    say(f"{phone.user}: registered, at {phone.address[0]}:{phone.address[1]}")
            await _until_done(runner, phones[0], stopped)
        await asyncio.gather(*runner.tasks)
    return runner.failed


async def _until_done(runner: _Runner, caller: Phone, stopped: asyncio.Event) -> None:
    plan = runner.plan
    placed = [
        runner.begin(caller, caller.call(number, plan.server), f"calling {number}", plan.script.talk)
        for number in plan.numbers
    ]
    stop = asyncio.create_task(stopped.wait())
    ends: list[asyncio.Future[Any]] = [stop, *([asyncio.gather(*placed)] if placed else [])]
    await asyncio.wait(ends, timeout=plan.seconds, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()


@contextmanager
def _stopping() -> Iterator[asyncio.Event]:
    """Set by SIGINT and SIGTERM, so that phones say goodbye."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _keep(folder: Path, phone: Phone, call: Call) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{phone.user}-{phone.calls.index(call) + 1}.wav"
    soundfile.write(path, call.heard, RATE, subtype="PCM_16")
    return path

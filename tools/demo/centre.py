"""The demo, from its first line to its summary."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from config.settings import Settings
from tools.demo.engine import EngineFailed, Line, engine_process
from tools.demo.people import Agent, Callers
from tools.demo.summary import Summary, check
from tools.softphone import Account, NotRegistered, Phone

AGENTS = ("anna", "bob")
GUEST = "guest"
TRUNK = "127.0.0.2"


class DemoFailed(Exception):
    """The demo could not run; the text says why."""


async def run_demo(deployment: Path, settings: Settings, seconds: float | None, out: Console) -> Summary:
    """Run for so long, or until a signal. Raises DemoFailed."""
    stop = _stopping()
    listen = settings.sip.listen[0]
    address = (listen.host, listen.port)
    chance = random.Random(7)
    try:
        async with engine_process(deployment, _teller(out)) as engine, AsyncExitStack() as phones:
            callers = await _people(phones, settings, address, chance, out)
            _welcome(out, settings, (await engine.ready)["web"], address, seconds)
            stream = asyncio.create_task(callers.stream())
            ends = [stream, asyncio.create_task(stop.wait()), asyncio.create_task(engine.process.wait())]
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            if engine.process.returncode is not None:
                raise EngineFailed(f"the engine ended by itself: {engine.last_words}")
            out.print("stopping: within a few seconds the last callers say goodbye")
            leaving = asyncio.create_task(callers.leave())
            code = await engine.stop()
            await leaving
    except (EngineFailed, NotRegistered, OSError, TimeoutError) as error:
        raise DemoFailed(f"the demo cannot run: {error}") from error
    said = engine.stopped or {"offered": 0, "answered": 0, "abandoned": 0}
    return Summary(
        said["offered"],
        said["answered"],
        said["abandoned"],
        settings.recordings.folder.absolute(),
        tuple(engine.recordings),
        check(engine.recordings),
        code,
    )


async def _people(
    phones: AsyncExitStack, settings: Settings, engine: tuple[str, int], chance: random.Random, out: Console
) -> Callers:
    """Agents at their phones, and the trunk that callers come from."""
    for name in AGENTS:
        password = settings.agents[name].password.get_secret_value()
        account = Account(settings.sip.domain, password, engine)
        phone = Phone(name, account, host="127.0.0.1", on_call=Agent(chance).take)
        await phones.enter_async_context(phone)
        await phone.register()
    trunk = await phones.enter_async_context(Phone("carrier", host=TRUNK))
    number = next(iter(settings.numbers))
    return Callers(trunk, number, engine, chance, lambda text: out.print(text))


def _welcome(
    out: Console, settings: Settings, web: str, address: tuple[str, int], seconds: float | None
) -> None:
    guest = settings.agents[GUEST]
    out.print(f"[bold]wallboard[/bold]   {web}")
    out.print(f"[bold]SIP[/bold]         {address[0]}:{address[1]}, UDP and TCP")
    out.print(
        f"[bold]your phone[/bold]  on this machine: register as user {GUEST}, "
        f"password {guest.password.get_secret_value()}, domain {settings.sip.domain}, "
        f"proxy {address[0]}:{address[1]}; calls will ring it too",
        soft_wrap=True,
    )
    out.print(f"[bold]recordings[/bold]  {settings.recordings.folder.absolute()}", soft_wrap=True)
    if settings.web.tokens:
        token = settings.web.tokens[0].token.get_secret_value()
        out.print(f"[bold]API[/bold]         {web}/api; in another terminal: ", end="")
        out.print(f"CORDBOARD_URL={web} CORDBOARD_TOKEN={token} cordboard calls --watch 1", soft_wrap=True)
    if seconds is None:
        out.print("[bold]Ctrl-C[/bold]      stops it and says how it went")
    out.print()


def _teller(out: Console) -> Callable[[Line], None]:
    """Say of each call what a person wants to know."""

    def tell(line: Line) -> None:
        call = str(line.get("conversation", ""))[-4:]
        match line.get("event"):
            case "call_offered":
                out.print(f"{call}  {line['caller']} calls {line['number']}", markup=False)
            case "phase" if line["phase"] == "talking":
                out.print(f"{call}  speaks with {line['agent']}", markup=False)
            case "call_ended":
                out.print(f"{call}  {line['reason']}, by the {line['by']}", markup=False)

    return tell


def _stopping() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop

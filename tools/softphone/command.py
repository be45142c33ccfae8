"""`cordboard softphone`: phones without a person, for trying a deployment out and for the demo."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from media.g711 import Pcm
from tools.softphone.card import NoSoundCard, SoundCard
from tools.softphone.phone import Address, NotRegistered
from tools.softphone.run import Plan, run
from tools.softphone.script import BUSY, Script
from tools.softphone.sound import BadAudio, load
from tools.softphone.voice import KEYS

PASSWORD = "SOFTPHONE_PASSWORD"
"""The environment variable with the password of agents that are named without one."""


def command(
    server: Annotated[str, typer.Option(help="Where Cordboard listens: host:port, UDP.")] = "127.0.0.1:5060",
    agent: Annotated[
        list[str] | None,
        typer.Option(help=f"USER or USER:PASSWORD of an agent to be; repeatable. Without: ${PASSWORD}."),
    ] = None,
    domain: Annotated[str, typer.Option(help="The sip.domain they register in.")] = "acme.test",
    address: Annotated[
        str, typer.Option(help="Own address, HOST or HOST:PORT of the first phone.")
    ] = "127.0.0.1",
    call: Annotated[list[str] | None, typer.Option(help="A number to call; repeatable.")] = None,
    caller: Annotated[
        str, typer.Option("--from", help="The number to call from, without --agent.")
    ] = "+447900000000",
    answer_after: Annotated[float, typer.Option(min=0, help="Seconds a call rings.")] = 1.0,
    busy: Annotated[bool, typer.Option("--busy", help="Turn every call away with 486.")] = False,
    refuse: Annotated[int | None, typer.Option(min=300, max=699, help="Or with this response.")] = None,
    ring_out: Annotated[bool, typer.Option("--ring-out", help="Ring and never answer.")] = False,
    voicemail: Annotated[bool, typer.Option("--voicemail", help="Greeting, beep, then listen.")] = False,
    say: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="An audio file to say.")
    ] = None,
    press: Annotated[str, typer.Option(help=f"Keys to press after that, of {KEYS}.")] = "",
    sound: Annotated[
        bool, typer.Option("--sound", help="Speak and hear by this machine's sound card.")
    ] = False,
    hang_up_after: Annotated[
        float | None, typer.Option(min=0, help="Seconds from the answer to BYE.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Leave after so long.")] = None,
    record: Annotated[Path | None, typer.Option(file_okay=False, help="A folder for what is heard.")] = None,
) -> None:
    """Be scripted phones: agents that register, or callers. Exit 1 if a call they place is not answered."""
    if not agent and not call:
        raise typer.BadParameter("name an --agent to be, or a number to --call")
    if unknown := set(press) - set(KEYS):
        raise typer.BadParameter(f"{''.join(sorted(unknown))!r} are no keys; allowed are {KEYS}")
    host, port = _address(address, 0)
    card = _card() if sound else None
    plan = Plan(
        server=_address(server, 5060),
        domain=domain,
        host=host,
        port=port,
        agents=tuple(_agent(entry) for entry in agent or ()),
        script=Script(
            answer_after=None if ring_out else answer_after,
            refuse=BUSY if busy else refuse,
            say=_sound(say),
            voicemail=voicemail,
            press=press,
            hang_up_after=hang_up_after,
            card=card,
        ),
        numbers=tuple(call or ()),
        identity=caller,
        seconds=seconds,
        record=record,
    )
    with card or nullcontext():
        raise typer.Exit(_carry_out(plan))


def _card() -> SoundCard:
    try:
        return SoundCard()
    except NoSoundCard as missing:
        raise typer.BadParameter(f"--sound: {missing}") from None


def _carry_out(plan: Plan) -> int:
    out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        failed = asyncio.run(run(plan, lambda line: out.print(line, markup=False)))
    except (NotRegistered, OSError) as fault:
        err.print(str(fault), markup=False)
        return 1
    return 1 if failed else 0


def _sound(path: Path | None) -> Pcm | None:
    try:
        return None if path is None else load(path)
    except BadAudio as fault:
        raise typer.BadParameter(str(fault)) from None


def _agent(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not colon and PASSWORD not in os.environ:
        raise typer.BadParameter(f"{user} needs a password: {user}:PASSWORD, or ${PASSWORD}")
    return user, password if colon else os.environ[PASSWORD]


def _address(text: str, default: int) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, default
    if not port.isdigit() or int(port) > 65535:
        raise typer.BadParameter(f"{text!r} is not HOST or HOST:PORT")
    return host.strip("[]"), int(port)

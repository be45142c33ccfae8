"""baresip 1.0: a real phone without a sound card, driven over its ctrl_tcp port (netstrings of JSON)."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.kit.peers import Address, found
from tests.kit.ports import Kind, free_ports, opened
from tests.kit.program import Program, Silent, running
from tests.kit.tone import Samples, read_wav, tone, write_wav

CONFIG = """\
sip_listen {host}:{sip}
net_interface {host}
audio_source aufile,{folder}/voice.wav
audio_player aubridge,out
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {rtp}-{last}
module_path {modules}
module g711.so
module sndfile.so
module aubridge.so
module aufile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
snd_path {folder}
{more}
"""
Message = dict[str, Any]


def modules() -> Path:
    """The folder of its modules, beside or below the usual library folders."""
    places = (Path("/usr/lib/baresip/modules"), Path("/usr/local/lib/baresip/modules"))
    return next(place for place in places if place.is_dir())


class Baresip:
    """One phone. `events` holds what it reported, oldest first: type, class, param ..."""

    def __init__(self, program: Program, folder: Path, address: Address) -> None:
        self.address = address
        self.events: list[Message] = []
        self._program = program
        self._folder = folder
        self._news = asyncio.Event()
        self._tokens = itertools.count()
        self._answers: dict[str, Message] = {}
        self._read: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, host: str, port: int) -> None:
        """Take control of the phone. Its port must be open."""
        reader, self._writer = await asyncio.open_connection(host, port)
        self._read = asyncio.create_task(self._hear(reader))

    async def disconnect(self) -> None:
        if self._read is not None:
            self._read.cancel()
            await asyncio.gather(self._read, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                length = int((await reader.readuntil(b":"))[:-1])
                message: Message = json.loads((await reader.readexactly(length + 1))[:-1])
            except asyncio.IncompleteReadError:
                return
            if message.get("event"):
                self.events.append(message)
            else:
                self._answers[str(message.get("token"))] = message
            self._news.set()

    async def _until(self, what: str, found: Any, within: float) -> Any:
        try:
            async with asyncio.timeout(within):
                while (result := found()) is None:
                    self._news.clear()
                    await self._news.wait()
                return result
        except TimeoutError:
            raise Silent(f"baresip: no {what} within {within} s; events: {self.events}") from None

    async def command(self, name: str, parameters: str = "", within: float = 5.0) -> str:
        """Give one of its menu commands; what it printed. Fails the test when the phone refuses."""
        assert self._writer is not None
        token = str(next(self._tokens))
        text = json.dumps({"command": name, "params": parameters, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        answer = await self._until(f"answer to {name}", lambda: self._answers.get(token), within)
        assert answer.get("ok"), f"baresip refuses {name} {parameters}: {answer}"
        return str(answer.get("data", ""))

    async def event(self, kind: str, count: int = 1, within: float = 10.0) -> Message:
        """The count-th event of this type, such as CALL_ESTABLISHED, since the phone started."""

        def nth() -> Message | None:
            same = [event for event in self.events if event["type"] == kind]
            return same[count - 1] if len(same) >= count else None

        event: Message = await self._until(f"event {kind} number {count}", nth, within)
        return event

    async def dial(self, uri: str) -> None:
        await self.command("dial", uri)

    async def answer(self) -> None:
        await self.command("accept")

    async def hang_up(self) -> None:
        await self.command("hangup")

    def vanish(self) -> None:
        """Killed, as by a pulled plug: no BYE, no unregistration."""
        self._program.kill()

    def heard(self) -> Samples:
        """All it was sent in all its calls, decoded. Complete once a call has ended."""
        files = sorted(self._folder.glob("dump-*-dec.wav"))
        return np.concatenate([read_wav(path) for path in files]) if files else np.zeros(0)


@asynccontextmanager
async def baresip(
    account: str,
    folder: Path,
    *,
    host: str,
    hertz: float = 800.0,
    seconds: float = 60.0,
    more: Sequence[str] = (),
) -> AsyncIterator[Baresip]:
    """A phone at `host` with one account (baresip's own account line; `{address}` becomes its host:port).

    It speaks a tone of `hertz` for `seconds` in each call, and keeps what it hears. `more` are lines for its
    configuration.
    """
    sip, rtp, control = (free_ports(host, count) for count in (2, 16, 1))
    own = folder / f"baresip-{host}-{sip}"
    own.mkdir(parents=True)
    write_wav(own / "voice.wav", tone(hertz, seconds))
    numbers = {"sip": sip, "rtp": rtp, "last": rtp + 15, "control": control}
    lines = "\n".join(more)
    (own / "config").write_text(
        CONFIG.format(host=host, folder=own, modules=modules(), more=lines, **numbers)
    )
    for empty in ("accounts", "contacts"):
        (own / empty).touch()
    async with running(found("baresip"), "-f", own, cwd=own) as program:
        await opened("tcp", host, control, program)
        phone = Baresip(program, own, (host, sip))
        await phone.connect(host, control)
        try:
            await phone.command("uanew", account.format(address=f"{host}:{sip}"))
            yield phone
        finally:
            await phone.disconnect()


def agent_account(
    agent: str,
    password: str,
    domain: str,
    registrar: Address,
    answers: bool = True,
    transport: Kind = "udp",
) -> str:
    """The account of an agent's phone that registers, and answers by itself or waits for answer()."""
    mode = "auto" if answers else "manual"
    proxy = f"sip:{registrar[0]}:{registrar[1]};transport={transport}"
    parameters = f"auth_user={agent};auth_pass={password};regint=60;answermode={mode};audio_codecs=PCMU"
    return f'<sip:{agent}@{domain};transport={transport}>;outbound="{proxy}";{parameters}'


def caller_account(number: str) -> str:
    """The account of somebody who calls without registering anywhere."""
    return f"<sip:{number}@{{address}}>;regint=0;audio_codecs=PCMU"

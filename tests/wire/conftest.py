"""What the wire tests share: phones of agents and callers, each role at an address of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.kit.baresip import Baresip, agent_account, baresip, caller_account
from tests.kit.daemon import Daemon, daemon
from tests.kit.deployment import DOMAIN, NUMBER, TRUNK, password
from tests.kit.peers import Sipp, sipp, sipp_agent
from tests.kit.ports import Kind

HOSTS = {"anna": "127.0.0.11", "bob": "127.0.0.12"}
TONES = {"caller": 700.0, "anna": 1000.0, "bob": 1300.0}
"""Hertz by which each is known. None is a harmonic of another, nor of the greeting or the music."""


class Parties:
    """Makes the people around one engine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def agent(
        self, engine: Daemon, name: str, answers: bool = True, transport: Kind = "udp"
    ) -> AsyncIterator[Baresip]:
        """A registered baresip of an agent."""
        account = agent_account(name, password(name), DOMAIN, engine.sip, answers, transport)
        async with baresip(account, self._folder, host=HOSTS[name], hertz=TONES[name]) as phone:
            await phone.event("REGISTER_OK")
            yield phone

    @asynccontextmanager
    async def caller(self, engine: Daemon, number: str = "+447900000001") -> AsyncIterator[Baresip]:
        """Somebody at the carrier's address whose baresip has dialled the support number."""
        async with baresip(caller_account(number), self._folder, host=TRUNK, hertz=TONES["caller"]) as phone:
            await phone.dial(f"sip:{NUMBER}@{engine.sip[0]}:{engine.sip[1]}")
            yield phone

    @asynccontextmanager
    async def scripted_agent(self, engine: Daemon, name: str, scenario: str) -> AsyncIterator[Sipp]:
        """A registered SIPp in place of an agent's phone; it takes one call."""
        async with sipp_agent(
            scenario,
            self._folder,
            name,
            password(name),
            host=HOSTS[name],
            to=engine.sip,
            domain=DOMAIN,
            hertz=TONES[name],
        ) as phone:
            yield phone

    @asynccontextmanager
    async def scripted_caller(
        self,
        engine: Daemon,
        scenario: str,
        *,
        seconds: float = 2.0,
        calls: int = 1,
        transport: Kind = "udp",
    ) -> AsyncIterator[Sipp]:
        """SIPp at the carrier's address, calling the support number."""
        async with sipp(
            scenario,
            self._folder,
            host=TRUNK,
            to=engine.sip,
            service=NUMBER,
            hertz=TONES["caller"],
            seconds=seconds,
            calls=calls,
            keys={"caller": "+447900000002"},
            transport=transport,
        ) as call:
            yield call


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return Parties(tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Daemon]:
    """One for all tests of a module, which run in one loop; it must end with nothing left behind by any of them."""
    async with daemon(tmp_path_factory.mktemp("shared")) as running:
        yield running

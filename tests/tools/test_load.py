"""The load generator against an exchange that connects calls rightly, and one that mixes voices up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.ports import free_ports
from tests.kit.program import running
from tests.tools.network import DOMAIN, Exchange, exchange
from tools.load.build import built
from tools.load.report import Report, read

PASSWORDS = {f"agent{number}": f"pw{number}" for number in range(4)}
pytestmark = pytest.mark.peer("cc")


async def load(centre: Exchange, folder: Path, *words: str) -> Report:
    agents = ",".join(f"{user}:{password}" for user, password in PASSWORDS.items())
    command = (
        f"--peer={centre.address[0]}:{centre.address[1]}",
        f"--trunk-address=127.0.0.2:{free_ports('127.0.0.2')}",
        f"--agents-address=127.0.0.3:{free_ports('127.0.0.3')}",
        f"--agents={agents}",
        f"--domain={DOMAIN}",
        "--calls=4",
        "--seconds=1",
        "--settle=0",
    )
    async with running(built(), *command, *words, cwd=folder) as program:
        assert await program.ended(30) == 0, program.lines
        return read(program.lines[-1].encode())


@pytest.mark.parametrize("law", [[], ["--alaw"]], ids=["PCMU", "PCMA"])
async def test_agents_register_calls_are_bridged_and_every_voice_is_right(
    law: list[str], tmp_path: Path
) -> None:
    async with exchange(PASSWORDS) as centre:
        report = await load(centre, tmp_path, "--answer-after=20", *law)
        assert report.faults == []
        assert (report.bridged, report.agents_registered, report.wrong_leg) == (4, 4, 0)
        assert (report.hung_up_by_callers, report.hung_up_by_agents) == (2, 2)
        assert report.callers_hear.frames >= 4 * 45
        assert report.agents_hear.frames >= 4 * 45
        assert not any(centre.registered(agent) for agent in PASSWORDS)


async def test_voices_on_the_wrong_leg_are_found(tmp_path: Path) -> None:
    async with exchange(PASSWORDS, crossed=True) as centre:
        report = await load(centre, tmp_path, "--setup-timeout=1")
        assert report.wrong_leg > 4 * 45
        assert report.agents_hear.deaf_legs == 4
        assert any("wrong leg" in fault for fault in report.faults)

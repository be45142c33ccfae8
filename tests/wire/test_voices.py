"""Many calls at once: every leg hears its peer and nobody else, also when rows are taken again at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.daemon import Daemon, daemon
from tests.kit.deployment import DOMAIN, NUMBER, TRUNK, Deployment, password
from tests.kit.ports import free_ports
from tests.kit.program import running
from tools.load.build import built
from tools.load.report import Report, read

AGENTS = tuple(f"agent{number}" for number in range(12))
PHONES = "127.0.0.21"


async def load(engine: Daemon, folder: Path, *words: str) -> Report:
    """Run the load generator against an engine with all its agents registered; its report."""
    agents = ",".join(f"{agent}:{password(agent)}" for agent in AGENTS)
    addresses = (
        f"--peer={engine.sip[0]}:{engine.sip[1]}",
        f"--trunk-address={TRUNK}:{free_ports(TRUNK)}",
        f"--agents-address={PHONES}:{free_ports(PHONES)}",
        f"--rtp-port={free_ports(PHONES, 100)}",
    )
    common = (
        f"--to={NUMBER}",
        f"--domain={DOMAIN}",
        f"--agents={agents}",
        "--settle=0",
        "--cps=20",
        "--verbose",
    )
    async with running(built(), *addresses, *common, *words, cwd=folder) as program:
        code = await program.ended(60)
        assert code == 0, program.silent(f"ended with {code}")
        return read(program.lines[-1].encode())


@pytest.mark.parametrize("workers", [1, 2])
async def test_every_leg_hears_its_peer_and_nobody_else(workers: int, tmp_path: Path) -> None:
    async with daemon(tmp_path, Deployment(agents=AGENTS, workers=workers)) as engine:
        report = await load(engine, tmp_path, f"--calls={len(AGENTS)}", "--seconds=3")
        assert report.faults == []
        assert report.callers_hear.frames_lost_pct < 1
        assert report.agents_hear.frames_lost_pct < 1


@pytest.mark.parametrize("workers", [1, 2])
async def test_no_voice_leaks_into_a_row_that_is_taken_again(workers: int, tmp_path: Path) -> None:
    async with daemon(tmp_path, Deployment(agents=AGENTS, workers=workers)) as engine:
        for _ in range(3):
            report = await load(engine, tmp_path, f"--calls={len(AGENTS)}", "--seconds=1")
            assert report.faults == []

"""status, calls, queues and agents against an engine that runs, and against none."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.kit.ports import free_ports
from tests.web.offices import Client, office
from tests.web.test_api import talking

ROOT = Path(__file__).parent.parent.parent


def run(*words: str, token: str, url: str) -> subprocess.CompletedProcess[str]:
    environment = {"CORDBOARD_URL": url, "CORDBOARD_TOKEN": token, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "engine.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


async def ask(client: Client, *words: str, token: str = "token-root") -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run, *words, token=token, url=client.url)


async def test_what_goes_on_is_shown_as_tables_and_as_json(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        id = await talking(client)
        status, calls, agents, queues = await asyncio.gather(
            ask(client, "status"),
            ask(client, "calls"),
            ask(client, "agents"),
            ask(client, "queues", "--json"),
        )
        assert [done.returncode for done in (status, calls, agents, queues)] == [0, 0, 0, 0]
        assert "1 talking" in status.stdout
        assert all(word in calls.stdout for word in (id, "talking", "+447700900123", "support"))
        assert all(word in agents.stdout for word in ("Anna Smith", "available", "talking", "bob"))
        assert [queue["name"] for queue in json.loads(queues.stdout)] == ["support"]


async def test_a_refusal_and_nobody_there_have_codes_of_their_own(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        refused = await ask(client, "calls", token="wrong")
        assert (refused.returncode, refused.stdout) == (4, "")
        assert (
            "401 the token is not one of this deployment's; allowed: Authorization: Bearer TOKEN"
            in refused.stderr
        )
    nobody = await asyncio.to_thread(
        run, "status", token="", url=f"http://127.0.0.1:{free_ports('127.0.0.1')}"
    )
    assert nobody.returncode == 3

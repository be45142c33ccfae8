"""What an agent chose to be outlives the engine, even one that was killed the moment after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from tests.kit.daemon import Daemon, daemon
from tests.kit.deployment import ENGINE, Deployment
from tests.kit.softphones import agent_phone, answered, carrier, dial, ended

TOKEN = "token-of-ops"


async def asked(engine: Daemon, method: str, path: str, **more: Any) -> Any:
    url = f"http://{ENGINE}:{engine.deployment.web}/api/v1{path}"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        async with http.request(method, url, **more) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


async def test_who_was_away_before_the_crash_is_away_after_it(tmp_path: Path) -> None:
    deployment = Deployment(token=TOKEN)
    async with daemon(tmp_path, deployment) as engine:
        set = await asked(engine, "PUT", "/agents/anna/presence", json={"status": "away"})
        assert set["chosen"] == "away"
        engine.program.kill()
        await engine.program.ended(5.0)
    async with daemon(tmp_path, deployment) as engine:
        assert (await asked(engine, "GET", "/agents/anna"))["chosen"] == "away"
        async with agent_phone(engine, "anna") as anna, agent_phone(engine, "bob") as bob, carrier() as trunk:
            caller = dial(trunk, engine)
            agent = await answered(bob)
            caller.hang_up()
            await ended(agent)
            assert anna.calls == []

"""The deployment over the API: shown without secrets, checked, read again with a difference."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kit.centre import placed
from tests.web.offices import Client, office, with_tokens


def rewrite(client: Client, yaml: str) -> None:
    source = client.centre.engine.office.reloader.source
    assert source is not None
    source.path.write_text(placed(yaml, source.path.parent))


async def test_what_is_in_force_is_shown_without_a_secret(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        got = await client.get("/config")
        text = json.dumps(got.json)
        assert got.json["settings"]["queues"]["support"]["waiting"] == "patient"
        assert got.json["settings"]["agents"]["anna"]["password"] == "**********"
        for secret in ("pw-anna", "token-root", "token-lead"):
            assert secret not in text


async def test_only_an_admin_sees_and_reloads(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        for who in ("lead", "anna", "crm"):
            assert (await client.get("/config", who)).status == 403
            assert (await client.ask("POST", "/api/v1/config/reload", who)).status == 403


async def test_a_posted_deployment_is_checked_and_compared_and_not_put_in_force(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        check = "/api/v1/config/check"
        bad = await client.ask(
            "POST", check, json={"yaml": with_tokens().replace("[support]", "[suport]", 1)}
        )
        [fault] = bad.json["faults"]
        assert (fault["where"], fault["allowed"]) == ("posted.yaml:9:56", "support")
        longer = placed(with_tokens().replace("time: 10s", "time: 1m"), tmp_path)
        good = await client.ask("POST", check, json={"yaml": longer})
        assert good.json == {
            "faults": [],
            "changes": [{"key": "calls.wrap_up.time", "before": "10.0", "after": "60.0"}],
            "restart_needed": [],
        }
        assert client.centre.engine.desk.settings.calls.wrap_up.time == 10.0


async def test_a_reload_says_what_changed_and_what_waits(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        rewrite(client, with_tokens(", listen: '127.0.0.1:9'").replace("token-crm", "other"))
        got = await client.ask("POST", "/api/v1/config/reload")
        assert got.status == 200
        assert {change["key"] for change in got.json["changes"]} == {"web.listen", "web.tokens[3].token"}
        assert got.json["restart_needed"] == ["web.listen"]
        assert "other" not in json.dumps(got.json)
        assert (await client.get("/queues", "crm")).status == 401  # the old token is no more


async def test_a_faulty_reload_is_a_problem_with_every_fault(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        rewrite(client, "queues: {support: {assignment: fastest}}")
        got = await client.ask("POST", "/api/v1/config/reload")
        assert (got.status, got.json["type"]) == (422, "urn:cordboard:problem:faults")
        assert any("fastest" in fault["message"] for fault in got.json["faults"])
        assert (await client.get("/queues/support")).status == 200

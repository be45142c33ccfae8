"""Who may ask, what errors look like, and what each noun shows and does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.facts import Phase, Reason
from tests.kit.centre import YAML
from tests.web.offices import TOKENS, Client, office, with_tokens

READS = ("/status", "/conversations", "/queues", "/agents", "/queues/support", "/agents/anna")


async def talking(client: Client) -> str:
    """A caller speaks to anna; gives the conversation's id."""
    anna = await client.centre.agent("anna", answer_after=0.0)
    client.centre.caller()
    await anna.rung.wait()
    while client.centre.phase() is not Phase.TALKING:
        await client.centre.wait(0.005)
    return client.centre.conversation.id


async def test_without_tokens_the_api_is_closed_and_says_how_to_open_it(tmp_path: Path) -> None:
    async with office(tmp_path, YAML) as client:
        got = await client.get("/queues")
        assert (got.status, got.json["type"]) == (403, "urn:cordboard:problem:no-tokens")
        assert "web: {tokens:" in got.json["allowed"]


@pytest.mark.parametrize("path", READS)
async def test_no_token_and_a_wrong_one_are_turned_away(tmp_path: Path, path: str) -> None:
    async with office(tmp_path) as client:
        for headers in ({}, {"Authorization": "Bearer token-nobody"}, {"Authorization": "Basic cm9vdDo="}):
            got = await client.ask("GET", "/api/v1" + path, None, headers=headers)
            assert got.status == 401
            assert got.headers["WWW-Authenticate"].startswith("Bearer ")
            assert got.headers["Content-Type"].startswith("application/problem+json")


async def test_roles_open_what_is_theirs(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        for who in TOKENS:
            for path in READS:
                closed = who == "anna" and path == "/conversations"
                assert (await client.get(path, who)).status == (403 if closed else 200), (who, path)


async def test_an_agents_token_sets_their_own_presence_only(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        await client.centre.agent("anna")
        own = await client.ask("PUT", "/api/v1/agents/anna/presence", "anna", json={"status": "away"})
        assert (own.status, own.json["status"], own.json["chosen"]) == (200, "away", "away")
        other = await client.ask("PUT", "/api/v1/agents/bob/presence", "anna", json={"status": "away"})
        assert other.status == 403
        assert not client.centre.engine.floor.agents["anna"].free


async def test_errors_are_problem_details_wherever_they_happen(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        away = "/api/v1/agents/anna/presence"
        cases = [
            (404, await client.get("/nowhere")),
            (404, await client.get("/conversations/n1-none")),
            (404, await client.get("/agents/nobody")),
            (404, await client.get("/queues/nothing")),
            (405, await client.ask("DELETE", "/api/v1/queues")),
            (400, await client.get("/queues", limit=0)),
            (400, await client.get("/conversations", cursor="%%%")),
            (400, await client.get("/conversations", live="null")),
            (400, await client.get("/conversations", since="1790000000.5")),
            (404, await client.get("/conversations/%07")),
            (400, await client.get("/queues", colour="red")),
            (400, await client.get("/conversations", since="yesterday")),
            (400, await client.ask("PUT", away, json={"status": "asleep"})),
            (400, await client.ask("PUT", away, data=b"{", headers={"Content-Type": "application/json"})),
            (413, await client.ask("PUT", away, json={"status": "x" * 300_000})),
            (415, await client.ask("PUT", away, data=b"status=away")),
        ]
        for status, got in cases:
            assert got.status == status
            assert got.json["status"] == status
            assert got.json["title"]
            assert got.json["instance"].startswith("/api/v1/")
            assert got.headers["Content-Type"].startswith("application/problem+json")


async def test_a_defect_says_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with office(tmp_path) as client:
        monkeypatch.setattr(client.centre.engine.dispatcher, "queues", None)
        got = await client.get("/queues")
        assert (got.status, got.detail) == (500, "a defect of the engine; its log has the trace")


async def test_a_conversation_is_listed_shown_with_its_story_and_hung_up(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        id = await talking(client)
        listed = await client.get("/conversations", live="true", agent="anna")
        assert [entry["id"] for entry in listed.json["items"]] == [id]
        shown = (await client.get(f"/conversations/{id}")).json
        assert (shown["phase"], shown["queue"], shown["agent"]) == ("talking", "support", "anna")
        names = [line["name"] for line in shown["story"]]
        assert names == ["waiting", "presented", "talking"]
        ended = await client.ask("POST", f"/api/v1/conversations/{id}/hang-up", "lead")
        assert ended.status == 202
        while client.centre.engine.book.live:
            await client.centre.wait(0.005)
        assert client.centre.ends() == {Reason.RELEASED: 1}
        after = (await client.get(f"/conversations/{id}")).json
        assert after["end"] == "released"
        assert "hung_up" in [line["name"] for line in after["story"]]
        again = await client.ask("POST", f"/api/v1/conversations/{id}/hang-up")
        assert (again.status, again.json["type"]) == (409, "urn:cordboard:problem:ended")


async def test_pages_follow_each_other_until_the_last(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        trunk = client.centre.trunk()
        for _ in range(5):
            await trunk.call("+449999", ("127.0.0.1", 5060)).until("failed 404")
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 2}
        while True:
            page = (await client.get("/conversations", **query)).json
            seen += [entry["id"] for entry in page["items"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=True)
        names = [(await client.get("/agents", limit=2)).json]
        names.append((await client.get("/agents", limit=2, cursor=names[0]["next"])).json)
        assert [[one["id"] for one in page["items"]] for page in names] == [["anna", "bob"], ["carl"]]
        assert names[1]["next"] is None


async def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with office(tmp_path, with_tokens(", requests_per_second: 1")) as client:
        statuses = [(await client.get("/queues")).status for _ in range(4)]
        assert statuses[:2] == [200, 200]
        last = await client.get("/queues")
        assert last.status == 429
        assert int(last.headers["Retry-After"]) >= 1


async def test_guessing_tokens_is_slowed_down(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        statuses = {(await client.get("/queues", "nobody")).status for _ in range(25)}
        assert statuses == {401, 429}


async def test_foreign_host_names_are_refused_on_pages_and_api(tmp_path: Path) -> None:
    async with office(tmp_path, with_tokens(", hosts: [pbx.acme.test]")) as client:
        for host, status in (
            ("evil.test", 421),
            ("pbx.acme.test", 200),
            ("localhost:1", 200),
            ("10.0.0.1", 200),
        ):
            for path in ("/", "/api/v1/queues", "/healthz"):
                headers = {"Host": host, "Authorization": "Bearer token-root"}
                async with client.http.get(client.url + path, headers=headers) as got:
                    assert got.status == status, (host, path)


async def test_every_change_is_kept_for_the_admin(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        for status in ("away", "available"):
            await client.ask("PUT", "/api/v1/agents/bob/presence", "lead", json={"status": status})
        await client.ask("PUT", "/api/v1/agents/anna/presence", "anna", json={"status": "away"})
        await client.ask("PUT", "/api/v1/agents/nobody/presence", "lead", json={"status": "away"})
        first = await client.get("/audit?limit=2", "root")
        rest = await client.get(f"/audit?limit=2&cursor={first.json['next']}", "root")
        made = [*first.json["items"], *rest.json["items"]]
        assert [(change["who"], change["target"], change["detail"]["status"]) for change in made] == [
            ("anna", "anna", "away"),
            ("lead", "bob", "available"),
            ("lead", "bob", "away"),
        ]
        assert {change["action"] for change in made} == {"agent.presence"}
        assert (made[0]["role"], made[0]["address"], made[0]["node"]) == ("agent", "127.0.0.1", "n1")
        assert rest.json["next"] is None
        assert len((await client.get("/audit?who=anna", "root")).json["items"]) == 1
        assert (await client.get("/audit", "lead")).status == 403


async def test_the_audit_names_who_did_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with office(tmp_path) as client:
        await client.ask("PUT", "/api/v1/agents/bob/presence", "lead", json={"status": "away"})
        said = [line for line in capsys.readouterr().out.splitlines() if "audit" in line]
        assert len(said) == 1
        for part in ("lead", "agent.presence", "bob", "away"):
            assert part in said[0]

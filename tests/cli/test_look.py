"""status, calls, queues and agents against an engine that runs, and against none."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from engine.cli.api import Refused, Unreachable
from engine.cli.look import spelled_out, watching
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


async def test_a_refusal_and_nobody_there_have_codes_and_words_of_their_own(tmp_path: Path) -> None:
    async with office(tmp_path) as client:
        for token, why in (("wrong", "the token is not one of this deployment's"), ("", "no token came")):
            refused = await ask(client, "calls", token=token)
            assert (refused.returncode, refused.stdout) == (4, "")
            assert f"401 {why}" in refused.stderr
            assert "allowed: --token or CORDBOARD_TOKEN" in refused.stderr
        forbidden = await ask(client, "calls", token="token-anna")
        assert (forbidden.returncode, "a token of role admin" in forbidden.stderr) == (4, True)
        elsewhere = await asyncio.to_thread(run, "status", token="", url=f"{client.url}/static/mark.svg?")
        assert (elsewhere.returncode, "is no engine" in elsewhere.stderr) == (3, True)
    for url, why in (
        (f"http://127.0.0.1:{free_ports('127.0.0.1')}", "no engine answers at http://127.0.0.1:"),
        ("127.0.0.1:8080", "'127.0.0.1:8080' is no address of an engine; allowed: http://HOST:PORT"),
    ):
        nobody = await asyncio.to_thread(run, "status", token="", url=url)
        assert (nobody.returncode, nobody.stdout) == (3, "")
        assert why in nobody.stderr
        assert "CORDBOARD_URL" in nobody.stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["calls", "--watch"], ["calls", "--watch", "2"]),
        (["calls", "--watch", "--all"], ["calls", "--watch", "2", "--all"]),
        (["calls", "--watch", "0.5"], ["calls", "--watch", "0.5"]),
        (["calls", "--watch=3", "--json"], ["calls", "--watch=3", "--json"]),
    ],
)
def test_watch_needs_no_number(words: list[str], meant: list[str]) -> None:
    assert spelled_out(words) == meant


def test_a_watch_outlives_the_engine_for_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    answers: list[Any] = [
        "one call",
        Unreachable("no engine answers"),
        Refused(429, "429 too many"),
        "two calls",
    ]

    def ask() -> Any:
        if not answers:
            raise Refused(401, "401 the token is not one of this deployment's")
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(Refused, match="401"):
        watching(ask, Text, 0.001)
    shown = capsys.readouterr().out
    assert "two calls" in shown
    with pytest.raises(Refused, match="401"):
        watching(ask, Text, 0.001)

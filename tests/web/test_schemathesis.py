"""A stranger reads the API's description and tries everything that it promises, against every store, in every role."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from engine.agents.agent import Status
from engine.store.open import open_store
from engine.store.records import (
    ConversationEnded,
    ConversationStarted,
    EventNoted,
    PhaseEntered,
    RecordingWhole,
)
from engine.store.store import Store
from tests.kit.program import running
from tests.web.offices import Client, office, with_tokens

PAST = 1_790_000_000.0
WITHIN = 120.0
"""Seconds of one run."""
CONFIG = """
max-stream-events = 1
request-timeout = 10
warnings = false
[auth.openapi.token]
bearer = "token-{who}"
[[operations]]
include-operation-id = "listenToEvents"
request-timeout = 0.3
[generation]
max-examples = {examples}
deterministic = true
database = "none"
"""


async def remember(store: Store, total: int = 120) -> None:
    """Conversations of the past, with stories and recordings: more than a page of them."""
    for number in range(total):
        id, began = f"n1-{number:04}", PAST + number
        store.write(ConversationStarted(id, "n1", "inbound", "+442071230001", f"+4479{number:07}", began))
        queue, agent = ("support", "anna") if number % 2 else ("sales", "bob")
        store.write(PhaseEntered(id, 1, began, "waiting", queue=queue))
        store.write(PhaseEntered(id, 2, began + 1, "talking", agent=agent, answered=began + 1))
        store.write(EventNoted(id, 3, began + 2, "hung_up", {"who": "customer", "code": 200, "late": None}))
        store.write(RecordingWhole(id, "agent", f"recordings/{id}.wav", began + 1, 3.5, number % 3))
        store.write(ConversationEnded(id, began + 5, "completed"))
    await store.flush()


@asynccontextmanager
async def busy(client: Client) -> AsyncIterator[None]:
    """Somebody is always on the phone, however often they are hung up on; and there is always news."""
    centre = client.centre
    for name in ("anna", "bob"):
        await centre.agent(name, answer_after=0.0)

    async def life() -> None:
        for turn in count():
            if len(centre.engine.book.live) < 3:
                centre.caller()
            centre.engine.floor.choose("carl", Status.AWAY if turn % 2 else Status.AVAILABLE)
            await asyncio.sleep(0.05)  # it goes on beside what is asked, in real time

    task = asyncio.create_task(life())
    try:
        yield
    finally:
        task.cancel()


@pytest.mark.parametrize(
    ("url", "who", "examples"),
    [
        ("sqlite", "root", 20),
        ("sqlite", "lead", 5),
        pytest.param("postgresql", "root", 10, marks=pytest.mark.peer("postgres")),
        pytest.param("postgresql", "anna", 5, marks=pytest.mark.peer("postgres")),
        pytest.param("postgresql", "crm", 5, marks=pytest.mark.peer("postgres")),
    ],
    indirect=["url"],
)
async def test_everything_described_is_so(url: str, who: str, examples: int, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(who=who, examples=examples))
    async with open_store(url, spool=tmp_path / "spool") as store:
        await remember(store)
        yaml = with_tokens(", requests_per_second: 10000")
        async with office(tmp_path, yaml, store=store) as client, busy(client):
            failures = client.centre.engine.office.failures
            failures.rate = failures.burst = 10_000  # guessing is part of the trial
            words = (sys.executable, "-m", "schemathesis.cli", "run", "--checks=all", "--no-color")
            async with running(*words, f"{client.url}/api/v1/openapi.json", cwd=tmp_path) as program:
                code = await program.ended(WITHIN)
                assert code == 0, "\n".join(program.lines)

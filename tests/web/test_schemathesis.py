"""A stranger reads the API's description and tries everything that it promises, against every store, in every role."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.facts import Phase
from engine.store.open import open_store
from engine.store.records import ConversationEnded, ConversationStarted, EventNoted, PhaseEntered, RecordingWhole
from engine.store.store import Store
from tests.kit.program import running
from tests.web.offices import Client, office, with_tokens

PAST = 1_790_000_000.0
EXAMPLES = 25
WITHIN = 60.0
"""Seconds of one run."""
CONFIG = """
max-stream-events = 2
request-timeout = 5
warnings = false
[auth.openapi.token]
bearer = "token-{who}"
[generation]
max-examples = {examples}
deterministic = true
database = "none"
"""


async def remember(store: Store, count: int = 120) -> None:
    """Conversations of the past, with stories and recordings: more than a page of them."""
    for number in range(count):
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
    """Somebody is always on the phone, however often they are hung up on."""
    for name in ("anna", "bob"):
        await client.centre.agent(name, answer_after=0.0)

    async def calls() -> None:
        while True:
            if len(client.centre.engine.book.live) < 3:
                client.centre.caller()
            await asyncio.sleep(0.02)  # nobody is told of an API's hanging up but the phones

    task = asyncio.create_task(calls())
    try:
        while not any(call.phase is Phase.TALKING for call in client.centre.engine.book.live.values()):
            await asyncio.sleep(0.005)
        yield
    finally:
        task.cancel()


@pytest.mark.parametrize("who", ["root", "lead", "anna", "crm"])
async def test_everything_described_is_so(who: str, url: str, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(who=who, examples=EXAMPLES))
    async with open_store(url, spool=tmp_path / "spool") as store:
        await remember(store)
        async with office(tmp_path, with_tokens(", requests_per_second: 10000"), store=store) as client, busy(client):
            client.centre.engine.office.failures.rate = client.centre.engine.office.failures.burst = 10_000
            words = (sys.executable, "-m", "schemathesis.cli", "run", "--checks=all", "--no-color")
            async with running(*words, f"{client.url}/api/v1/openapi.json", cwd=tmp_path) as program:
                code = await program.ended(WITHIN)
                print("\n".join(program.lines))
                assert code == 0, "\n".join(program.lines)

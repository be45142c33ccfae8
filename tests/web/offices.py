"""A whole engine with its API on a free port, in real time, and an HTTP client with a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from engine.figures import Histogram
from engine.store.store import Store
from engine.store.writer import LAGS
from engine.web.lateness import STEPS
from engine.web.media_reports import MediaReports
from engine.web.metrics import Gauges
from engine.web.site import create_site, serve
from tests.kit.centre import YAML, Centre, contact_centre

TOKENS = {"root": "admin", "lead": "supervisor", "anna": "agent", "crm": "service"}
"""Names and roles; each one's token is token-NAME."""
WEB = "web: {tokens: [%s]%s}\n"

REPORTS = MediaReports()


@dataclass
class Behind:
    """A store with seven records to write."""

    waiting: int = 7
    lag: float = 1.5
    lags: Histogram = field(default_factory=lambda: Histogram(LAGS))


BEHIND = Behind()


def with_tokens(more: str = "") -> str:
    """The YAML of the usual contact centre, with a token for each role."""
    entry = "{name: %s, role: %s, token: token-%s}"
    tokens = ", ".join(entry % (name, role, name) for name, role in TOKENS.items())
    return YAML + WEB % (tokens, more)


@dataclass
class Answer:
    """What came back."""

    status: int
    json: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        return str(self.json["detail"])


@dataclass
class Client:
    """Asks the API."""

    url: str
    http: aiohttp.ClientSession
    centre: Centre

    async def ask(self, method: str, path: str, who: str | None = "root", **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer token-{who}"} if who else {}
        headers |= more.pop("headers", {})
        async with self.http.request(method, self.url + path, headers=headers, **more) as got:
            body = await got.json(content_type=None)
            return Answer(got.status, body, dict(got.headers))

    async def get(self, path: str, who: str | None = "root", **query: Any) -> Answer:
        return await self.ask("GET", "/api/v1" + path, who, params=query)


@asynccontextmanager
async def office(
    folder: Path, yaml: str | None = None, *, store: Store | None = None
) -> AsyncIterator[Client]:
    """An engine on a network in memory, and its API."""
    (folder / "greeting.wav").write_bytes(b"RIFF")
    async with contact_centre(folder, yaml or with_tokens(), store=store) as centre:
        works, sounds = centre.engine.office, centre.engine.desk.sounds
        sounds["support"] = replace(sounds["support"], greeting=None)  # it would be heard in real time
        gauges = Gauges(works, centre.engine.driver.messages, REPORTS, BEHIND, Histogram(STEPS))
        site = create_site(
            centre.engine.board,
            centre.clock,
            hosts=lambda: works.settings.web.hosts,
            office=works,
            gauges=gauges,
        )
        async with serve(site, "127.0.0.1", 0) as (host, port), aiohttp.ClientSession() as http:
            yield Client(f"http://{host}:{port}", http, centre)

"""What the API works with, wired once."""

from __future__ import annotations

from dataclasses import dataclass, field

from config.settings import Settings
from engine.agents.choices import Choices
from engine.agents.floor import Floor
from engine.conversations.book import Book
from engine.conversations.journal import Journal
from engine.deployment.reload import Reloader
from engine.facts import Clock
from engine.queues.dispatcher import Dispatcher
from engine.store.store import Store
from engine.web.api.limits import Limit
from engine.web.api.ring import Ring
from engine.web.api.tokens import Tokens

FAILURES_PER_SECOND, FAILURES_AT_ONCE = 1.0, 20.0
"""How often one address may come with a wrong token or none."""


@dataclass(slots=True)
class Office:
    """The engine, as the API sees it."""

    settings: Settings
    """The deployment in force."""
    node: str
    clock: Clock
    book: Book
    floor: Floor
    choices: Choices
    dispatcher: Dispatcher
    journal: Journal
    store: Store
    ring: Ring
    reloader: Reloader
    tokens: Tokens = field(init=False)
    by_token: Limit = field(init=False)
    by_address: Limit = field(init=False)
    failures: Limit = field(init=False)
    ready_since: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens()
        self.by_token, self.by_address = Limit(1, 1), Limit(1, 1)
        self.failures = Limit(FAILURES_PER_SECOND, FAILURES_AT_ONCE)
        self.ready_since = self.clock.wall()
        self.take(self.settings)
        self.reloader.on_applied.append(self.take)

    def take(self, settings: Settings) -> None:
        """Another deployment is in force: its tokens and limits from now on."""
        self.settings = settings
        self.tokens.replace(settings.web.tokens)
        rate = settings.web.requests_per_second
        for limit in (self.by_token, self.by_address):
            limit.rate, limit.burst = rate, 2 * rate

    def monotonic(self) -> float:
        return self.clock.monotonic()

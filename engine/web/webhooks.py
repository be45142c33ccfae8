"""Events posted to whoever asked for them: signed, in order, again with growing pauses when they do not take them.

Each is delivered at least once, over restarts too: a receiver knows one that comes again by its id (Cordboard-Event).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

import aiohttp
import structlog

from config.settings import Settings
from config.web import Webhook
from engine.facts import Clock
from engine.store.records import EventTold
from engine.web.outbox import Outbox

log = structlog.get_logger()
PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before each further try; the last failure gives the event up."""
LONGEST = aiohttp.ClientTimeout(total=10)
RESET = b'{"type":"reset"}'
"""Some events are gone: the receiver was away too long. It should ask for everything anew."""
SUCCESS = range(200, 300)
TIDY_EVERY = 30.0
"""Seconds between two looks for what all have taken."""


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 in hexadecimal over TIMESTAMP.BODY; a receiver refuses old timestamps and wrong signatures."""
    return hmac.new(secret.encode(), b"%d." % timestamp + body, sha256).hexdigest()


class Delivery:
    """One receiver, and its way through the outbox."""

    def __init__(
        self, hook: Webhook, name: str, outbox: Outbox, clock: Clock, http: aiohttp.ClientSession
    ) -> None:
        """`name` is what its position is kept under."""
        self._hook = hook
        self._name = name
        self._outbox = outbox
        self._clock = clock
        self._http = http
        self._new = outbox.now

    async def run(self) -> None:
        """Deliver what has happened since it was last here, or since this was made, until cancelled."""
        position = await self._outbox.join(self._name, self._new)
        while not self._outbox.closed:
            events = await self._outbox.after(position)
            if events is None:
                position = self._outbox.oldest
                await self._deliver("reset", RESET)
                continue
            for event in events:
                await self._tell(event)
                position = (event.epoch, event.number)

    async def _tell(self, event: EventTold) -> None:
        if event.type in self._hook.events:
            await self._deliver(event.id, event.body.encode())
            await self._outbox.taken(self._name, event)

    async def _deliver(self, id: str, body: bytes) -> None:
        for pause in (*PAUSES, None):
            why = await self._post(id, body)
            if why is None:
                return
            log.warning("webhook_failed", url=self._hook.url, id=id, why=why, again_in=pause)
            if pause is not None:
                await asyncio.sleep(pause)
        log.error("webhook_given_up", url=self._hook.url, id=id, tries=len(PAUSES) + 1)

    async def _post(self, id: str, body: bytes) -> str | None:
        """Why it was not taken; None when it was."""
        timestamp = int(self._clock.wall())
        headers = {
            "Content-Type": "application/json",
            "Cordboard-Event": id,
            "Cordboard-Timestamp": str(timestamp),
            "Cordboard-Signature": signature(self._hook.secret.get_secret_value(), timestamp, body),
        }
        post = self._http.post(self._hook.url, data=body, headers=headers, allow_redirects=False)
        try:
            async with post as answer:
                return None if answer.status in SUCCESS else f"answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return str(error) or type(error).__name__


class Webhooks:
    """A delivery for each receiver of the deployment in force."""

    def __init__(self, outbox: Outbox, clock: Clock, http: aiohttp.ClientSession) -> None:
        self._outbox = outbox
        self._clock = clock
        self._http = http
        self._tasks: dict[str, tuple[Webhook, asyncio.Task[None]]] = {}

    def take(self, settings: Settings) -> None:
        """Another deployment: receivers that are in both go on where they are."""
        hooks = named(settings.web.webhooks)
        for name, (hook, task) in list(self._tasks.items()):
            if hooks.get(name) != hook:
                task.cancel()
                del self._tasks[name]
            if name not in hooks:
                self._outbox.leave(name)
        self._outbox.types = frozenset(type for hook in hooks.values() for type in hook.events)
        for name in hooks.keys() - self._tasks.keys():
            self._tasks[name] = (hooks[name], self._start(name, hooks[name]))

    async def tidy(self) -> None:
        """Now and then drop what all have taken."""
        while True:
            await asyncio.sleep(TIDY_EVERY)
            await self._outbox.tidy()

    async def close(self) -> None:
        """Stop delivering; what is under way is given up, and delivered after the next start."""
        for _, task in self._tasks.values():
            task.cancel()
        for _, task in self._tasks.values():
            with suppress(asyncio.CancelledError):
                await task

    def _start(self, name: str, hook: Webhook) -> asyncio.Task[None]:
        delivery = Delivery(hook, name, self._outbox, self._clock, self._http)
        return asyncio.create_task(delivery.run(), name=f"webhook {hook.url}")


def named(hooks: Sequence[Webhook]) -> dict[str, Webhook]:
    """Receivers by what their positions are kept under: their address, and a number where it is there twice."""
    names: dict[str, Webhook] = {}
    for hook in hooks:
        same = sum(hook.url == other.url for other in names.values())
        names[f"{hook.url} {same + 1}" if same else hook.url] = hook
    return names


@asynccontextmanager
async def posting(
    settings: Settings, outbox: Outbox, clock: Clock, on_applied: list[Callable[[Settings], None]]
) -> AsyncIterator[None]:
    """While the block runs, the deployment's webhooks are told; those of the next one after a reload."""
    async with aiohttp.ClientSession(timeout=LONGEST) as http:
        hooks = Webhooks(outbox, clock, http)
        hooks.take(settings)
        on_applied.append(hooks.take)
        tidy = asyncio.create_task(hooks.tidy(), name="webhooks' tidying")
        try:
            yield
        finally:
            on_applied.remove(hooks.take)
            tidy.cancel()
            await hooks.close()
            outbox.close()

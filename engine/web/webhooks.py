"""Events posted to whoever asked for them: signed, in order, again with growing pauses when they do not take them."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

import aiohttp
import structlog

from config.settings import Settings
from config.web import Webhook
from engine.facts import Clock
from engine.web.api.ring import Ring, Told

log = structlog.get_logger()
PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before each further try; the last failure gives the event up."""
LONGEST = aiohttp.ClientTimeout(total=10)
RESET = b'{"type":"reset"}'
"""Some events are gone: the receiver was away too long. It should ask for everything anew."""
SUCCESS = range(200, 300)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 in hexadecimal over TIMESTAMP.BODY; a receiver refuses old timestamps and wrong signatures."""
    return hmac.new(secret.encode(), b"%d." % timestamp + body, sha256).hexdigest()


class Delivery:
    """One receiver and where it is in the ring."""

    def __init__(self, hook: Webhook, ring: Ring, clock: Clock, http: aiohttp.ClientSession) -> None:
        self._hook = hook
        self._ring = ring
        self._clock = clock
        self._http = http
        self._since = ring.last

    async def run(self) -> None:
        """Deliver what has happened since this was made, until cancelled."""
        seen = self._since
        while not self._ring.closed:
            await self._ring.news(seen)
            told = self._ring.after(seen)
            if told is None:
                seen = self._ring.last
                await self._deliver(self._ring.id_of(seen), RESET)
                continue
            seen = await self._each(told, seen)

    async def _each(self, told: Sequence[Told], seen: int) -> int:
        for event in told:
            if event.type in self._hook.events:
                await self._deliver(self._ring.id_of(event.number), event.body)
            seen = event.number
        return seen

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

    def __init__(self, ring: Ring, clock: Clock, http: aiohttp.ClientSession) -> None:
        self._ring = ring
        self._clock = clock
        self._http = http
        self._tasks: Mapping[Webhook, asyncio.Task[None]] = {}

    def take(self, settings: Settings) -> None:
        """Another deployment: receivers that are in both go on where they are."""
        before = dict(self._tasks)
        self._tasks = {
            hook: before.pop(hook) if hook in before else self._start(hook) for hook in settings.web.webhooks
        }
        for task in before.values():
            task.cancel()

    async def close(self) -> None:
        """Stop delivering; what is under way is given up."""
        for task in self._tasks.values():
            task.cancel()
        for task in self._tasks.values():
            with suppress(asyncio.CancelledError):
                await task

    def _start(self, hook: Webhook) -> asyncio.Task[None]:
        delivery = Delivery(hook, self._ring, self._clock, self._http)
        return asyncio.create_task(delivery.run(), name=f"webhook {hook.url}")


@asynccontextmanager
async def posting(
    settings: Settings, ring: Ring, clock: Clock, on_applied: list[Callable[[Settings], None]]
) -> AsyncIterator[None]:
    """While the block runs, the deployment's webhooks are told; those of the next one after a reload."""
    async with aiohttp.ClientSession(timeout=LONGEST) as http:
        hooks = Webhooks(ring, clock, http)
        hooks.take(settings)
        on_applied.append(hooks.take)
        try:
            yield
        finally:
            on_applied.remove(hooks.take)
            await hooks.close()

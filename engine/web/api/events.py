"""What happens, as server-sent events; who comes back says where they were (Last-Event-ID)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from config.web import EVENTS, EventType
from engine.web.api.ring import Ring, Told
from engine.web.api.route import Call, Route
from engine.web.api.tokens import STAFF

PULSE = 10.0
"""Seconds of silence after which a comment is sent, so that both ends notice a dead connection."""
PATIENCE = 20.0
"""Seconds a listener may take nothing before it is let go; it comes back by itself."""
LAST = "Last-Event-ID"
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


DATA = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "data": {
            "type": "object",
            "description": "The conversation, agent or reload as its own route shows it.",
        },
    },
    "required": ["type"],
}


class Listen(msgspec.Struct, forbid_unknown_fields=True):
    """What to hear of."""

    types: list[EventType] = []
    """All when left out."""


class Event(msgspec.Struct):
    """One event of the stream, its lines as fields."""

    id: str
    """For Last-Event-ID."""
    event: EventType | Literal["reset"]
    """Its type; `reset` says that some were missed."""
    data: Annotated[
        str, Meta(extra_json_schema={"contentMediaType": "application/json", "contentSchema": DATA})
    ]


async def listen(call: Call) -> web.StreamResponse:
    """Events after Last-Event-ID, or from now on. `reset` says that some were missed: ask for everything anew."""
    types, ring = frozenset(call.query.types or EVENTS), call.office.ring
    id = call.request.headers.get(LAST)
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(call.request)
    try:
        await _stream(ring, types, ring.last if id is None else ring.number_of(id), response)
    except (ConnectionError, TimeoutError):
        if call.request.transport is not None:
            call.request.transport.abort()
    return response


async def _stream(ring: Ring, types: frozenset[str], seen: int | None, response: web.StreamResponse) -> None:
    await _send(response, b"retry: 2000\n\n")
    while not ring.closed:
        missed = ring.after(seen) if seen is not None else None
        if seen is None or missed is None:
            await _send(response, _event(ring, ring.last, "reset", b'{"type":"reset"}'))
            seen = ring.last
            continue
        wanted = [_told(ring, told) for told in missed if told.type in types]
        seen += len(missed)
        await _send(response, b"".join(wanted) or b": still here\n\n")
        await _news(ring, seen)


async def _news(ring: Ring, seen: int) -> None:
    """Wait for the next event, at most a pulse's length."""
    try:
        async with asyncio.timeout(PULSE):
            await ring.news(seen)
    except TimeoutError:
        return


def _told(ring: Ring, told: Told) -> bytes:
    return _event(ring, told.number, told.type, told.body)


def _event(ring: Ring, number: int, type: str, body: bytes) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (ring.id_of(number).encode(), type.encode(), body)


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await response.write(data)


ROUTES = (
    Route(
        "GET",
        "/events",
        "listenToEvents",
        "Events as they happen, resumed by Last-Event-ID",
        STAFF,
        listen,
        Event,
        query=Listen,
        headers={LAST: "The last event that was heard: go on behind it."},
        content_type="text/event-stream",
    ),
)

"""For whatever starts and restarts the engine: is it alive, and may it be given calls?"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from engine.web.live import FEED

Unready = Callable[[], str | None]
"""Why the engine should be given no calls at the moment; None when it may."""

UNREADY = web.AppKey[Unready]("unready")


async def healthz(request: web.Request) -> web.Response:
    """200 as long as the event loop turns."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """200 when calls are welcome, else 503 with the reason."""
    reason = request.app[UNREADY]()
    if reason is None and request.app[FEED].closed:
        reason = "the wallboard's feed has stopped; the log says why"
    if reason is not None:
        return web.Response(status=503, text=f"not ready: {reason}\n")
    return web.Response(text="ready\n")

"""The web server: which address shows what."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from engine.facts import Clock
from engine.web.api.nouns import serve_api
from engine.web.api.office import Office
from engine.web.api.problem import problems
from engine.web.api.route import MOST_BYTES
from engine.web.board import BoardSource
from engine.web.feed import Feed
from engine.web.guard import guard
from engine.web.hosts import Hosts, host_check, none_further
from engine.web.live import CLOCK, FEED, live
from engine.web.metrics import Gauges, serve_metrics
from engine.web.pages.wallboard import PARTS, wallboard_page
from engine.web.probes import UNREADY, Unready, healthz, readyz

log = structlog.get_logger()
STATIC = Path(__file__).parent / "static"
SOURCE = web.AppKey[BoardSource]("source")


class CannotListen(Exception):
    """The address of the web server cannot be used; the text says which and why."""


def always_ready() -> str | None:
    """An engine with nothing to wait for."""
    return None


def create_site(
    source: BoardSource,
    clock: Clock,
    unready: Unready = always_ready,
    *,
    hosts: Hosts = none_further,
    office: Office | None = None,
    gauges: Gauges | None = None,
) -> web.Application:
    """The wallboard at /, its events at /live, the probes /healthz and /readyz.

    With an office, the API; with gauges, /metrics. `clock` is the one whose monotonic times the boards carry;
    `unready` answers /readyz; `hosts` are the names that this server answers to beside its addresses.
    """
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[host_check(hosts), problems])
    app[SOURCE], app[CLOCK], app[UNREADY] = source, clock, unready
    app[FEED] = Feed(source, PARTS)
    app.on_response_prepare.append(guard)
    app.cleanup_ctx.append(_feed_runs)
    app.on_shutdown.append(_let_viewers_go)
    app.router.add_get("/", index)
    app.router.add_get("/live", live)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_static("/static", STATIC)
    if office is not None:
        serve_api(app, office)
    if gauges is not None:
        serve_metrics(app, gauges)
    return app


async def index(request: web.Request) -> web.Response:
    """The wallboard as it is now; from then on /live keeps it so."""
    html = wallboard_page(request.app[SOURCE].board())
    return web.Response(text=html, content_type="text/html")


@asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Serve while the block runs; gives the address in use (port 0 takes a free one).

    Raises CannotListen when the address is taken or is not ours.
    """
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        address = runner.addresses[0]
        yield address[0], address[1]
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise CannotListen(f"web.listen: cannot listen on {host}:{port}: {why}") from error


async def _feed_runs(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[FEED].run(), name="wallboard feed")
    task.add_done_callback(_say_why)
    yield
    task.cancel()
    await asyncio.wait([task])


def _say_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("wallboard_feed_stopped", exc_info=error)


async def _let_viewers_go(app: web.Application) -> None:
    app[FEED].close()

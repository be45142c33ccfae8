"""`cordboard run`: the engine in the real world, from its first line to its exit code."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import structlog

from config.built import unbuilt
from config.settings import Settings
from engine.app import Engine, World, assemble
from engine.cli import codes
from engine.cli.logs import FLUSH_EVERY, Lines, start_logging
from engine.cli.reloading import reloading
from engine.cli.sizing import plane_settings
from engine.conversations.restart import close_cut_off
from engine.deployment.source import Source
from engine.facts import Clock, Reason
from engine.recordings.catalogue import Recorded
from engine.recordings.filing import Filing
from engine.store.databases import StoreFault
from engine.store.open import open_store
from engine.store.store import Store, StoreDown
from engine.transports.listening import CannotBind, Listeners
from engine.web.lateness import loop_watched
from engine.web.media_reports import MediaReports
from engine.web.metrics import Gauges
from engine.web.site import CannotListen, create_site, serve
from engine.web.webhooks import posting
from media.client import MediaFault, MediaPlane
from media.control import BadClip
from media.prompts import Prompts

log = structlog.get_logger()

FIRST_MEND, NEXT_MEND = 10.0, 300.0
"""Seconds between looks for recordings that a crash left unfinished."""
LAST_WORDS = 1.0
"""Seconds that BYEs may wait for their 200s, and rows for their media process, when the engine stops."""


class CannotStart(Exception):
    """The engine cannot run; the text says what is in the way."""


def run_daemon(settings: Settings, source: Source, drain: float, log_format: str) -> int:
    """Run until a signal; gives the exit code."""
    started = time.monotonic()
    lines = start_logging(settings.logging.level, log_format)
    try:
        return asyncio.run(_serve(settings, source, drain, started, lines))
    except (CannotStart, CannotBind, CannotListen, MediaFault, StoreFault, StoreDown, BadClip) as error:
        log.error("cannot_start", why=str(error))
        return codes.CANNOT_START
    finally:
        lines.close()


async def _serve(settings: Settings, source: Source, drain: float, started: float, lines: Lines) -> int:
    signals = _signals()
    async with AsyncExitStack() as undo:
        await undo.enter_async_context(_flushing(lines))
        idle = unbuilt(settings)
        if idle:
            log.warning("not_built_yet", keys=idle)
        listeners = Listeners(settings.sip)
        _recordings_folder(settings)
        engine, gauges = await _start(settings, source, listeners, undo)
        engine.claims.on_fenced.append(partial(signals.put_nowait, signal.SIGTERM))
        host, port = await undo.enter_async_context(_site(settings, engine, gauges))
        await undo.enter_async_context(reloading(engine.office.reloader))
        engine.office.reloader.on_applied.append(lambda _: listeners.renew())
        await _open_to_calls(engine, listeners, undo)
        _calm_collector()
        log.info(
            "ready",
            sip=listeners.texts(),
            web=f"http://{host}:{port}",
            seconds=round(time.monotonic() - started, 2),
        )
        lines.flush()
        await signals.get()
        return await _wind_down(engine, signals, drain)


async def _start(
    settings: Settings, source: Source, listeners: Listeners, undo: AsyncExitStack
) -> tuple[Engine, Gauges]:
    """What is needed before the first call: store, media processes, engine; and the figures of all of them."""
    store = await undo.enter_async_context(open_store(settings.store.url.get_secret_value()))
    clock = Clock(time.monotonic, time.time)
    epoch = await _begin(store, clock, settings.node.name)
    filing = await undo.enter_async_context(Filing())
    reports = MediaReports()
    plane = MediaPlane(plane_settings(settings), on_report=reports.take)
    prompts = Prompts(plane.arena.add)
    undo.push_async_callback(prompts.close)
    plane.loader = prompts.load
    undo.push_async_callback(plane.stop)
    await plane.start()
    local, locator = listeners.local(), listeners.locator()
    world = World(clock, settings.node.name, _tokens(), os.urandom(32), local, source, epoch, locator)
    engine = await assemble(settings, world, plane, store, filing)
    await undo.enter_async_context(_mending(engine))
    late = await undo.enter_async_context(loop_watched())
    return engine, Gauges(engine.office, engine.driver.messages, reports, store.writer, late)


async def _open_to_calls(engine: Engine, listeners: Listeners, undo: AsyncExitStack) -> None:
    """Last, because what fails inside the book's tasks comes out of them in a group."""
    undo.callback(engine.driver.close)
    await undo.enter_async_context(engine.claims)
    await undo.enter_async_context(engine.book)
    await listeners.open(engine.driver)


async def _begin(store: Store, clock: Clock, node: str) -> int:
    """Another life of this node: its number, once what the last one left open is closed."""
    try:
        epoch = await store.begin(node)
        await close_cut_off(store, clock, node)
    except StoreDown as error:
        raise CannotStart(f"store.url: calls that a crash cut off cannot be closed: {error}") from error
    return epoch


async def _wind_down(engine: Engine, signals: asyncio.Queue[int], drain: float) -> int:
    """Let calls finish, unless told again; then end what is left and say how it went."""
    log.info("draining", calls=len(engine.book.live), seconds=drain)
    drained = asyncio.create_task(engine.book.drained(drain))
    again = asyncio.create_task(signals.get())
    await asyncio.wait({drained, again}, return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    drained.cancel()
    cut_off = len(engine.book.live)
    engine.book.stop()
    await _last_words(engine)
    held = {kind: count for kind, count in engine.held().items() if count}
    if held:
        log.error("left_behind", **held)
    book = engine.book
    log.info(
        "stopped",
        offered=book.offered,
        answered=book.answered,
        abandoned=book.ends[Reason.ABANDONED],
        cut_off=cut_off,
        left_behind=sum(held.values()),
        ends={str(reason): count for reason, count in book.ends.items()},
    )
    return codes.CUT_OFF if cut_off else codes.STOPPED


async def _last_words(engine: Engine) -> None:
    """Our BYEs are to be heard and the media rows to be given back, within reason."""
    await engine.book.drained(LAST_WORDS)
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS):
            await engine.driver.quiet()
            await engine.desk.plant.sound.all_closed()


@asynccontextmanager
async def _mending(engine: Engine) -> AsyncIterator[None]:
    """Make whole what a crash left: now, again when a recorder that outlived it is gone, then now and then."""
    desk = engine.desk

    def tell(mended: list[Recorded]) -> None:
        for recorded in mended:
            desk.journal.mended(recorded)

    async def mend() -> None:
        pause = FIRST_MEND
        while True:
            desk.filing.then(desk.recordings.repair, tell)
            await asyncio.sleep(pause)
            pause = NEXT_MEND

    task = asyncio.create_task(mend())
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def _site(settings: Settings, engine: Engine, gauges: Gauges) -> AsyncIterator[tuple[str, int]]:
    listen = settings.web.listen
    office = engine.office
    site = create_site(
        engine.board,
        engine.desk.clock,
        lambda: "draining" if engine.book.draining else None,
        hosts=lambda: office.settings.web.hosts,
        office=office,
        gauges=gauges,
    )
    async with serve(site, listen.host, listen.port) as address:
        async with posting(settings, engine.outbox, office.clock, office.reloader.on_applied):
            yield address


@asynccontextmanager
async def _flushing(lines: Lines) -> AsyncIterator[None]:
    """Write out log lines every so often."""

    async def flush() -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            lines.flush()

    task = asyncio.create_task(flush())
    try:
        yield
    finally:
        task.cancel()


def _recordings_folder(settings: Settings) -> None:
    """Found out now, not with the first call."""
    if not settings.recordings.enabled:
        return
    folder = settings.recordings.folder
    where = f"{settings.where('recordings', 'folder')}: recordings cannot be kept in {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"{where}: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotStart(f"{where}: it may not be written to")


def _signals() -> asyncio.Queue[int]:
    arrived: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, arrived.put_nowait, number)
    return arrived


def _tokens() -> Callable[[], str]:
    """Sixteen hexadecimal digits a call, unguessable; the kernel is asked once for many."""
    pool: list[str] = []

    def token() -> str:
        if not pool:
            text = secrets.token_hex(2048)
            pool.extend(text[i : i + 16] for i in range(0, len(text), 16))
        return pool.pop()

    return token


def _calm_collector() -> None:
    """What is there now stays; without this, pauses of a full collection reach a quarter of a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)

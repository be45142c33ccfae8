"""What makes a running engine read its deployment again: SIGHUP, and a change of its files."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from watchfiles import Change, awatch

from engine.deployment.reload import Reloader

log = structlog.get_logger()


@asynccontextmanager
async def reloading(reloader: Reloader) -> AsyncIterator[None]:
    """While the block runs, SIGHUP and changed files reload."""
    loop = asyncio.get_running_loop()
    reasons: asyncio.Queue[str] = asyncio.Queue()
    loop.add_signal_handler(signal.SIGHUP, reasons.put_nowait, "signal")
    tasks = [asyncio.create_task(_reload(reloader, reasons), name="reload")]
    if reloader.source is not None:
        tasks.append(asyncio.create_task(_watch(reloader.source.path, reasons), name="deployment watch"))
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _reload(reloader: Reloader, reasons: asyncio.Queue[str]) -> None:
    while True:
        why = await reasons.get()
        try:
            await reloader.reload(why)
        except Exception:  # a defect here must not end the reloads to come: it is logged
            log.exception("reload_fault")


def _watched(path: Path) -> tuple[Path, Callable[[Change, str], bool]]:
    """A folder, and which of its files count. Editors write beside a file and rename, so a file's is watched too."""
    if path.is_dir():
        return path, lambda change, changed: changed.endswith(".yaml")
    return path.absolute().parent, lambda change, changed: Path(changed).name == path.name


async def _watch(path: Path, reasons: asyncio.Queue[str]) -> None:
    folder, ours = _watched(path)
    try:
        async for _ in awatch(folder, watch_filter=ours, recursive=False):
            reasons.put_nowait("file")
    except OSError as error:
        log.warning("deployment_not_watched", path=str(path), reason=str(error))

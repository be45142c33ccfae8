"""Log lines: JSON for machines, columns for people; those of a call carry its conversation and its legs."""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
from contextlib import suppress
from typing import TextIO

import msgspec
import structlog
from structlog.typing import Processor

FLUSH_EVERY = 0.25
"""Seconds a line may stay in our buffer: a flush per line doubles what a call costs."""
MOST_WAITING, MOST_BATCHES = 500, 100
"""Lines in a batch, and batches that wait for a reader who is asleep."""
LAST = 1.0
"""Seconds that the last lines may take."""
END = b""


class Lines:
    """Writes lines in a thread of its own. `flush` is called by a timer, and at once for what is urgent.

    A log that cannot be written (disk full, reader gone or asleep) loses its lines; calls go on.
    """

    def __init__(self, stream: TextIO) -> None:
        self._file = stream.fileno()
        self._waiting: list[str] = []
        self._batches: queue.Queue[bytes] = queue.Queue(MOST_BATCHES)
        self._thread = threading.Thread(target=self._write_out, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) >= MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Hand over what there is."""
        if self._waiting:
            with suppress(queue.Full):
                self._batches.put_nowait("".join(self._waiting).encode("utf-8", "backslashreplace"))
            self._waiting.clear()

    def close(self) -> None:
        """Write out the rest, unless nobody takes it."""
        self.flush()
        with suppress(queue.Full):
            self._batches.put(END, timeout=LAST)
        self._thread.join(LAST)

    def _write_out(self) -> None:
        while (data := self._batches.get()) is not END:
            with suppress(OSError):
                while data:
                    data = data[os.write(self._file, data) :]


class _Logger:
    """What structlog writes with."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def _calm(self, line: str) -> None:
        self._lines.write(line + "\n")

    def _urgent(self, line: str) -> None:
        self._lines.write(line + "\n")
        self._lines.flush()

    debug = info = _calm
    warning = error = critical = exception = _urgent


class _FromLibraries(logging.Handler):
    """Lines of parts that speak through the standard library's logging, ours and others', in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        say = structlog.get_logger().bind(logger=record.name)
        text = record.getMessage()
        if record.exc_info:
            say.error(text, exc_info=record.exc_info)
        else:
            getattr(say, LEVELS.get(record.levelno, "warning"))(text)


LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.ERROR: "error", logging.CRITICAL: "critical"}


def _json(event: object, **options: object) -> str:
    """Twice as quick as the standard library's, which takes what is no text in any language too."""
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:
        return json.dumps(event, default=repr)


def start_logging(level: str, form: str, stream: TextIO = sys.stdout) -> Lines:
    """Set up structlog for the process; `form` is "json" or "console". Returns what has to be flushed."""
    lines = Lines(stream)
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    else:
        processors.append(structlog.dev.ConsoleRenderer(colors=stream.isatty()))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *args: _Logger(lines),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_FromLibraries()], level=logging.WARNING, force=True)
    for ours in ("media", "engine", "recordings"):
        logging.getLogger(ours).setLevel(level.upper())
    return lines

"""Log lines: one form for everybody's, and never in the way of a call."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from engine.cli.logs import start_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is the process's: put it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines_carry_what_was_said_and_where(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as stream:
        lines = start_logging("info", "json", stream)
        structlog.get_logger().info("phase", conversation="n1-1", leg="n1-1-2", wait=1.5)
        structlog.get_logger().debug("not asked for")
        lines.close()
        (line,) = (tmp_path / "log").read_text().splitlines()
    said = json.loads(line)
    assert {key: said[key] for key in ("event", "conversation", "leg", "wait", "level")} == {
        "event": "phase",
        "conversation": "n1-1",
        "leg": "n1-1-2",
        "wait": 1.5,
        "level": "info",
    }


def test_what_libraries_say_takes_the_same_form(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as stream:
        lines = start_logging("info", "json", stream)
        logging.getLogger("media.client").error("worker %d is gone", 1)
        lines.close()
        said = json.loads((tmp_path / "log").read_text())
    assert (said["event"], said["logger"], said["level"]) == ("worker 1 is gone", "media.client", "error")


def test_a_hostile_name_stays_on_its_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as stream:
        lines = start_logging("info", "json", stream)
        structlog.get_logger().info("call_offered", caller='x"\n{"event": "forged"}\udcff')
        lines.close()
        (line,) = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line)["event"] == "call_offered"


def test_a_log_that_nobody_reads_any_more_costs_no_call() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        lines = start_logging("info", "json", stream)
        os.close(read)
        structlog.get_logger().error("nobody hears this")
        lines.close()


def test_a_reader_who_is_asleep_holds_nobody_up() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        lines = start_logging("info", "json", stream)
        for _ in range(200):
            structlog.get_logger().error("x" * 10_000)  # far more than a pipe takes
        assert os.read(read, 100).startswith(b'{"event"')
        os.close(read)
        lines.close()

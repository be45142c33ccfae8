"""What the API says, as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], object]]


def table(title: str, columns: Iterable[Column], rows: Iterable[Row]) -> Table:
    """One line for each row. What the network sent is shown as it is, never as markup."""
    columns = list(columns)
    made = Table(title=title, title_justify="left")
    for name, _ in columns:
        made.add_column(name)
    for row in rows:
        made.add_row(*(Text(str(of(row))) for _, of in columns))
    return made


def column(name: str, field: str | None = None) -> Column:
    key = field or name
    return name, lambda row: "" if row[key] is None else row[key]


def length(seconds: float) -> str:
    """m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def clock(text: str | None) -> str:
    """A UTC time of the API, here and to the second."""
    return f"{datetime.fromisoformat(text).astimezone():%d %b %H:%M:%S}" if text else ""


def counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items() if count) or "none"


def status_table(status: Row) -> Table:
    """The node: one line for each fact."""
    made = Table(
        title=f"{status['organisation']} ({status['node']})", title_justify="left", show_header=False
    )
    facts = {
        "since": clock(status["since"]),
        "live": counts(status["live"]),
        "waiting": status["queues_waiting"],
        "agents": counts(status["agents"]),
        "offered": status["offered"],
        "answered": status["answered"],
        "ends": counts(status["ends"]),
    }
    if status["draining"]:
        facts["draining"] = "no new calls are taken"
    for name, value in facts.items():
        made.add_row(name, Text(str(value)))
    return made


CALLS = (
    column("id"),
    ("started", lambda row: clock(row["started"])),
    column("phase"),
    column("caller"),
    column("number"),
    column("queue"),
    column("agent"),
)
PAST = (
    *CALLS,
    ("ended", lambda row: clock(row["ended"])[-8:]),
    column("end"),
)
QUEUES = (
    column("queue", "name"),
    column("waiting"),
    ("longest", lambda row: length(row["longest_wait"])),
    (
        "agents",
        lambda row: f"{row['agents_free']} free, {row['agents_logged_in']} of {len(row['agents'])} in",
    ),
    column("offered"),
    column("answered"),
    column("abandoned"),
    column("gave up", "gave_up"),
)
AGENTS = (
    column("id"),
    column("name"),
    column("status"),
    column("doing"),
    ("for", lambda row: length(row["seconds"])),
    column("talking to", "talking_to"),
    ("queues", lambda row: " ".join(row["queues"])),
    column("phones"),
    column("calls"),
)

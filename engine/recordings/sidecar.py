"""What a recording is about (feature H3), in a CSV and a JSON file beside its sound."""

from __future__ import annotations

import csv
import io
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known about one recording. Field names are the JSON's keys and the CSV's columns."""

    conversation_id: str
    call_id: str
    """The SIP Call-ID of the recorded leg."""
    segment: int
    leg: str
    """Which party is heard: customer, agent, consulted ..."""
    customer_name: str = ""
    customer_number: str = ""
    agent_name: str = ""
    """Empty while nobody has answered, and for good when nobody did."""
    start: str
    """ISO 8601 UTC, milliseconds."""
    end: str = ""
    """The same; empty while it is being recorded."""
    seconds: float = 0.0
    """Length of the sound."""
    gaps: int = 0
    """20 ms frames that were lost on the way and are silence."""
    heard_packets: int = 0
    """RTP packets that came from the party, since its sound was opened; so are all figures below."""
    heard_lost: int = 0
    heard_discarded: int = 0
    """That came too late to be heard."""
    heard_jitter_ms: float = 0.0
    heard_mos: float | None = None
    """How the party sounds, 1 (bad) .. 4.41, by the E-model of ITU-T G.107."""
    sent_packets: int = 0
    sent_lost: int | None = None
    """By the party's own reports; None when it sends none. So are the two below."""
    sent_jitter_ms: float | None = None
    sent_mos: float | None = None
    """How the party hears the others."""
    round_trip_ms: float | None = None
    fault: str = ""
    """Why it ended early, for a person to read."""


def moment(wall: float) -> str:
    """Seconds since 1970 as ISO 8601 UTC with milliseconds: 2026-03-01T09:30:00.250Z."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wall(moment: str) -> float:
    """The other way. Raises ValueError."""
    return datetime.fromisoformat(moment).timestamp()


def write(stem: Path, about: About) -> None:
    """Write `stem`.csv and `stem`.json, both or none. Raises OSError.

    Half of one may be left by a crash: they mean nothing before their WAV lies beside them.
    """
    files = {"csv": _as_csv(about), "json": as_json(about)}
    paths = {stem.with_name(f"{stem.name}.{suffix}"): data for suffix, data in files.items()}
    try:
        for path, data in paths.items():
            path.write_bytes(data)
    except OSError:
        for path in paths:
            with suppress(OSError):
                path.unlink()
        raise


def read(path: Path) -> About:
    """The facts in a JSON sidecar. Raises OSError, or msgspec.MsgspecError when it is damaged."""
    return msgspec.json.decode(path.read_bytes(), type=About)


def as_json(about: About) -> bytes:
    return msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n"


def _as_csv(about: About) -> bytes:
    fields = msgspec.to_builtins(about)
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, fields)
    table.writeheader()
    table.writerow({key: _harmless(value) for key, value in fields.items()})
    return text.getvalue().encode(errors="backslashreplace")


def _harmless(value: object) -> object:
    """A caller's name may not become a formula in somebody's spreadsheet; a number +44... stays."""
    formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if formula and not str(value).lstrip("+").isdigit() else value


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step, so that a reader sees the old one or the new one. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(data)
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise

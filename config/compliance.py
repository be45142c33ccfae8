"""What the law of a country fixes for engagements (feature G20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from config.times import Span

Since = Literal["answer", "greeting_end"]
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Pack:
    """Limits that a YAML under this pack may tighten, never loosen; they are its defaults too."""

    rate: float
    """Highest share of live answers that may be abandoned."""
    window: float
    """Seconds over which the rate is taken."""
    after: float
    """Seconds without an agent after which a call is abandoned."""
    since: Since
    """What those are counted from; answer is the stricter."""
    ring: float = 3.0
    """Shortest ringing, in seconds."""
    quiet: Span | None = None
    """The part of the contact's day in which nobody is called."""
    local_time: bool = False
    """Whether the contact's own time counts."""
    message: bool = False
    """Whether abandoned callees must be told who called."""
    opt_out: bool = False
    """Whether they must be able to opt out by pressing a key."""
    silent_recall: float = 0.0
    """Seconds for which a number that was abandoned is not dialled again without an agent held for it."""


NONE = Pack(rate=1.0, window=30 * DAY, after=60.0, since="greeting_end")
PACKS: Mapping[str, Pack] = {
    "none": NONE,
    "us": Pack(
        rate=0.03,
        window=30 * DAY,
        after=2.0,
        since="greeting_end",
        ring=15.0,
        quiet=Span(21 * 60, 8 * 60),
        local_time=True,
        message=True,
        opt_out=True,
    ),
    "uk": Pack(
        rate=0.03, window=DAY, after=2.0, since="answer", ring=15.0, message=True, silent_recall=3 * DAY
    ),
}
"""us: 47 CFR 64.1200 and 16 CFR 310.4; uk: Ofcom's statement of policy on persistent misuse."""

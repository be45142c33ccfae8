"""The wallboard: a board turned into HTML, whole or part by part."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from engine.web.board import Board, CallLine
from engine.web.feed import Part

WITH_AGENT = frozenset({"talking", "held", "consulting", "transferring"})
"""Phases in which a caller waits for nobody."""


def duration(seconds: float) -> str:
    """`m:ss`, or `h:mm:ss` from an hour on. Never negative."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def words(term: str) -> str:
    """`wrap_up` as people write it; a call is presented by a ringing phone."""
    return "ringing" if term == "presented" else term.replace("_", " ")


def waits(call: CallLine) -> bool:
    """Whether the caller is still without an agent to speak to."""
    return call.phase not in WITH_AGENT


def urgent_first(calls: tuple[CallLine, ...]) -> list[CallLine]:
    """Who waits comes before who talks; the longest first among each."""
    return sorted(calls, key=lambda call: (not waits(call), call.started, call.id))


def answer_limits(board: Board) -> dict[str, float]:
    """Seconds after which a caller is late, by queue."""
    return {queue.name: queue.answer_within for queue in board.queues if queue.answer_within is not None}


def share(part: int, whole: int) -> str:
    """A percentage in words for a tile, or nothing while there is nothing to share."""
    return f"{100 * part / whole:.0f} %" if whole else ""


def _environment() -> Environment:
    loader = PackageLoader("engine.web")
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(duration=duration, words=words)
    made.globals.update(urgent_first=urgent_first, answer_limits=answer_limits, waits=waits, share=share)
    return made


_PAGES = _environment()


def _render(template: str, board: Board) -> str:
    return _PAGES.get_template(template).render(board=board)


wallboard_page = partial(_render, "wallboard.html")
"""The whole page."""


def _queue_facts(board: Board) -> object:
    """A wait that only grew is no news: the browser counts on by itself."""
    first_came = (board.taken_at - line.longest_wait if line.waiting else 0.0 for line in board.queues)
    return [
        (replace(line, longest_wait=0.0), round(came, 1))
        for line, came in zip(board.queues, first_came, strict=True)
    ]


PARTS = {
    "totals": Part(lambda board: board.totals, partial(_render, "totals.html")),
    "queues": Part(_queue_facts, partial(_render, "queues.html")),
    "calls": Part(lambda board: (board.calls, answer_limits(board)), partial(_render, "calls.html")),
    "agents": Part(lambda board: board.agents, partial(_render, "agents.html")),
}
"""What /live sends under each name."""

"""After a crash: the conversations of this node's earlier life get their end, so that the numbers add up."""

from __future__ import annotations

import structlog

from engine.facts import Clock, Phase, Reason
from engine.store.records import ConversationEnded, ConversationRow, Detail, EventNoted, JournalRow, Record
from engine.store.store import Store

log = structlog.get_logger()

AT_ONCE = 500
"""Conversations closed in one transaction."""


async def close_cut_off(store: Store, clock: Clock, node: str) -> int:
    """Close every conversation of `node` without an end as restarted, and give their number.

    To be called before the node takes its first call. When they ended is not known: between the last line of
    the journal, which is kept in the new one as `last_seen`, and now, which is what they get. Raises StoreDown.
    """
    await store.flush()
    cut_off = await store.unended(node)
    lines = await store.last_lines(node) if cut_off else {}
    for first in range(0, len(cut_off), AT_ONCE):
        some = cut_off[first : first + AT_ONCE]
        await store.commit([record for row in some for record in _closing(row, lines.get(row.id), clock)])
    if cut_off:
        log.warning("conversations_closed", count=len(cut_off), reason=Reason.RESTARTED.value)
    return len(cut_off)


def _closing(row: ConversationRow, last: JournalRow | None, clock: Clock) -> tuple[Record, Record]:
    last_seen = last.wall if last is not None else row.started
    ended = max(clock.wall(), last_seen)
    detail: Detail = {
        "reason": Reason.RESTARTED.value,
        "phase": row.phase or Phase.ARRIVING.value,
        "last_seen": last_seen,
    }
    seq = last.seq + 1 if last is not None else 1
    return (
        EventNoted(row.id, seq, ended, "ended", detail),
        ConversationEnded(row.id, ended, Reason.RESTARTED.value),
    )

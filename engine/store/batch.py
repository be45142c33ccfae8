"""Many records as few statements: rows to insert by table, and one change per conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.store.records import (
    ConversationEnded,
    ConversationRow,
    ConversationStarted,
    EventNoted,
    JournalRow,
    PhaseEntered,
    Record,
    RecordingWhole,
    changes,
    first_row,
    journal_row,
)
from engine.store.tables import CHANGING

Row = dict[str, object]
_UNCHANGED: Row = {f"new_{column}": None for column in CHANGING}


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    new: dict[str, list[Row]] = field(
        default_factory=lambda: {"conversations": [], "journal": [], "recordings": []}
    )
    """Rows to insert, by table."""
    changed: dict[str, Row] = field(default_factory=dict)
    """The last word on each conversation that changed, as parameters of `change_conversation`."""

    def take(self, record: Record) -> None:
        match record:
            case ConversationStarted():
                self.new["conversations"].append(_columns(first_row(record)))
            case PhaseEntered():
                self.new["journal"].append(_columns(journal_row(record)))
                self._change(record.conversation, record)
            case EventNoted():
                self.new["journal"].append(_columns(journal_row(record)))
            case ConversationEnded():
                self._change(record.id, record)
            case RecordingWhole():
                self.new["recordings"].append(_columns(record))

    def _change(self, id: str, record: PhaseEntered | ConversationEnded) -> None:
        row = self.changed.setdefault(id, {"row": id} | _UNCHANGED)
        for column, value in changes(record).items():
            row[f"new_{column}"] = value


def _columns(row: ConversationRow | JournalRow | RecordingWhole) -> Row:
    """The fields as they are: `asdict` would copy them deeply, at four times the cost."""
    return {name: getattr(row, name) for name in row.__slots__}


def sort_out(records: Sequence[Record]) -> Batch:
    """Records in the order they were written -> one transaction's worth of rows."""
    batch = Batch()
    for record in records:
        batch.take(record)
    return batch

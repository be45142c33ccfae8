"""Many records as few statements: rows to insert by table, and one change per conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from engine.store.records import (
    ConversationEnded,
    ConversationStarted,
    EventNoted,
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
                self.new["conversations"].append(asdict(first_row(record)))
            case PhaseEntered():
                self.new["journal"].append(_line(record))
                self._change(record.conversation, record)
            case EventNoted():
                self.new["journal"].append(_line(record))
            case ConversationEnded():
                self._change(record.id, record)
            case RecordingWhole():
                self.new["recordings"].append(asdict(record))

    def _change(self, id: str, record: PhaseEntered | ConversationEnded) -> None:
        row = self.changed.setdefault(id, {"row": id} | _UNCHANGED)
        for column, value in changes(record).items():
            row[f"new_{column}"] = value


def _line(record: PhaseEntered | EventNoted) -> Row:
    row = journal_row(record)
    return {
        "conversation": row.conversation,
        "seq": row.seq,
        "wall": row.wall,
        "kind": row.kind,
        "name": row.name,
        "detail": row.detail,
    }


def sort_out(records: Sequence[Record]) -> Batch:
    """Records in the order they were written -> one transaction's worth of rows."""
    batch = Batch()
    for record in records:
        batch.take(record)
    return batch

"""Many records as few statements: rows to insert by table, and one change per conversation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.store.records import (
    ChangeMade,
    ConversationEnded,
    ConversationRow,
    ConversationStarted,
    EventNoted,
    EventsTaken,
    EventTold,
    JournalRow,
    PhaseEntered,
    PresenceChosen,
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

    new: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
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
            case EventTold():
                self.new["events"].append(_columns(record))
            case PresenceChosen():
                self.new["presence"].append(_columns(record))
            case EventsTaken():
                self.new["positions"].append(_columns(record))
            case ChangeMade():
                self.new["audit"].append(_columns(record))

    def _change(self, id: str, record: PhaseEntered | ConversationEnded) -> None:
        row = self.changed.setdefault(id, {"row": id} | _UNCHANGED)
        for column, value in changes(record).items():
            row[f"new_{column}"] = value


Columns = (
    ConversationRow | JournalRow | RecordingWhole | PresenceChosen | EventTold | EventsTaken | ChangeMade
)


def _columns(row: Columns) -> Row:
    """The fields as they are: `asdict` would copy them deeply, at four times the cost."""
    return {name: getattr(row, name) for name in row.__slots__}


def sort_out(records: Sequence[Record]) -> Batch:
    """Records in the order they were written -> one transaction's worth of rows."""
    batch = Batch()
    for record in records:
        batch.take(record)
    return batch

"""What must survive, as the rest of the engine sees it."""

from __future__ import annotations

from typing import Protocol

from engine.store.records import ConversationRow, JournalRow, Record, RecordingWhole
from engine.store.search import Search


class StoreDown(Exception):
    """The store cannot be written at the moment; what was written is kept and tried again."""


class Store(Protocol):
    """Conversations, their journals, their recordings.

    Reading sees what was flushed. A record written twice is stored once.
    """

    def write(self, record: Record) -> None:
        """Take a record down. Returns at once and never fails.

        A conversation's start comes before anything else about it: what changes none is dropped.
        """
        ...

    async def flush(self) -> None:
        """Return once everything written so far would survive a crash of the engine.

        Raises StoreDown when that cannot be had now; the records are kept and tried again.
        """
        ...

    async def conversation(self, id: str) -> ConversationRow | None:
        """One conversation, or None when there is none of that id."""
        ...

    async def unended(self, node: str) -> list[ConversationRow]:
        """Conversations of a node without an end, oldest first: after a restart, those a crash cut off."""
        ...

    async def conversations(self, search: Search) -> list[ConversationRow]:
        """A page of those asked for, the newest first."""
        ...

    async def journal(self, conversation: str) -> list[JournalRow]:
        """A conversation's story, in order."""
        ...

    async def recordings(self, conversation: str) -> list[RecordingWhole]:
        """A conversation's recordings, in the order they began."""
        ...

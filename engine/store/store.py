"""What must survive, as the rest of the engine sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from engine.store.records import (
    ChangeMade,
    ConversationRow,
    EventTold,
    JournalRow,
    Position,
    PresenceChosen,
    Record,
    RecordingWhole,
    Tally,
)
from engine.store.reservations import Reservation
from engine.store.search import Changes, Search


class StoreDown(Exception):
    """The store cannot be reached at the moment. What was given to `write` is kept and tried again."""


class Fenced(Exception):
    """This life of the node is over for the store: a later one has begun."""


class RecordRefused(ValueError):
    """The database will never take one of these records; none of those committed with it was stored."""


class Store(Protocol):
    """Conversations, their journals, their recordings; and who has what.

    Reading sees what was flushed or committed, and raises StoreDown. A record written twice is stored once.
    """

    def write(self, record: Record) -> None:
        """Take a record down. Returns at once and never fails; it may be late by a moment.

        A conversation's start comes before anything else about it: what changes none is dropped.
        """
        ...

    async def flush(self) -> None:
        """Return once everything written so far would survive a crash of the engine, and can be read.

        Raises StoreDown when that cannot be had now; the records are kept and tried again.
        """
        ...

    async def commit(self, records: Sequence[Record]) -> None:
        """Store records, all or none, after everything written before; return once a power cut cannot undo it.

        For what must be down before one acts on it. Raises StoreDown, and then nobody tries again (a commit
        that was cut off in the middle may have happened: records are stored once, so asking again is safe);
        raises RecordRefused.
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

    async def changes(self, asked: Changes) -> list[ChangeMade]:
        """A page of what people changed, the newest first."""
        ...

    async def last_lines(self, node: str) -> dict[str, JournalRow]:
        """The last line so far of each unended conversation of a node that has one, by conversation."""
        ...

    async def tally(self, node: str) -> Tally:
        """How many of a node's conversations began, and how those that ended did."""
        ...

    async def journal(self, conversation: str) -> list[JournalRow]:
        """A conversation's story, in order."""
        ...

    async def recordings(self, conversation: str) -> list[RecordingWhole]:
        """A conversation's recordings, in the order they began."""
        ...

    async def presences(self, since: float = 0.0) -> list[PresenceChosen]:
        """What agents chose to be, each one's latest choice, of those who chose at that wall time or later."""
        ...

    async def positions(self, node: str) -> dict[str, Position]:
        """How far each receiver of a node's events is, by receiver."""
        ...

    async def events(self, node: str, after: Position, limit: int) -> list[EventTold]:
        """A node's next events after a position, in order."""
        ...

    async def forget_events(self, node: str, until: Position) -> None:
        """Drop a node's events up to a position, itself included. Raises StoreDown."""
        ...

    async def begin(self, node: str) -> int:
        """Begin another life of a node: its number, one more than the last one's. Raises StoreDown."""
        ...

    async def still_here(self, node: str, epoch: int, since: float) -> frozenset[str]:
        """Say that this life goes on; gives the other nodes that said so since a wall time.

        Raises Fenced when a later life of this node has begun; raises StoreDown.
        """
        ...

    async def reserve(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        """Take something for a node until a wall time, unless another has it; whether the node has it now.

        `epoch` counts a node's lives: it has what an earlier life of it had, and an earlier life may no more
        take, renew or release it; once a later one has begun (`begin`), it may take nothing more at all. What
        the node has already it gets again, to the new time. What is expired anybody gets: by the wall clock of
        who asks, so the clocks of nodes must agree. Raises StoreDown, and then nobody knows; asking again is
        safe.
        """
        ...

    async def renew(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        """Have it longer. False when it was not had any more: it expired, or is another's. Raises StoreDown."""
        ...

    async def release(self, kind: str, id: str, node: str, epoch: int) -> bool:
        """Give it back; False when it was not this life's to give. Raises StoreDown."""
        ...

    async def reserve_all(
        self, kind: str, ids: Iterable[str], node: str, epoch: int, expires: float
    ) -> frozenset[str]:
        """Several at once, each by itself; gives the ids that the node has now. Raises StoreDown."""
        ...

    async def renew_all(
        self, kind: str, ids: Iterable[str], node: str, epoch: int, expires: float
    ) -> frozenset[str]:
        """Several at once; gives the ids that the node still has. Raises StoreDown."""
        ...

    async def release_all(self, kind: str, ids: Iterable[str], node: str, epoch: int) -> None:
        """Several at once; those that were not this life's stay as they are. Raises StoreDown."""
        ...

    async def taken(self, kind: str, node: str) -> frozenset[str]:
        """The ids of what other nodes have now. Raises StoreDown."""
        ...

    async def reservations(self, node: str) -> list[Reservation]:
        """What a node has, expired or not, by kind and id."""
        ...

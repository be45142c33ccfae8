"""Who has an agent, a contact, a callback, a queue's lease: the rule, in Python and in one SQL statement each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Delete, Select, Update, and_, bindparam, delete, or_, select, update
from sqlalchemy.sql.dml import ReturningInsert

from engine.store.tables import insert
from engine.store.tables import reservations as table


@dataclass(frozen=True, slots=True)
class Reservation:
    """Something that one node has, until it expires."""

    kind: str
    """`agent`, `contact` ..."""
    id: str
    node: str
    epoch: int
    """Which life of the node: it grows with every start."""
    expires: float
    """Wall time, seconds since 1970 UTC."""


class Held:
    """The same rule without a database, for flows in virtual time: answers come at once."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Reservation] = {}

    def reserve(self, wanted: Reservation, now: float) -> bool:
        """Take it unless another has it; see `Store.reserve`."""
        had = self._held.get((wanted.kind, wanted.id))
        if had is not None and had.expires > now and not _earlier_or_same_life(had, wanted):
            return False
        self._held[wanted.kind, wanted.id] = wanted
        return True

    def renew(self, wanted: Reservation, now: float) -> bool:
        """Have it longer; see `Store.renew`."""
        had = self._held.get((wanted.kind, wanted.id))
        if had is None or had.expires <= now or (had.node, had.epoch) != (wanted.node, wanted.epoch):
            return False
        self._held[wanted.kind, wanted.id] = replace(had, expires=wanted.expires)
        return True

    def release(self, kind: str, id: str, node: str, epoch: int) -> bool:
        """Give it back; see `Store.release`."""
        had = self._held.get((kind, id))
        if had is None or (had.node, had.epoch) != (node, epoch):
            return False
        del self._held[kind, id]
        return True

    def of(self, node: str) -> list[Reservation]:
        """What a node has, by kind and id."""
        mine = (had for had in self._held.values() if had.node == node)
        return sorted(mine, key=lambda had: (had.kind, had.id))


def _earlier_or_same_life(had: Reservation, wanted: Reservation) -> bool:
    return had.node == wanted.node and had.epoch <= wanted.epoch


def reserve_statement(dialect: str) -> ReturningInsert[tuple[str]]:
    """Gives a row when the node has it now. Parameters: the columns, and `now`."""
    new = insert(table, dialect).values({column.name: bindparam(column.name) for column in table.c})
    mine = and_(table.c.node == new.excluded.node, table.c.epoch <= new.excluded.epoch)
    return new.on_conflict_do_update(
        index_elements=[table.c.kind, table.c.id],
        set_={name: new.excluded[name] for name in ("node", "epoch", "expires")},
        where=or_(mine, table.c.expires <= bindparam("now")),
    ).returning(table.c.id)


def _this_life() -> tuple[object, ...]:
    names = ("kind", "id", "node", "epoch")
    return tuple(table.c[name] == bindparam(f"its_{name}") for name in names)


def renew_statement() -> Update:
    """Parameters: `its_kind` ... `its_epoch`, `until` and `now`."""
    live = table.c.expires > bindparam("now")
    return update(table).where(*_this_life(), live).values(expires=bindparam("until"))  # type: ignore[arg-type]


def release_statement() -> Delete:
    """Parameters: `its_kind` ... `its_epoch`."""
    return delete(table).where(*_this_life())  # type: ignore[arg-type]


def listing(node: str) -> Select[tuple[str, str, str, int, float]]:
    """A node's rows, by kind and id."""
    return select(table).where(table.c.node == node).order_by(table.c.kind, table.c.id)

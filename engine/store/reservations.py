"""Who has an agent, a contact, a callback, a queue's lease: the rule, in Python and in one SQL statement each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert, ReturningUpdate

from engine.store.tables import insert, nodes
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
    """The same rules without a database, for flows in virtual time: answers come at once."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Reservation] = {}
        self._epochs: dict[str, int] = {}
        self._seen: dict[str, float] = {}

    def begin(self, node: str, now: float) -> int:
        """Another life of a node; see `Store.begin`."""
        self._epochs[node] = self._epochs.get(node, 0) + 1
        self._seen[node] = now
        return self._epochs[node]

    def still_here(self, node: str, epoch: int, now: float) -> bool:
        """A life goes on; False when a later one has begun."""
        if self._epochs.get(node, 0) > epoch:
            return False
        self._seen[node] = now
        return True

    def others(self, node: str, since: float) -> frozenset[str]:
        """Nodes beside this one that were seen since."""
        return frozenset(name for name, seen in self._seen.items() if name != node and seen >= since)

    def reserve(self, wanted: Reservation, now: float) -> bool:
        """Take it unless another has it; see `Store.reserve`."""
        if self._epochs.get(wanted.node, 0) > wanted.epoch:
            return False
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

    def taken(self, kind: str, node: str, now: float) -> frozenset[str]:
        """What others have now."""
        every = self._held.values()
        return frozenset(
            had.id for had in every if had.kind == kind and had.node != node and had.expires > now
        )


def _earlier_or_same_life(had: Reservation, wanted: Reservation) -> bool:
    return had.node == wanted.node and had.epoch <= wanted.epoch


def begin_statement(dialect: str) -> ReturningInsert[Any]:
    """Gives the new life's number. Parameters: `name`, `seen`."""
    new = insert(nodes, dialect).values(name=bindparam("name"), epoch=1, seen=bindparam("seen"))
    return new.on_conflict_do_update(
        index_elements=[nodes.c.name], set_={"epoch": nodes.c.epoch + 1, "seen": new.excluded.seen}
    ).returning(nodes.c.epoch)


def still_here_statement() -> Update:
    """Changes a row when no later life has begun. Parameters: `its_name`, `its_epoch`, `now`."""
    mine = and_(nodes.c.name == bindparam("its_name"), nodes.c.epoch == bindparam("its_epoch"))
    return update(nodes).where(mine).values(seen=bindparam("now"))


def others(node: str, since: float) -> Select[Any]:
    """Names of nodes beside this one that were seen since."""
    return select(nodes.c.name).where(nodes.c.name != node, nodes.c.seen >= since)


def reserve_statement(dialect: str) -> ReturningInsert[Any]:
    """Gives a row when the node has it now. Parameters: the columns, and `now`."""
    given = {column.name: bindparam(column.name, type_=column.type) for column in table.c}
    later = exists().where(nodes.c.name == given["node"], nodes.c.epoch > given["epoch"])
    new = insert(table, dialect).from_select(list(given), select(*given.values()).where(not_(later)))
    mine = and_(table.c.node == new.excluded.node, table.c.epoch <= new.excluded.epoch)
    return new.on_conflict_do_update(
        index_elements=[table.c.kind, table.c.id],
        set_={name: new.excluded[name] for name in ("node", "epoch", "expires")},
        where=or_(mine, table.c.expires <= bindparam("now")),
    ).returning(table.c.id)


def _this_life() -> ColumnElement[bool]:
    names = ("kind", "node", "epoch")
    return and_(
        table.c.id.in_(bindparam("its_ids", expanding=True)),
        *(table.c[name] == bindparam(f"its_{name}") for name in names),
    )


def renew_statement() -> ReturningUpdate[Any]:
    """Gives the ids of what is had on. Parameters: `its_kind`, `its_ids`, `its_node`, `its_epoch`, `until`, `now`."""
    live = table.c.expires > bindparam("now")
    return update(table).where(_this_life(), live).values(expires=bindparam("until")).returning(table.c.id)


def release_statement() -> ReturningDelete[Any]:
    """Gives the ids of what was given back. Parameters: `its_kind`, `its_ids`, `its_node`, `its_epoch`."""
    return delete(table).where(_this_life()).returning(table.c.id)


def listing(node: str) -> Select[tuple[str, str, str, int, float]]:
    """A node's rows, by kind and id."""
    return select(table).where(table.c.node == node).order_by(table.c.kind, table.c.id)


def taken(kind: str, node: str, now: float) -> Select[Any]:
    """Ids of what others have now."""
    return select(table.c.id).where(table.c.kind == kind, table.c.node != node, table.c.expires > now)

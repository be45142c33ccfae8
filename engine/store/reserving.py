"""Reservations and the lives of nodes, in a database: transactions short enough to ring somebody after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from engine.store import reservations as rules
from engine.store.access import FAILURES, Lane, Work, down
from engine.store.databases import Database
from engine.store.reservations import Reservation
from engine.store.store import Fenced

T = TypeVar("T")
AT_ONCE = 1000
"""Things that one statement names."""


class Reserving:
    """The part of a SqlStore that says who has what."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall
        self._begin = rules.begin_statement(database.name)
        self._still_here = rules.still_here_statement()
        self._reserve = rules.reserve_statement(database.name)
        self._renew = rules.renew_statement()
        self._release = rules.release_statement()

    async def begin(self, node: str) -> int:
        who = {"name": node, "seen": self._wall()}

        def work(connection: Connection) -> int:
            epoch: int = connection.execute(self._begin, who).scalar_one()
            return epoch

        return await self._done(self._database.durable, work)

    async def still_here(self, node: str, epoch: int, since: float) -> frozenset[str]:
        who = {"its_name": node, "its_epoch": epoch, "now": self._wall()}

        def work(connection: Connection) -> frozenset[str] | None:
            if connection.execute(self._still_here, who).rowcount != 1:
                return None
            return frozenset(connection.execute(rules.others(node, since)).scalars())

        others = await self._done(self._database.reserving, work)
        if others is None:
            raise Fenced(f"a later life of node {node} has begun")
        return others

    async def reserve(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        return id in await self.reserve_all(kind, (id,), node, epoch, expires)

    async def renew(self, kind: str, id: str, node: str, epoch: int, expires: float) -> bool:
        return id in await self.renew_all(kind, (id,), node, epoch, expires)

    async def release(self, kind: str, id: str, node: str, epoch: int) -> bool:
        return id in await self._on_mine(self._release, kind, (id,), node, epoch, {})

    async def reserve_all(
        self, kind: str, ids: Iterable[str], node: str, epoch: int, expires: float
    ) -> frozenset[str]:
        columns = {"kind": kind, "node": node, "epoch": epoch, "expires": expires, "now": self._wall()}
        wanted = [columns | {"id": id} for id in ids]

        def work(connection: Connection) -> frozenset[str]:
            had = (connection.execute(self._reserve, one).scalar() for one in wanted)
            return frozenset(id for id in had if id is not None)

        return await self._done(self._database.reserving, work)

    async def renew_all(
        self, kind: str, ids: Iterable[str], node: str, epoch: int, expires: float
    ) -> frozenset[str]:
        times = {"until": expires, "now": self._wall()}
        return await self._on_mine(self._renew, kind, ids, node, epoch, times)

    async def release_all(self, kind: str, ids: Iterable[str], node: str, epoch: int) -> None:
        await self._on_mine(self._release, kind, ids, node, epoch, {})

    async def reservations(self, node: str) -> list[Reservation]:
        def work(connection: Connection) -> list[Reservation]:
            return [Reservation(**row) for row in connection.execute(rules.listing(node)).mappings()]

        return await self._done(self._database.reserving, work)

    async def taken(self, kind: str, node: str) -> frozenset[str]:
        query = rules.taken(kind, node, self._wall())
        return await self._done(
            self._database.reserving, lambda connection: frozenset(connection.execute(query).scalars())
        )

    async def _on_mine(
        self,
        change: ReturningUpdate[Any] | ReturningDelete[Any],
        kind: str,
        ids: Iterable[str],
        node: str,
        epoch: int,
        more: Mapping[str, Any],
    ) -> frozenset[str]:
        whose = {"its_kind": kind, "its_node": node, "its_epoch": epoch, **more}
        every = sorted(ids)
        some = [whose | {"its_ids": every[at : at + AT_ONCE]} for at in range(0, len(every), AT_ONCE)]

        def work(connection: Connection) -> frozenset[str]:
            return frozenset(id for part in some for id in connection.execute(change, part).scalars())

        return await self._done(self._database.reserving, work)

    async def _done(self, lane: Lane, work: Work[T]) -> T:
        """What a transaction gives. Raises StoreDown."""
        try:
            return await lane.run(work, self._database.patience)
        except FAILURES as error:
            raise down(error) from error

"""Reservations and the lives of nodes, in a database: transactions short enough to ring somebody after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from engine.store import reservations as rules
from engine.store.access import FAILURES, down, read, transaction
from engine.store.databases import Database
from engine.store.reservations import Reservation
from engine.store.store import Fenced

AT_ONCE = 1000
"""Things that one statement names."""


class Reserving:
    """The part of a SqlStore that says who has what."""

    def __init__(self, database: Database, turn: asyncio.Lock, wall: Callable[[], float]) -> None:
        """`turn` is whose turn it is to write: on SQLite one at a time may, and waiting for its lock is slower."""
        self._database = database
        self._turn = turn
        self._wall = wall
        sqlite = database.name == "sqlite"
        way_in = database.late if sqlite else database.durable
        self._way_in = way_in.execution_options(isolation_level="AUTOCOMMIT")
        """Each statement commits by itself, at a third of the round trips. A reservation that a power cut undoes
        is no loss where all who heard of it are on the same machine."""
        self._write_turn = turn if sqlite else nullcontext()
        self._begin = rules.begin_statement(database.name)
        self._still_here = rules.still_here_statement()
        self._reserve = rules.reserve_statement(database.name)
        self._renew = rules.renew_statement()
        self._release = rules.release_statement()

    async def begin(self, node: str) -> int:
        async with self._turn, self._writing(self._database.durable) as connection:
            begun = await connection.execute(self._begin, {"name": node, "seen": self._wall()})
            epoch: int = begun.scalar_one()
        return epoch

    async def still_here(self, node: str, epoch: int, since: float) -> frozenset[str]:
        who = {"its_name": node, "its_epoch": epoch, "now": self._wall()}
        async with self._write_turn, self._writing() as connection:
            lives = (await connection.execute(self._still_here, who)).rowcount == 1
        if not lives:
            raise Fenced(f"a later life of node {node} has begun")
        rows = await read(self._database.late, rules.others(node, since), self._database.patience)
        return frozenset(row["name"] for row in rows)

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
        had = set()
        async with self._write_turn, self._writing() as connection:
            for id in ids:
                row = (await connection.execute(self._reserve, columns | {"id": id})).first()
                if row is not None:
                    had.add(id)
        return frozenset(had)

    async def renew_all(
        self, kind: str, ids: Iterable[str], node: str, epoch: int, expires: float
    ) -> frozenset[str]:
        times = {"until": expires, "now": self._wall()}
        return await self._on_mine(self._renew, kind, ids, node, epoch, times)

    async def release_all(self, kind: str, ids: Iterable[str], node: str, epoch: int) -> None:
        await self._on_mine(self._release, kind, ids, node, epoch, {})

    async def reservations(self, node: str) -> list[Reservation]:
        rows = await read(self._database.late, rules.listing(node), self._database.patience)
        return [Reservation(**row) for row in rows]

    async def taken(self, kind: str, node: str) -> frozenset[str]:
        query = rules.taken(kind, node, self._wall())
        rows = await read(self._database.late, query, self._database.patience)
        return frozenset(row["id"] for row in rows)

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
        every, done = sorted(ids), set[str]()
        async with self._write_turn, self._writing() as connection:
            for first in range(0, len(every), AT_ONCE):
                some = whose | {"its_ids": every[first : first + AT_ONCE]}
                done.update((await connection.execute(change, some)).scalars())
        return frozenset(done)

    @asynccontextmanager
    async def _writing(self, way_in: AsyncEngine | None = None) -> AsyncIterator[AsyncConnection]:
        try:
            async with transaction(way_in or self._way_in, self._database.patience) as connection:
                yield connection
        except FAILURES as error:
            raise down(error) from error

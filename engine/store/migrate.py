"""From whatever schema a database has to the present one, in one transaction, when the engine starts."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, inspect, text

log = structlog.get_logger()

FIRST, LATEST = "0001", "0003"
"""The schema of engines that did not write its number down, and the present one."""
TURN = 0x636F7264
"""The advisory lock of PostgreSQL under which engines that start at once migrate one after the other."""


class SchemaFault(Exception):
    """The database has a schema that this engine does not know; the text says which ones it does."""


def migrate(connection: Connection) -> None:
    """Bring the schema up to date. Run it in a transaction, which the caller commits. Raises SchemaFault."""
    _wait_for_turn(connection)
    found = _revision(connection)
    if found == LATEST:
        return
    from engine.store.upgrade import (
        revisions,
        upgrade,
    )  # Alembic costs a start 0.15 s: most have no need of it

    known = revisions()
    if found is not None and found not in known:
        raise SchemaFault(
            f"its schema is {found}, of a later engine than this one, which knows {known[0]} to {known[-1]}"
        )
    unnamed = found is None and inspect(connection).has_table("conversations")
    upgrade(connection, FIRST if unnamed else None)
    log.info("store_migrated", before=FIRST if unnamed else found, now=LATEST)


def _wait_for_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout TO 0"))  # of a large table, it takes its time
        connection.execute(text(f"SELECT pg_advisory_xact_lock({TURN})"))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision

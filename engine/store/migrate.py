"""From whatever schema a database has to the present one, in one transaction, when the engine starts."""

from __future__ import annotations

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

log = structlog.get_logger()

FOLDER = Path(__file__).parent / "migrations"
FIRST = "0001"
"""The schema of engines that did not write its number down."""
TURN = 0x636F7264
"""The advisory lock of PostgreSQL under which engines that start at once migrate one after the other."""


class SchemaFault(Exception):
    """The database has a schema that this engine does not know; the text says which ones it does."""


def migrate(connection: Connection) -> None:
    """Bring the schema up to date. Run it in a transaction, which the caller commits. Raises SchemaFault."""
    _wait_for_turn(connection)
    scripts = ScriptDirectory(str(FOLDER))
    known = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    found = MigrationContext.configure(connection).get_current_revision()
    if found == known[-1]:
        return
    if found is not None and found not in known:
        raise SchemaFault(
            f"its schema is {found}, of a later engine than this one, which knows {known[0]} to {known[-1]}"
        )
    config = _config(connection)
    if found is None and inspect(connection).has_table("conversations"):
        command.stamp(config, found := FIRST)
    command.upgrade(config, "head")
    log.info("store_migrated", before=found, now=known[-1])


def _wait_for_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({TURN})"))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config

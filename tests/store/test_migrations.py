"""Every schema that an engine ever made becomes the present one, and nothing in it is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from engine.store.databases import Database, StoreFault, database_at
from engine.store.migrate import FIRST, LATEST
from engine.store.open import open_store, prepare
from engine.store.tables import metadata
from engine.store.upgrade import revisions

HERE = Path(__file__).parent


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def said(database: Database, query: str) -> list[tuple[object, ...]]:
    return await database.reading.run(
        lambda connection: [tuple(row) for row in connection.execute(text(query))], None
    )


async def did(database: Database, statement: str) -> None:
    await database.durable.run(lambda connection: connection.exec_driver_sql(statement), None)


def test_the_latest_revision_is_the_one_that_the_engine_wants() -> None:
    assert (revisions()[0], revisions()[-1]) == (FIRST, LATEST)


async def test_an_empty_database_gets_the_present_schema(url: str) -> None:
    database = database_at(url)
    for _ in range(2):  # the second time there is nothing to do
        await prepare(database, url)
    assert await database.durable.run(differences, None) == []
    assert await said(database, "SELECT version_num FROM alembic_version") == [("0003",)]
    await database.dispose()


@pytest.mark.parametrize("schema", ["0001", "0002"])
async def test_the_tables_of_every_earlier_engine_are_taken_over(url: str, schema: str) -> None:
    database = database_at(url)
    for statement in (HERE / f"schema_{schema}.sql").read_text().split(";"):
        if statement.strip():
            await did(database, statement)
    await prepare(database, url)
    assert await database.durable.run(differences, None) == []
    assert await said(database, "SELECT id, phase FROM conversations") == [("n1-old", "waiting")]
    assert await said(database, "SELECT version_num FROM alembic_version") == [(LATEST,)]
    await database.dispose()


@pytest.mark.parametrize("schema", ["0001", "0002"])
async def test_what_an_earlier_engine_left_is_read_and_gone_on_with(tmp_path: Path, schema: str) -> None:
    with sqlite3.connect(tmp_path / "store.db") as old:
        old.executescript((HERE / f"schema_{schema}.sql").read_text())
    old.close()
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        assert [row.id for row in await store.unended("n1")] == ["n1-old"]
        assert [line.detail for line in await store.journal("n1-old")] == [{"queue": "support"}]
        assert await store.begin("n1") == 1
        assert await store.reserve("agent", "anna", "n1", 1, 4e9)


async def test_engines_that_start_at_once_migrate_one_after_the_other(url: str) -> None:
    databases = [database_at(url) for _ in range(4)]
    await asyncio.gather(*(prepare(database, url) for database in databases))
    assert await said(databases[0], "SELECT count(*) FROM alembic_version") == [(1,)]
    for database in databases:
        await database.dispose()


async def test_a_schema_of_a_later_engine_is_left_alone(url: str) -> None:
    database = database_at(url)
    await prepare(database, url)
    await did(database, "UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(StoreFault, match=r"schema is 0999, of a later engine .* knows 0001 to 0003"):
        await prepare(database, url)
    await database.dispose()


async def test_a_migration_that_fails_changes_nothing(url: str) -> None:
    database = database_at(url)
    await did(database, "CREATE TABLE recordings (mine INTEGER)")
    with pytest.raises(StoreFault, match="recordings"):
        await prepare(database, url)
    with pytest.raises(Exception, match="conversations"):
        await said(database, "SELECT * FROM conversations")
    await database.dispose()

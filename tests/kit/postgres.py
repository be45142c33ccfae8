"""PostgreSQL for tests: fast, as nothing in it has to survive a power cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tools.bench.postgres import Postgres

FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=40")


def emptied(server: Postgres) -> str:
    """The URL of a database in which nothing is: for one test at a time."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("SET client_min_messages TO warning")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return server.url()


@contextmanager
def crashed(server: Postgres) -> Iterator[None]:
    """The server is dead while the block runs, and back when it is left."""
    server.stop()
    try:
        yield
    finally:
        server.start()

"""PostgreSQL for tests: fast, as nothing in it has to survive a power cut."""

from __future__ import annotations

import secrets

import psycopg

from tools.bench.postgres import Postgres

FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=40")


def new_database(server: Postgres) -> str:
    """The URL of a new, empty database."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url(name)

"""The tables, and the statements that fill them. Times are REAL seconds since 1970 UTC.

A change here comes with a revision in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Insert,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    func,
    or_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("node", String(64), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("number", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("started", Float(53), nullable=False, index=True),
    Column("answered", Float(53)),
    Column("ended", Float(53)),
    Column("end", String(32)),
    Column("phase", String(32), nullable=False),
)
_LIVE = conversations.c.ended.is_(None)
Index("conversations_unended", conversations.c.node, sqlite_where=_LIVE, postgresql_where=_LIVE)

journal = Table(
    "journal",
    metadata,
    Column("conversation", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("wall", Float(53), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("name", Text, nullable=False),
    Column("detail", JSON, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    Column("conversation", String(64), primary_key=True),
    Column("leg", String(80), primary_key=True),
    Column("started", Float(53), primary_key=True),
    Column("path", Text, nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("gaps", Integer, nullable=False),
    Column("fault", Text),
)

reservations = Table(
    "reservations",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("node", String(64), nullable=False, index=True),
    Column("epoch", BigInteger, nullable=False),
    Column("expires", Float(53), nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seen", Float(53), nullable=False),
)

presence = Table(
    "presence",
    metadata,
    Column("agent", String(64), primary_key=True),
    Column("status", String(32), nullable=False),
    Column("wall", Float(53), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("node", String(64), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("id", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("body", Text, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("node", String(64), primary_key=True),
    Column("receiver", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("node", String(64), nullable=False),
    Column("wall", Float(53), nullable=False),
    Column("who", Text, nullable=False),
    Column("role", String(32), nullable=False),
    Column("address", Text, nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("audit_wall", "wall"),
)

CHANGING = ("queue", "agent", "answered", "ended", "end", "phase")
"""What a conversation's row learns after it began."""


def insert(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows ON CONFLICT; both databases spell it the same."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_new(table: Table, dialect: str) -> Insert:
    """Insert rows that are not there yet, so that a batch may be tried again."""
    return insert(table, dialect).on_conflict_do_nothing()


def put_presence(dialect: str) -> Insert:
    """The latest choice of each agent."""
    new = insert(presence, dialect)
    later = new.excluded.wall >= presence.c.wall
    given = {"status": new.excluded.status, "wall": new.excluded.wall}
    return new.on_conflict_do_update(index_elements=[presence.c.agent], set_=given, where=later)


def put_position(dialect: str) -> Insert:
    """The furthest that each receiver has got."""
    new = insert(positions, dialect)
    given = {"epoch": new.excluded.epoch, "number": new.excluded.number}
    same_life = and_(new.excluded.epoch == positions.c.epoch, new.excluded.number > positions.c.number)
    return new.on_conflict_do_update(
        index_elements=[positions.c.node, positions.c.receiver],
        set_=given,
        where=or_(new.excluded.epoch > positions.c.epoch, same_life),
    )


def change_conversation() -> Update:
    """Set the columns that are given; None leaves a column as it is. The row is named by `row`."""
    given = {
        column: func.coalesce(
            bindparam(f"new_{column}", type_=conversations.c[column].type), conversations.c[column]
        )
        for column in CHANGING
    }
    return update(conversations).where(conversations.c.id == bindparam("row")).values(given)

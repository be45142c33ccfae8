"""Conversations, their journals, their recordings: the schema of version 0.1.0."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("started", sa.Float(53), nullable=False),
        sa.Column("answered", sa.Float(53)),
        sa.Column("ended", sa.Float(53)),
        sa.Column("end", sa.String(32)),
        sa.Column("phase", sa.String(32), nullable=False),
    )
    op.create_index("ix_conversations_started", "conversations", ["started"])
    live = sa.text("ended IS NULL")
    op.create_index(
        "conversations_unended", "conversations", ["node"], sqlite_where=live, postgresql_where=live
    )
    op.create_table(
        "journal",
        sa.Column("conversation", sa.String(64), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("wall", sa.Float(53), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_table(
        "recordings",
        sa.Column("conversation", sa.String(64), primary_key=True),
        sa.Column("leg", sa.String(80), primary_key=True),
        sa.Column("started", sa.Float(53), primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("gaps", sa.Integer, nullable=False),
        sa.Column("fault", sa.Text),
    )

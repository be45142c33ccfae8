"""What Alembic runs: the revisions, on the connection and in the transaction of `engine.store.upgrade`."""

from __future__ import annotations

from alembic import context

from engine.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()

"""Runs migrations on the connection that `models_store.database.migrate` hands over."""

from alembic import context

from models_store.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()

"""Alembic's entry: runs on the connection that platform_core.db.migrate hands over, never on a URL of its own."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table="alembic_version",
    version_table_schema="agentadm",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()

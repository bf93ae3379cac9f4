"""Statements that read the mark of the installation."""

from typing import Any

from sqlalchemy import Connection, Row, text

from platform_core.db.mark import Mark

# By the name of our index: somebody else's schema may have a table of that name. Every command begins with this, and
# a look at the columns would take four times as long.
MARK_THERE = text(
    """
    SELECT to_regclass('agentadm.installation_one_row_key') IS NOT NULL AS installation,
        to_regclass('agentadm.alembic_version') IS NOT NULL AS alembic_version
    """
)
MARK = text(
    """
    SELECT id, environment, production, system_identifier,
        (SELECT version_num FROM agentadm.alembic_version) AS schema_version
    FROM agentadm.installation
    """
)
MARK_UNVERSIONED = text(
    "SELECT id, environment, production, system_identifier, NULL AS schema_version FROM agentadm.installation"
)


def find_mark(connection: Connection) -> Mark | None:
    """The mark with the schema's revision; None where table or row is missing.

    The catalogue is asked first: a failed statement would end the caller's transaction.
    """
    there = connection.execute(MARK_THERE).one()
    if not there.installation:
        return None
    return _mark(connection.execute(MARK if there.alembic_version else MARK_UNVERSIONED).first())


def read_mark(connection: Connection) -> Mark | None:
    """The mark in one statement; where a table is missing it fails, and the transaction with it."""
    return _mark(connection.execute(MARK).first())


def _mark(row: Row[*tuple[Any, ...]] | None) -> Mark | None:
    return None if row is None else Mark(**row._mapping)

"""Migrations: Alembic on a connection of ours, one runner at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from platform_core.db import queries
from platform_core.db.types import PlannedMigration
from platform_core.errors import TryAgain

LOCK_TIMEOUT_SECONDS = 5.0
WAIT_SECONDS = 60.0
ATTEMPTS = 5


def migrations_folder() -> Path:
    """The folder of migrations: in the wheel inside platform_core, in a checkout beside it."""
    package = Path(__file__).parent.parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def newest_revision() -> str | None:
    """The newest revision there is a migration for."""
    return _scripts().get_current_head()


def known_revision(revision: str) -> str | None:
    """The whole name of a revision ("head" for the newest), None where no migration makes it."""
    if revision == "head":
        return newest_revision()
    return next((script.revision for script in _scripts().walk_revisions() if script.revision == revision), None)


def between(older: str | None, newer: str | None) -> tuple[PlannedMigration, ...]:
    """The migrations from one revision (None for the empty schema) up to another, oldest first."""
    newest_first = _scripts().walk_revisions()
    found = [PlannedMigration(script.revision, script.doc, script.module.LOCKS) for script in newest_first]
    found.reverse()
    known = [planned.revision for planned in found]
    first = 0 if older is None else known.index(older) + 1
    last = 0 if newer is None else known.index(newer) + 1
    return tuple(found[first:last])


def upgrade(connection: Connection, revision: str = "head", *, wait_seconds: float = WAIT_SECONDS) -> None:
    """Migrate up to a revision, each migration in a transaction of its own.

    Raises:
        TryAgain: another runner holds the lock, or a table stayed locked, for the whole time.
    """
    _run(connection, wait_seconds, lambda config: command.upgrade(config, revision))


def downgrade(connection: Connection, revision: str, *, wait_seconds: float = WAIT_SECONDS) -> None:
    """Migrate down to a revision ("base" for none). Raises as upgrade does."""
    _run(connection, wait_seconds, lambda config: command.downgrade(config, revision))


def _run(connection: Connection, wait_seconds: float, step: Callable[[Config], None]) -> None:
    with only_runner(connection, wait_seconds):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                queries.set_session_timeouts(connection, lock_seconds=LOCK_TIMEOUT_SECONDS, statement_seconds=0)
                # Alembic would take an open transaction for the caller's, and run all migrations in it.
                connection.commit()
                step(_config(connection))
            except DBAPIError as error:
                connection.rollback()
                if getattr(error.orig, "sqlstate", None) != "55P03":
                    raise
                if attempt == ATTEMPTS:
                    raise TryAgain(
                        "a table stayed locked, so the migration was put off; nothing is half done",
                        "look for long transactions with: agentadm db stats, then run it again",
                    ) from error
                time.sleep(attempt)
            else:
                connection.commit()
                return


@contextmanager
def only_runner(connection: Connection, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock on the schema against other sessions; the same session may take it again inside.

    Raises:
        TryAgain: another session holds it for the whole time.
    """
    # Polled and not waited for: a waiting session would hold a snapshot that CREATE INDEX CONCURRENTLY waits for.
    deadline = time.monotonic() + wait_seconds
    while not queries.try_migration_lock(connection):
        connection.commit()
        if time.monotonic() >= deadline:
            raise TryAgain("another migration is running on this database", "wait for it, or raise --wait")
        time.sleep(0.2)
    connection.commit()
    try:
        yield
    finally:
        try:
            connection.rollback()
            queries.release_migration_lock(connection)
            connection.commit()
        except DBAPIError:
            # A lost session has lost its locks too; what lost it is under way already.
            connection.invalidate()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

"""The migrations arrive at the schema that the code declares, and hold their own rules."""

from collections.abc import Iterator

import pytest
from alembic.script import ScriptDirectory

from platform_core.db import migrate, queries
from platform_core.db.mark_queries import find_mark
from platform_core.db.schema import declared_statements
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import AgentadmError, TryAgain
from platform_core.platform import Platform
from tests.support import Cluster, Database


@pytest.fixture
def declared(cluster: Cluster) -> Iterator[Database]:
    """A database with the schema as the code declares it, made without any migration."""
    database = cluster.database()
    with database.connect() as connection:
        for statement in declared_statements():
            connection.execute(statement.encode())
    yield database
    cluster.drop(database)


def scripts() -> Iterator[object]:
    return (script.module for script in ScriptDirectory(str(migrate.migrations_folder())).walk_revisions())


def test_the_migrated_schema_is_the_declared_one(database: Database, declared: Database) -> None:
    assert database.schema_dump() == declared.schema_dump()


def test_it_still_is_after_down_and_up(database: Database, platform: Platform, declared: Database) -> None:
    with platform.care.connection() as connection:
        migrate.downgrade(connection, "base")
        assert database.rows(
            "SELECT relname::text FROM pg_class "
            "WHERE relnamespace = 'agentadm'::regnamespace AND relkind IN ('r', 'p', 'S')"
        ) == [("alembic_version",)]
        assert queries.find_revision(connection) is None
        assert find_mark(connection) is None
        connection.rollback()
        migrate.upgrade(connection)
    assert database.schema_dump() == declared.schema_dump()


@pytest.mark.parametrize("revision", [planned.revision for planned in migrate.between(None, SCHEMA_VERSION)][:-1])
def test_each_step_down_is_as_if_it_had_never_gone_up(
    revision: str, database: Database, platform: Platform, empty_database: Database, declared: Database
) -> None:
    fresh = Platform(empty_database.environ)
    with fresh.care.connection() as connection:
        queries.make_schema(connection)
        connection.commit()
        migrate.upgrade(connection, revision)
    fresh.close()
    with platform.care.connection() as connection:
        migrate.downgrade(connection, revision)
        assert queries.find_revision(connection) == revision
        assert database.schema_dump() == empty_database.schema_dump()
        connection.rollback()
        migrate.upgrade(connection)
    assert database.schema_dump() == declared.schema_dump()


def test_every_migration_says_what_it_locks() -> None:
    for module in scripts():
        locks = getattr(module, "LOCKS", None)
        assert isinstance(locks, str), module
        assert len(locks) > 10, module


def test_the_code_is_written_for_the_newest_migration() -> None:
    assert migrate.newest_revision() == SCHEMA_VERSION
    assert migrate.between(None, SCHEMA_VERSION)[-1].revision == SCHEMA_VERSION
    assert migrate.between(SCHEMA_VERSION, SCHEMA_VERSION) == ()
    assert migrate.known_revision("head") == SCHEMA_VERSION
    assert migrate.known_revision("9999") is None


def test_one_runner_at_a_time(platform: Platform) -> None:
    with platform.care.connection() as first, platform.care.connection() as second:
        with migrate.only_runner(first), pytest.raises(TryAgain, match="another migration"):
            migrate.upgrade(second, wait_seconds=0)
        migrate.upgrade(second, wait_seconds=0)


def test_a_locked_table_puts_the_migration_off(
    database: Database, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(migrate, "ATTEMPTS", 2)
    with database.connect() as reader, platform.care.connection() as connection:
        reader.execute("SELECT FROM agentadm.users")
        with pytest.raises(TryAgain, match="stayed locked"):
            migrate.downgrade(connection, "base")
        assert queries.find_revision(connection) == SCHEMA_VERSION
        connection.rollback()
        reader.rollback()
        migrate.downgrade(connection, "base")


def test_the_lock_does_not_outlive_a_lost_session(database: Database, platform: Platform) -> None:
    def lose_the_session() -> None:
        with platform.care.connection() as connection, migrate.only_runner(connection):
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = 'agentadm_owner'",
                user="postgres",
            )
            queries.find_revision(connection)

    with pytest.raises(AgentadmError, match="cannot be reached"):
        lose_the_session()
    with platform.care.connection() as connection:
        migrate.upgrade(connection, wait_seconds=1)

"""Setting up, migrating, resetting, vacuuming, stopping."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_core.db import migrate
from platform_core.db.types import Initialised, Migrated
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import AgentadmError, Conflict, NotPermitted, UsageError
from platform_core.platform import Platform
from tests.conftest import Agentadm
from tests.support import Cluster, Database

CLEAN = "SELECT count(*) FROM pg_namespace WHERE nspname = 'agentadm'"


@pytest.fixture
def empty(empty_database: Database) -> Iterator[Platform]:
    made = Platform(empty_database.environ)
    yield made
    made.close()


def init(platform: Platform, environment: str | None = "test", *, production: bool = False) -> Initialised:
    return platform.care.init(embedded=False, environment=environment, production=production)


def unhealthy(platform: Platform) -> list[str]:
    return [found.check for found in platform.read(lambda services: services.database.doctor()) if not found.ok]


# ---------------------------------------------------------------------------------------------------------------- init


def test_init_marks_the_database_in_an_operation(empty: Platform, empty_database: Database) -> None:
    done = init(empty, "staging", production=True)
    assert (done.created, done.environment, done.production) == (True, "staging", True)
    assert (done.schema_version, done.missing_roles) == (SCHEMA_VERSION, ())
    assert done.where.startswith(f"{empty_database.name} at ")
    mark = empty.mark
    assert (mark.environment, mark.production) == ("staging", True)
    assert mark.system_identifier == empty_database.value("SELECT system_identifier::text FROM pg_control_system()")
    assert empty_database.rows(
        "SELECT o.command, o.arguments, c.table_name, c.action FROM agentadm.operations o "
        "JOIN agentadm.audit_changes c ON c.operation_id = o.id ORDER BY c.seq"
    ) == [
        ("db init", {"environment": "staging", "production": True}, table, "insert")
        for table in ("installation", "key_material", "key_material")
    ]
    assert empty_database.value("SELECT length(digest_key) FROM agentadm.installation") == 32
    assert unhealthy(empty) == []


def test_init_again_changes_nothing(platform: Platform, database: Database) -> None:
    mark = database.mark()
    assert init(platform).created is False
    assert database.written_since(mark) == []
    assert platform.care.planned_init(embedded=False, environment="test", production=False).created is False


def test_init_again_runs_no_pending_migration(platform: Platform, database: Database) -> None:
    database.execute("UPDATE agentadm.alembic_version SET version_num = '0000'")
    done = init(platform)
    assert (done.created, done.schema_version) == (False, "0000")


def test_init_as_another_environment_is_refused(platform: Platform) -> None:
    with pytest.raises(Conflict, match=r"environment is test, not live and it is not production"):
        init(platform, "live", production=True)


def test_a_planned_init_makes_nothing(empty: Platform, empty_database: Database) -> None:
    assert empty.care.planned_init(embedded=False, environment="test", production=False).created is True
    assert empty_database.value(CLEAN) == 0


@pytest.mark.parametrize("environment", ["", "two words", "-x", "a" * 64, "line\nbreak", "test\n"])
def test_a_strange_environment_is_refused(empty: Platform, environment: str) -> None:
    with pytest.raises(UsageError, match="no name of an environment"):
        init(empty, environment)


def test_an_environment_is_asked_for(empty: Platform) -> None:
    with pytest.raises(UsageError, match="has no name"):
        init(empty, None)


def test_a_superuser_is_refused(empty_database: Database) -> None:
    platform = Platform({**empty_database.environ, "AGENTADM_DATABASE_URL": empty_database.superuser_url})
    with pytest.raises(NotPermitted, match="superuser") as caught:
        init(platform)
    assert "CREATE ROLE agentadm_owner LOGIN CREATEROLE" in (caught.value.hint or "")
    assert "CREATE DATABASE agentadm OWNER agentadm_owner" in (caught.value.hint or "")
    assert empty_database.value(CLEAN) == 0


def test_a_login_that_passes_policies_is_refused(empty_database: Database) -> None:
    role = f"passes_{empty_database.name}"
    empty_database.execute(f"CREATE ROLE {role} LOGIN BYPASSRLS", user="postgres")
    platform = Platform({**empty_database.environ, "AGENTADM_DATABASE_URL": empty_database.url_as(role)})
    with pytest.raises(NotPermitted, match="row-level security"):
        init(platform)


def test_a_login_that_may_make_no_schema_is_told(empty_database: Database) -> None:
    role = f"weak_{empty_database.name}"
    empty_database.execute(f"CREATE ROLE {role} LOGIN", user="postgres")
    platform = Platform({**empty_database.environ, "AGENTADM_DATABASE_URL": empty_database.url_as(role)})
    with pytest.raises(NotPermitted, match="permission denied"):
        init(platform)


@pytest.mark.parametrize("comment", [None, "somebody's"])
def test_a_foreign_schema_is_left_alone(empty: Platform, empty_database: Database, comment: str | None) -> None:
    empty_database.execute("CREATE SCHEMA agentadm")
    # A table of the same name, but not ours, must not be taken for the mark.
    empty_database.execute("CREATE TABLE agentadm.installation (id int)")
    if comment is not None:
        empty_database.execute("COMMENT ON SCHEMA agentadm IS 'somebody''s'")
    with pytest.raises(Conflict, match="did not make"):
        init(empty)
    assert empty.care.status().environment is None
    with pytest.raises(UsageError, match="not set up"):
        _ = empty.mark


KILLED = """
import os, signal, sys
from platform_core.db import care, migrate
from platform_core.platform import Platform
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
setattr({"migrate": migrate, "care": care.Care}[sys.argv[1]], sys.argv[2], die)
Platform().care.init(embedded=False, environment="test", production=False)
"""


@pytest.mark.parametrize(("where", "what"), [("migrate", "upgrade"), ("care", "_set_mark")])
def test_a_killed_init_is_completed_by_the_next(
    empty: Platform, empty_database: Database, database: Database, where: str, what: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, where, what],
        env={**empty_database.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert empty_database.value(CLEAN) == 1
    status = empty.care.status()
    assert status.environment is None
    with pytest.raises(UsageError, match="not set up"):
        empty.care.upgrade()
    assert init(empty).created is True
    assert empty_database.schema_dump() == database.schema_dump()
    assert unhealthy(empty) == []


def test_of_two_inits_at_once_one_wins(empty_database: Database) -> None:
    answers: list[bool] = []

    def work() -> None:
        platform = Platform(empty_database.environ)
        answers.append(init(platform).created)
        platform.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, True]
    assert empty_database.value("SELECT count(*) FROM agentadm.operations") == 1


# ------------------------------------------------------------------------------------------------------------ embedded


def test_an_embedded_server_is_made_used_and_stopped(tmp_path: Path) -> None:
    environ = {"AGENTADM_HOME": str(tmp_path / "home"), "AGENTADM_CONFIG": str(tmp_path / "none")}
    environ["AGENTADM_EMBEDDED_DURABLE"] = "no"
    platform = Platform(environ)
    with pytest.raises(UsageError, match="no embedded server"):
        platform.care.stop()
    with pytest.raises(UsageError, match="not for production"):
        platform.care.init(embedded=True, environment=None, production=True)
    planned = platform.care.planned_init(embedded=True, environment=None, production=False)
    assert planned.where.startswith("a new embedded server")
    assert not platform.settings.embedded_server.exists()
    try:
        assert platform.care.init(embedded=True, environment=None, production=False).environment == "development"
        with pytest.raises(UsageError, match="not for production"):
            platform.care.init(embedded=False, environment="live", production=True)
        assert platform.care.status().source.startswith("embedded server")
        assert platform.care.stop(dry_run=True).was_running is True
        assert platform.care.stop().was_running is True
        assert platform.care.stop().was_running is False
        assert platform.mark.environment == "development"
    finally:
        platform.close()
        platform.settings.embedded_server.destroy()


def test_an_embedded_server_beside_another_database_is_refused(empty: Platform) -> None:
    with pytest.raises(UsageError, match="AGENTADM_DATABASE_URL"):
        empty.care.init(embedded=True, environment=None, production=False)
    assert not empty.settings.embedded_server.exists()


# ---------------------------------------------------------------------------------------------------------- migrations


def test_nothing_to_upgrade_is_fine(platform: Platform, database: Database) -> None:
    operations = database.value("SELECT count(*) FROM agentadm.operations")
    assert platform.care.planned_upgrade() == ()
    assert platform.care.upgrade() == Migrated(SCHEMA_VERSION, SCHEMA_VERSION, ())
    assert platform.care.downgrade(SCHEMA_VERSION) == Migrated(SCHEMA_VERSION, SCHEMA_VERSION, ())
    assert database.value("SELECT count(*) FROM agentadm.operations") == operations


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more migration than this tool has."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for file in [migrate.migrations_folder() / "env.py", *(migrate.migrations_folder() / "versions").glob("0*")]:
        (folder / file.relative_to(migrate.migrations_folder())).write_bytes(file.read_bytes())
    (folder / "versions/9999_more.py").write_text(
        f'"""One more table."""\nfrom alembic import op\nrevision = "9999"\ndown_revision = "{SCHEMA_VERSION}"\n'
        'LOCKS = "nothing that is there"\n'
        'def upgrade():\n    op.execute("CREATE TABLE agentadm.more (id int)")\n'
        'def downgrade():\n    op.execute("DROP TABLE agentadm.more")\n'
    )
    monkeypatch.setattr(migrate, "migrations_folder", lambda: folder)


@pytest.mark.usefixtures("newer")
def test_up_and_down_are_recorded(platform: Platform, database: Database) -> None:
    care = platform.care
    assert [(step.revision, step.title) for step in care.planned_upgrade()] == [("9999", "One more table.")]
    up, down = Migrated(SCHEMA_VERSION, "9999", ("9999",)), Migrated("9999", SCHEMA_VERSION, ("9999",))
    mark = database.mark()
    assert care.upgrade(dry_run=True) == up
    assert database.written_since(mark) == []
    assert care.upgrade() == up
    assert care.status().schema_version == "9999"
    with pytest.raises(UsageError, match="older"):
        care.upgrade(SCHEMA_VERSION)
    after = database.dump()
    assert care.downgrade(SCHEMA_VERSION, dry_run=True) == down
    assert database.dump() == after
    assert care.downgrade(SCHEMA_VERSION) == down
    with pytest.raises(UsageError, match="newer"):
        care.downgrade("9999")
    assert database.rows(
        "SELECT command, arguments, schema_version FROM agentadm.operations WHERE command <> 'db init' ORDER BY seq"
    ) == [
        ("db upgrade", {"before": SCHEMA_VERSION, "after": "9999"}, "9999"),
        ("db downgrade", {"before": "9999", "after": SCHEMA_VERSION}, SCHEMA_VERSION),
    ]


def test_an_upgrade_says_that_key_material_is_wanted(agentadm: Agentadm) -> None:
    told = "API keys and encrypted columns need key material: agentadm db key-material add pepper"
    assert agentadm("db", "downgrade", "0003", "--yes", "--confirm", "test").code == 0
    assert told not in agentadm("db", "upgrade", "--yes", "--dry-run").err
    done = agentadm("db", "upgrade", "--yes", "-o", "json")
    assert done.code == 0, done.err
    assert f"{told}; agentadm db key-material add encryption" in done.err
    assert done.json["applied"] == ["0004"]
    assert told not in agentadm("db", "upgrade", "--yes").err


@pytest.mark.parametrize("action", ["upgrade", "planned_upgrade", "reset"])
def test_an_unmarked_database_is_refused(empty: Platform, action: str) -> None:
    with pytest.raises(UsageError, match="not set up") as caught:
        getattr(empty.care, action)()
    assert "db init" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="not set up"):
        empty.care.downgrade(SCHEMA_VERSION)


def test_an_unknown_revision_is_refused(platform: Platform, database: Database) -> None:
    with pytest.raises(UsageError, match="knows no schema revision 'abc'"):
        platform.care.upgrade("abc")
    with pytest.raises(UsageError, match="throw everything away"):
        platform.care.downgrade("base")
    database.execute("UPDATE agentadm.alembic_version SET version_num = '9998'")
    with pytest.raises(UsageError, match="knows no schema revision '9998'"):
        platform.care.upgrade()


@pytest.mark.parametrize("dry_run", [False, True])
def test_production_is_neither_reset_nor_downgraded(platform: Platform, database: Database, dry_run: bool) -> None:
    database.execute("UPDATE agentadm.installation SET production = true")
    mark = database.mark()
    for action in (
        lambda: platform.care.reset(dry_run=dry_run),
        lambda: platform.care.downgrade("0001", dry_run=dry_run),
    ):
        with pytest.raises(Conflict, match="is production"):
            action()
    assert database.written_since(mark) == []


# --------------------------------------------------------------------------------------------------------------- reset


def test_reset_begins_anew(platform: Platform, database: Database) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('a@example.com'), ('b@example.com')")
    mark, schema = database.mark(), database.schema_dump()
    planned = platform.care.reset(dry_run=True)
    # Two users, the mark, a pepper and an encryption key, two operations, and the changes in them.
    assert (planned.environment, planned.rows) == ("test", 12)
    assert database.written_since(mark) == []
    assert platform.care.reset() == planned
    assert database.schema_dump() == schema
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
    assert database.rows("SELECT command, arguments ->> 'rows' FROM agentadm.operations") == [("db reset", "12")]
    assert platform.mark.environment == "test"
    assert unhealthy(platform) == []


def test_reset_takes_nothing_of_others_along(platform: Platform, database: Database) -> None:
    database.execute("CREATE SCHEMA theirs AUTHORIZATION agentadm_owner", user="postgres")
    database.execute("CREATE VIEW theirs.mails AS SELECT email FROM agentadm.users")
    database.execute("CREATE TABLE theirs.notes (user_id uuid CONSTRAINT who REFERENCES agentadm.users)")
    with pytest.raises(Conflict, match=r"foreign key who of theirs\.notes, view theirs\.mails"):
        platform.care.reset()
    assert database.value("SELECT count(*) FROM theirs.mails") == 0


# --------------------------------------------------------------------------------------------- status, vacuum, the lot


def test_status_never_shows_a_password(empty_database: Database) -> None:
    url = f"{empty_database.url}&password=open-sesame"
    platform = Platform({**empty_database.environ, "AGENTADM_DATABASE_URL": url})
    status = platform.care.status()
    assert "open-sesame" not in repr(status)
    assert status.where.endswith("as agentadm_owner")
    assert (status.source, status.login) == ("AGENTADM_DATABASE_URL", "agentadm_owner")
    assert (status.schema_version, status.newest_partition, status.rows_in_default_partitions) == (None, None, None)
    platform.close()


def test_status_of_a_healthy_database(platform: Platform, database: Database) -> None:
    status = platform.care.status()
    month = database.value("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '3 months', 'YYYY_MM')")
    assert status.newest_partition == f"audit_changes_{month}"
    assert (status.environment, status.production, status.rows_in_default_partitions) == ("test", False, 0)
    assert status.schema_version == status.tool_schema_version == SCHEMA_VERSION


@pytest.mark.parametrize("damage", ["DROP TABLE agentadm.alembic_version", "DELETE FROM agentadm.alembic_version"])
def test_status_of_a_damaged_schema(platform: Platform, database: Database, damage: str) -> None:
    database.execute(damage)
    status = platform.care.status()
    assert (status.environment, status.schema_version) == ("test", None)


def test_status_for_an_operator(database: Database) -> None:
    role = f"support_{database.name}"
    database.execute(f"CREATE ROLE {role} LOGIN IN ROLE agentadm_support", user="postgres")
    platform = Platform({**database.environ, "AGENTADM_DATABASE_URL": database.url_as(role)})
    status = platform.care.status()
    assert (status.login, status.environment, status.rows_in_default_partitions) == (role, "test", None)
    platform.close()


def test_vacuum_takes_what_is_due_and_free(platform: Platform, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("ALTER TABLE agentadm.users SET (autovacuum_enabled = off)")
        connection.execute(
            "INSERT INTO agentadm.users (email) SELECT n || '@example.com' FROM generate_series(1, 200) n"
        )
    assert "agentadm.users" in platform.care.vacuum()
    assert "agentadm.users" not in platform.care.vacuum()


def test_vacuum_leaves_a_locked_table(platform: Platform, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_core.db.care.VACUUM_LOCK_SECONDS", 0.05)
    with database.connect() as connection:
        connection.execute("ALTER TABLE agentadm.users SET (autovacuum_enabled = off)")
        connection.execute(
            "INSERT INTO agentadm.users (email) SELECT n || '@example.com' FROM generate_series(1, 200) n"
        )
    with database.connect() as holder:
        holder.execute("LOCK TABLE agentadm.users")
        assert "agentadm.users" not in platform.care.vacuum()
    assert "agentadm.users" in platform.care.vacuum()


def test_an_unreachable_database_is_told(cluster: Cluster) -> None:
    url = cluster.server.conninfo("no_such_database")
    platform = Platform({"AGENTADM_DATABASE_URL": url, "AGENTADM_CONFIG": "/nonexistent"})
    with pytest.raises(AgentadmError, match="no_such_database"):
        platform.care.upgrade()

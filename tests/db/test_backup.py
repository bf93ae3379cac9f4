"""Backup, restore into a new cluster, shell; and which program runs them."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from platform_core.db import backup, programs
from platform_core.db.programs import Program
from platform_core.errors import Conflict, NotPermitted, UsageError
from platform_core.platform import Platform
from tests.conftest import POSTGRES
from tests.support import Cluster, Database

PASSWORD = r"geh:eim\ 'x"  # noqa: S105 - of a server that lives for one test


@pytest.fixture
def other_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A new server that has the owner role and none of the group roles, and asks for a password."""
    made = Cluster(tmp_path / "other", POSTGRES)
    with psycopg.connect(made.server.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("SET password_encryption = 'scram-sha-256'")
        connection.execute(psycopg.sql.SQL("ALTER ROLE agentadm_owner PASSWORD {}").format(PASSWORD))
        rules = Path(connection.execute("SHOW hba_file").fetchall()[0][0])
        rules.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")
    yield made
    made.destroy()


def fill(database: Database) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email, full_name) SELECT n || '@example.com', E'Na\\tme\\n' || n "
        "FROM generate_series(1, 500) n"
    )
    database.execute(
        "INSERT INTO agentadm.job_runs (job, holder, lease_until) "
        "VALUES ('db maintain', 'h', clock_timestamp() - interval '1 hour')"
    )
    # In the default partition, and in a month of its own.
    database.execute(
        "INSERT INTO agentadm.operations (id, started_at, command, arguments, actor, xid) "
        "SELECT gen_random_uuid(), at, 'x', '{}', 'x', 1 FROM unnest('{2020-01-15, 2030-01-15}'::timestamptz[]) at"
    )


def contents(database: Database, url: str | None = None) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but those that a restore adds to."""
    found = {}
    with psycopg.connect(url or database.url) as connection:
        for table in ("users", "identities", "idempotency_keys", "audit_seals"):
            found[table] = connection.execute(f"SELECT t::text FROM agentadm.{table} t ORDER BY 1".encode()).fetchall()
        for table in ("operations", "audit_changes"):
            found[table] = connection.execute(
                f"SELECT t::text FROM agentadm.{table} t WHERE seq <= 505 ORDER BY seq".encode()
            ).fetchall()
    return found


def test_a_backup_comes_up_whole_in_a_new_cluster(
    platform: Platform, database: Database, other_cluster: Cluster, tmp_path: Path
) -> None:
    fill(database)
    last = database.value("SELECT last_value FROM agentadm.audit_seq")
    file = tmp_path / "it's a backup.dump"
    umask = os.umask(0)
    try:
        done = platform.care.backup(file)
    finally:
        os.umask(umask)
    assert done.bytes == file.stat().st_size > 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert any("passwords" in item for item in done.left_out)
    assert any("key material" in item for item in done.left_out)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]

    target = other_cluster.database()
    url = psycopg.conninfo.make_conninfo(target.url, password=PASSWORD)
    other = Platform({**target.environ, "AGENTADM_DATABASE_URL": url})
    assert other.care.restore(file, dry_run=True).bytes == done.bytes
    assert other.care.status().environment is None
    assert other.care.restore(file).left_out == ()

    assert contents(target, url) == contents(database)
    # What the restore did to it as well.
    database.execute("SELECT agentadm.ensure_partitions(3)")
    assert target.schema_dump() == database.schema_dump()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT state, error FROM agentadm.job_runs").fetchall() == [
            ("lost", "its database was restored from a backup")
        ]
        identifier = "SELECT system_identifier, (SELECT system_identifier::text FROM pg_control_system())"
        marked, here = connection.execute(f"{identifier} FROM agentadm.installation".encode()).fetchall()[0]
        assert marked == here != platform.mark.system_identifier
        newest = connection.execute("SELECT seq, command, arguments FROM agentadm.operations ORDER BY seq DESC LIMIT 1")
        seq, command, arguments = newest.fetchall()[0]
        assert (command, arguments) == ("db restore", {"file": file.name})
        # The sequence goes on where the backup ended.
        assert seq > last
        # The default partition's row of 2020 has its own partition now.
        assert connection.execute("SELECT count(*) FROM agentadm.operations_2020_01").fetchall() == [(1,)]
    findings = other.read(lambda services: services.database.doctor())
    assert [finding for finding in findings if not finding.ok] == []
    assert other.read(lambda services: services.audit.verify()).problems == ()

    with pytest.raises(Conflict, match="has a schema agentadm already"):
        other.care.restore(file)
    assert other.care.shell(("-c", "SELECT 1", "-o", str(tmp_path / "answer"))) == 0
    # A second backup, by a login with a password.
    assert other.care.backup(tmp_path / "second.dump").bytes > 0
    other.close()


def test_a_backup_never_overwrites(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "there"
    file.write_text("precious")
    with pytest.raises(UsageError, match="exists already"):
        platform.care.backup(file)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="exists already"):
        platform.care.backup(tmp_path / "dangling")
    with pytest.raises(UsageError, match="no folder"):
        platform.care.backup(tmp_path / "missing/file")
    assert file.read_text() == "precious"


def test_a_failed_backup_leaves_nothing(database: Database, tmp_path: Path) -> None:
    role = f"copies_{database.name}"
    database.execute(f"CREATE ROLE {role} LOGIN IN ROLE agentadm_support", user="postgres")
    platform = Platform({**database.environ, "AGENTADM_DATABASE_URL": database.url_as(role)})
    with pytest.raises(NotPermitted, match="pg_dump"):
        platform.care.backup(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    platform.close()


def test_an_unmarked_database_is_not_backed_up(empty_database: Database, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not set up"):
        Platform(empty_database.environ).care.backup(tmp_path / "file")


def test_a_file_that_is_no_backup_is_refused(
    database: Database, platform: Platform, empty_database: Database, tmp_path: Path
) -> None:
    restore = Platform(empty_database.environ).care.restore
    with pytest.raises(UsageError, match="cannot be read"):
        restore(tmp_path / "missing")
    (tmp_path / "text").write_text("CREATE TABLE x ()")
    with pytest.raises(UsageError, match="no backup of agentadm"):
        restore(tmp_path / "text")
    (tmp_path / "broken").write_bytes(b"PGDMP\x01\x10")
    with pytest.raises(UsageError, match="cannot be read"):
        restore(tmp_path / "broken")
    database.execute("CREATE TABLE public.stray ()", user="postgres")
    subprocess.run(
        [database.server.binaries / "pg_dump", "-Fc", "-f", tmp_path / "whole", "-d", database.superuser_url],
        check=True,
    )
    with pytest.raises(UsageError, match="and nothing else"):
        restore(tmp_path / "whole")
    platform.care.backup(tmp_path / "good")
    (tmp_path / "cut").write_bytes((tmp_path / "good").read_bytes()[:-50_000])
    with pytest.raises(UsageError, match="cannot be read"):
        restore(tmp_path / "cut")
    assert empty_database.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'agentadm'") == 0


def test_a_backup_of_a_newer_tool_or_server_is_refused(
    database: Database,
    platform: Platform,
    empty_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database.execute("UPDATE agentadm.alembic_version SET version_num = '9999'")
    platform.care.backup(tmp_path / "newer")
    restore = Platform(empty_database.environ).care.restore
    with pytest.raises(UsageError, match="schema is at 9999"):
        restore(tmp_path / "newer")
    database.execute("UPDATE agentadm.alembic_version SET version_num = '0001'")
    platform.care.backup(tmp_path / "file")
    monkeypatch.setattr(backup, "server_major", lambda _: 14)
    with pytest.raises(UsageError, match="this server is 14"):
        restore(tmp_path / "file")


def test_a_superuser_does_not_restore(platform: Platform, empty_database: Database, tmp_path: Path) -> None:
    platform.care.backup(tmp_path / "file")
    other = Platform({**empty_database.environ, "AGENTADM_DATABASE_URL": empty_database.superuser_url})
    with pytest.raises(NotPermitted, match="superuser"):
        other.care.restore(tmp_path / "file")


KILLED = """
import os, signal, sys
from pathlib import Path
from platform_core.db import backup
from platform_core.platform import Platform
backup._settle_in = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
Platform().care.restore(Path(sys.argv[1]))
"""


def test_the_doctor_names_what_a_killed_restore_left(
    platform: Platform, database: Database, empty_database: Database, tmp_path: Path
) -> None:
    platform.care.backup(tmp_path / "file")
    subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "file"],
        env={**empty_database.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    other = Platform(empty_database.environ)
    findings = other.read(lambda services: services.database.doctor())
    wrong = [finding for finding in findings if not finding.ok]
    assert [finding.check for finding in wrong] == ["group roles"]
    empty_database.execute("SELECT agentadm.make_roles(); SELECT agentadm.grant_privileges()")
    assert all(finding.ok for finding in other.read(lambda services: services.database.doctor()))
    assert empty_database.schema_dump() == database.schema_dump()
    other.close()


# ------------------------------------------------------------------------------------------------------------ programs


def test_a_password_is_handed_over_out_of_sight(
    platform: Platform, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "another")
    conninfo = psycopg.conninfo.make_conninfo(database.url, password=PASSWORD, application_name="mine")
    other = Platform({**database.environ, "AGENTADM_DATABASE_URL": conninfo})
    with other.care.connection() as connection, programs.logged_in(connection, conninfo, "me") as login:
        assert psycopg.conninfo.conninfo_to_dict(login.conninfo)["application_name"] == "me"
        assert "password" not in login.conninfo
        assert not any("geh" in value for value in login.environ.values())
        assert "PGPASSWORD" not in login.environ
        file = Path(login.environ["PGPASSFILE"])
        assert file.read_text() == r"*:*:*:*:geh\:eim\\ 'x" + "\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()
    with (
        platform.care.connection() as connection,
        pytest.raises(UsageError, match="sslpassword"),
        programs.logged_in(connection, f"{database.url}&sslpassword=x", "me"),
    ):
        pass


def test_the_oldest_suitable_program_is_taken(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [Program(Path(f"/{major}"), major) for major in (14, 15, 16, 17, 18)]
    asked: list[bool] = []

    def programs_of(name: str, settings: object, *, tls: bool) -> list[Program]:
        asked.append(tls)
        return known

    monkeypatch.setattr(programs, "programs", programs_of)
    with platform.care.connection() as connection:
        for server, name, at_least, expected in (
            (15, "pg_dump", 0, 15),
            (17, "pg_dump", 0, 17),
            (15, "pg_restore", 16, 16),
            (18, "pg_restore", 16, 18),
        ):
            monkeypatch.setattr(programs, "server_major", lambda _, major=server: major)
            found = programs.suitable(name, platform.settings, connection, at_least=at_least)
            assert found.major == expected
        # Those of 17 set a parameter that 16 does not know.
        monkeypatch.setattr(programs, "server_major", lambda _: 16)
        with pytest.raises(UsageError, match="no pg_restore of PostgreSQL 16"):
            programs.suitable("pg_restore", platform.settings, connection, at_least=17)
        monkeypatch.setattr(programs, "server_major", lambda _: 19)
        with pytest.raises(UsageError, match=r"no pg_dump of PostgreSQL 19 or later is on the PATH") as caught:
            programs.suitable("pg_dump", platform.settings, connection)
    assert "postgresql-client-19" in (caught.value.hint or "")
    assert set(asked) == {False}


def test_the_wheel_is_left_out_where_tls_is_spoken(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {program.major for program in programs.programs("pg_dump", platform.settings, tls=False)} == {16, 18}
    assert programs.programs("pg_dump", platform.settings, tls=True) == []
    script = tmp_path / "pg_dump"
    script.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 17.6 (Debian 17.6-1)'\n")
    script.chmod(0o755)
    assert programs.programs("pg_dump", platform.settings, tls=True) == [Program(script, 17)]


def test_the_shell_runs_psql_and_returns_its_code(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = tmp_path / "answer"
    query = "SELECT current_setting('application_name'), session_user, current_setting('search_path')"
    assert platform.care.shell(("-X", "-A", "-t", "-o", str(answer), "-c", query)) == 0
    assert answer.read_text() == 'agentadm shell|agentadm_owner|"$user", public\n'
    assert platform.care.shell(("-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0")) == 1
    monkeypatch.setenv("PATH", str(tmp_path))
    assert platform.care.shell(("-X", "-A", "-t", "-o", str(answer), "-c", "SELECT 7")) == 0
    assert answer.read_text() == "7\n"

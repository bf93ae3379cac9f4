"""Figures, upkeep and logins, each inside one transaction."""

from pathlib import Path

import psycopg
import pytest

from platform_core.db import stats_queries
from platform_core.db.types import Maintenance, OperatorRole, Stat
from platform_core.errors import Conflict, NotFound, NotPermitted, UsageError
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from tests.support import Database


def create(
    platform: Platform, name: str, *groups: str, password: str | None = None, dry_run: bool = False
) -> OperatorRole:
    request = WriteRequest("db roles create", dry_run=dry_run)
    return platform.write(
        request, lambda services: services.database.create_role(name, groups, password), OperatorRole
    ).value


def revoke(platform: Platform, name: str) -> OperatorRole:
    return platform.write(
        WriteRequest("db roles revoke"), lambda services: services.database.revoke_role(name), OperatorRole
    ).value


def listed(platform: Platform) -> dict[str, OperatorRole]:
    return {role.name: role for role in platform.read(lambda services: services.database.roles())}


# --------------------------------------------------------------------------------------------------------------- stats


def test_stats_name_what_is_big_and_unused(platform: Platform) -> None:
    stats = platform.read(lambda services: services.database.stats())
    by_kind: dict[str, list[Stat]] = {}
    for stat in stats:
        by_kind.setdefault(stat.kind, []).append(stat)
    assert list(by_kind) == ["connections", "transaction", "database", "table", "index", "unused index"]
    tables = [stat.name for stat in by_kind["table"]]
    assert "operations" in tables
    # Partitions count with their parent.
    assert not any(name.startswith("operations_2") for name in tables)
    sizes = [stat.value or 0 for stat in by_kind["table"]]
    assert sizes == sorted(sizes, reverse=True)
    assert all(not stat.name.endswith("_pkey") for stat in by_kind["unused index"])


def test_the_oldest_transaction_is_that_of_another_session(platform: Platform, database: Database) -> None:
    with database.connect() as other:
        other.execute("SELECT pg_sleep(1.1)")
        stats = platform.read(lambda services: services.database.stats())
    assert [(stat.value or 0) >= 1 for stat in stats if stat.kind == "transaction"] == [True]


def test_slow_statements_are_read_where_the_server_keeps_them(platform: Platform, database: Database) -> None:
    database.execute(
        'CREATE SCHEMA "odd name"; CREATE VIEW "odd name".pg_stat_statements AS SELECT 7::bigint AS queryid, '
        "1234.5::float8 AS mean_exec_time, 3::bigint AS calls, E'SELECT\\n  1' AS query, "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) AS dbid, true AS toplevel",
        user="postgres",
    )
    database.execute(
        'GRANT USAGE ON SCHEMA "odd name" TO PUBLIC; GRANT SELECT ON "odd name".pg_stat_statements TO PUBLIC',
        user="postgres",
    )
    rows = platform.read(lambda services: stats_queries.slow_statements(services.connection, '"odd name"', 5))
    assert [tuple(row) for row in rows] == [("slow query", "7", 1234, "milliseconds", "3 calls: SELECT 1")]


def test_slow_statements_that_cannot_be_read_spoil_nothing(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats_queries, "statements_schema", lambda _: "nowhere")
    stats = platform.read(lambda services: services.database.stats())
    assert {stat.kind for stat in stats} >= {"connections", "table"}


# ------------------------------------------------------------------------------------------------------------ maintain


def test_maintain_does_all_that_is_due(platform: Platform, database: Database) -> None:
    database.execute(
        "INSERT INTO agentadm.operations (id, started_at, command, arguments, actor, xid) "
        "VALUES (gen_random_uuid(), '2020-01-15', 'x', '{}', 'x', 1)"
    )
    database.execute(
        "INSERT INTO agentadm.idempotency_keys (key, inputs_digest, operation_id, created_at) VALUES "
        "('old', 'd', gen_random_uuid(), clock_timestamp() - interval '31 days'), "
        "('young', 'd', gen_random_uuid(), clock_timestamp() - interval '29 days')"
    )
    done = platform.write(
        WriteRequest("db maintain"), lambda services: services.database.maintain(months_ahead=4), Maintenance
    ).value
    assert "operations_2020_01" in done.partitions
    assert len(done.partitions) == 4  # that one, and a fourth month of three tables
    assert (done.seals, done.expired_keys) == (1, 1)
    assert database.rows("SELECT key FROM agentadm.idempotency_keys") == [("young",)]
    assert database.value("SELECT count(*) FROM agentadm.operations_default") == 0
    assert platform.read(lambda services: services.audit.verify()).problems == ()
    again = platform.write(
        WriteRequest("db maintain"), lambda services: services.database.maintain(months_ahead=4), Maintenance
    ).value
    assert (again.partitions, again.expired_keys) == ((), 0)


def test_maintain_is_for_the_owner(database: Database) -> None:
    role = f"keeper_{database.name}"
    database.execute(f"CREATE ROLE {role} LOGIN IN ROLE agentadm_admin", user="postgres")
    platform = Platform({**database.environ, "AGENTADM_DATABASE_URL": database.url_as(role)})
    with pytest.raises(NotPermitted):
        platform.write(
            WriteRequest("db maintain"), lambda services: services.database.maintain(months_ahead=9), Maintenance
        )
    platform.close()


# --------------------------------------------------------------------------------------------------------------- roles


def test_a_login_is_made_used_revoked_and_made_again(platform: Platform, database: Database) -> None:
    name = f'maria "{database.name}"'
    made = create(platform, name, "support", "analytics", "support", password="geheim % :x")  # noqa: S106
    assert made == OperatorRole(name, ("analytics", "support"), can_login=True, superuser=False)
    assert listed(platform)[name] == made
    stored = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
    assert database.rows(stored, name, user="postgres")[0][0].startswith("SCRAM-SHA-256$")
    assert database.rows("SELECT count(*) FROM agentadm.users", user=name) == [(0,)]

    revoked = OperatorRole(name, (), can_login=False, superuser=False)
    assert revoke(platform, name) == revoked
    assert revoke(platform, name) == revoked
    assert listed(platform)[name] == revoked
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        database.connect(name)

    again = create(platform, name, "billing")
    assert again == OperatorRole(name, ("billing",), can_login=True, superuser=False)
    # The old password does not come back.
    assert database.rows(stored, name, user="postgres") == [(None,)]


def test_the_server_never_sees_a_password(platform: Platform, database: Database, tmp_path: Path) -> None:
    database.execute(
        f"ALTER ROLE agentadm_owner IN DATABASE {database.name} SET log_statement = 'all'", user="postgres"
    )
    name = f"quiet_{database.name}"
    create(platform, name, "support", password="hush-hush")  # noqa: S106
    folder = Path(database.rows("SHOW data_directory", user="postgres")[0][0]).parent / "log"
    logged = "".join(file.read_text() for file in folder.glob("*"))
    assert f'ALTER ROLE "{name}" LOGIN PASSWORD' in logged
    assert "hush-hush" not in logged


def test_a_dry_run_makes_no_role(platform: Platform, database: Database) -> None:
    name = f"dry_{database.name}"
    assert create(platform, name, "support", dry_run=True).can_login
    assert name not in listed(platform)


def test_owner_and_superuser_are_listed(platform: Platform) -> None:
    roles = listed(platform)
    assert roles["agentadm_owner"].groups == ("owner",)
    assert roles["postgres"].superuser
    assert not any(name.startswith("pg_") or name == "agentadm_support" for name in roles)


def test_a_group_that_others_gave_does_not_stay_unnoticed(platform: Platform, database: Database) -> None:
    name = f"twice_{database.name}"
    create(platform, name, "support")
    database.execute(f"GRANT agentadm_admin TO {name}", user="postgres")
    assert listed(platform)[name].groups == ("admin", "support")
    if database.value("SELECT current_setting('server_version_num')::int") < 160_000:
        # There CREATEROLE takes away what anybody gave.
        assert revoke(platform, name).groups == ()
        return
    with pytest.raises(NotPermitted, match="still in admin"):
        revoke(platform, name)
    database.execute(f"REVOKE agentadm_admin FROM {name}", user="postgres")
    assert revoke(platform, name).groups == ()


@pytest.mark.parametrize("name", ["agentadm_x", "pg_x", "public", "NONE", "", "a\nb", "ü" * 32])
def test_some_names_are_refused(platform: Platform, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        create(platform, name, "support")


def test_groups_and_passwords_are_checked(platform: Platform) -> None:
    with pytest.raises(UsageError, match="no group 'owner'"):
        create(platform, "x", "support", "owner")
    with pytest.raises(UsageError, match="needs a group"):
        create(platform, "x")
    with pytest.raises(UsageError, match="password is empty"):
        create(platform, "x", "support", password="")


def test_a_role_of_others_is_left_alone(platform: Platform, database: Database) -> None:
    name = f"theirs_{database.name}"
    database.execute(f"CREATE ROLE {name} NOLOGIN", user="postgres")
    with pytest.raises(Conflict, match="already"):
        create(platform, name, "support")
    with pytest.raises(Conflict, match="nothing to do with agentadm"):
        revoke(platform, name)
    with pytest.raises(Conflict, match="login that you are using"):
        revoke(platform, "agentadm_owner")
    with pytest.raises(Conflict, match="superuser"):
        revoke(platform, "postgres")
    with pytest.raises(NotFound):
        revoke(platform, "nobody here")

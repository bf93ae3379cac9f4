"""Guards: a wrong filter, a missing reason or a foreign actor changes nothing; and what is recorded."""

import getpass
import os
import socket
from pathlib import Path

import pytest

from platform_core.errors import GuardTripped
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from platform_core.services import Services
from platform_core.users.types import NewUser, User
from tests.conftest import Agentadm
from tests.support import Database

NEWEST = """
    SELECT command, arguments, reason, ticket, actor, session_user_name, os_user, host, application_name
    FROM agentadm.operations ORDER BY seq DESC LIMIT 1
"""


@pytest.mark.parametrize(
    "guard",
    [("--expect", "0"), ("--expect", "2"), ("--max-affected", "0"), ("--max-affected", "0", "--dry-run")],
)
def test_a_guard_that_trips_changes_nothing(agentadm: Agentadm, database: Database, guard: tuple[str, ...]) -> None:
    mark = database.mark()
    tripped = agentadm("users", "create", "x@example.com", "--idempotency-key", "K", *guard)
    assert (tripped.code, tripped.out) == (9, "")
    assert "nothing was changed" in tripped.err
    assert database.written_since(mark) == []


@pytest.mark.parametrize("guard", [("--expect", "1"), ("--max-affected", "1"), ("--max-affected", "9")])
def test_a_guard_that_holds(agentadm: Agentadm, guard: tuple[str, ...]) -> None:
    assert agentadm("users", "create", "x@example.com", *guard).code == 0


def test_cascades_count(platform: Platform, database: Database) -> None:
    user = platform.write(WriteRequest("users create"), lambda s: s.users.create(NewUser("x@example.com")), User).value
    database.execute(
        "INSERT INTO agentadm.identities (user_id, provider, subject) SELECT %s, 'clerk', n::text "
        "FROM generate_series(1, 3) n",
        user.id,
    )

    def delete(services: Services) -> None:
        services.connection.exec_driver_sql("DELETE FROM agentadm.users")

    with pytest.raises(GuardTripped, match="4 rows would change, cascades included; --max-affected allows 3"):
        platform.write(WriteRequest("test delete", max_affected=3), delete, None)
    assert database.value("SELECT count(*) FROM agentadm.identities") == 3
    assert database.value("SELECT count(*) FROM agentadm.operations WHERE command = 'test delete'") == 0
    assert platform.write(WriteRequest("test delete", max_affected=4), delete, None).affected == 4


def test_nothing_to_change(agentadm: Agentadm, database: Database) -> None:
    assert agentadm("users", "create", "x@example.com").code == 0
    same = ("users", "create", "x@example.com", "--if-not-exists")
    quiet = agentadm(*same)
    assert (quiet.code, "nothing to change" in quiet.err) == (0, True)
    told = agentadm(*same, "--error-unchanged", "-o", "json")
    assert (told.code, told.out) == (3, "")
    assert '"kind": "unchanged"' in told.err
    assert agentadm(*same, "--error-unchanged", "--dry-run").code == 0
    assert agentadm("users", "suspend", "x@example.com", "--yes", "--error-unchanged").code == 0
    assert database.value("SELECT count(*) FROM agentadm.users") == 1


def test_what_is_recorded(agentadm: Agentadm, database: Database) -> None:
    argv = ("users", "create", "x@example.com", "--full-name", "X", "--reason", "they asked", "--ticket", "T-1")
    assert agentadm(*argv, env={"PGPASSWORD": "hunter2"}).code == 0
    assert database.rows(NEWEST) == [
        (
            "users create",
            {"email": "x@example.com", "full_name": "X", "role": "user"},
            "they asked",
            "T-1",
            "agentadm_owner",
            "agentadm_owner",
            getpass.getuser() if os.geteuid() else "root",
            socket.gethostname(),
            "agentadm",
        )
    ]
    assert "hunter2" not in database.dump("--data-only")


def test_a_secret_from_standard_input_is_not_recorded(agentadm: Agentadm, database: Database) -> None:
    name = f"{database.name}_maria"
    made = agentadm(
        "db", "roles", "create", name, "--group", "support", "--password-stdin", "--yes", stdin="hunter2secret\n"
    )
    assert made.code == 0, made.err
    assert database.rows(NEWEST)[0][:2] == (
        "db roles create",
        {"name": name, "group": ["support"], "password_stdin": True},
    )
    assert "hunter2secret" not in database.dump("--data-only")
    database.execute(f"DROP OWNED BY {name}; DROP ROLE {name}", user="postgres")


def test_whom_one_acts_for(agentadm: Agentadm, database: Database) -> None:
    assert agentadm("users", "create", "x@example.com", "--actor", "maria").code == 0
    assert database.rows(NEWEST)[0][4:6] == ("maria", "agentadm_owner")
    name = f"{database.name}_support"
    assert agentadm("db", "roles", "create", name, "--group", "support", "--yes").code == 0
    support = {"AGENTADM_DATABASE_URL": database.url_as(name)}
    before = database.value("SELECT count(*) FROM agentadm.operations")
    refused = agentadm("users", "create", "y@example.com", "--actor", "maria", env=support)
    assert refused.code == 4
    assert "acting for maria needs the role agentadm_admin" in refused.err
    assert database.value("SELECT count(*) FROM agentadm.operations") == before
    assert agentadm("users", "create", "y@example.com", "--actor", name, env=support).code == 0
    assert database.rows(NEWEST)[0][4:6] == (name, name)
    assert agentadm("users", "create", "z@example.com", "--idempotency-key", "K", env=support).code == 0
    database.execute(f"DROP OWNED BY {name}; DROP ROLE {name}", user="postgres")


def test_a_profile_that_demands_a_reason(agentadm: Agentadm, database: Database, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[profiles.live]\ndatabase_url = "{database.url}"\nrequire_reason = true\n')
    env = {"AGENTADM_CONFIG": str(config), "AGENTADM_DATABASE_URL": ""}
    argv = ("users", "create", "x@example.com", "--profile", "live")
    for reason in ((), ("--reason", "")):
        refused = agentadm(*argv, *reason, env=env)
        assert (refused.code, refused.out) == (2, "")
        assert "profile live demands a reason for every change" in refused.err
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
    assert agentadm(*argv, "--reason", "they asked", env=env).code == 0
    assert agentadm("users", "list", "--profile", "live", env=env).code == 0

"""What a customer sees under row-level security: their own rows and no others', through whatever there is to read.

Generated from the catalogue: a table without a policy, a view that is not its reader's, or a partition that can be read
past its parent fails here, whoever adds it.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from platform_core.db.schema import person_links
from tests.conftest import Agentadm
from tests.people import OF_EVERYBODY, ROWS, Somebody, bystander, populate
from tests.support import Database

READABLE = """
SELECT c.relname::text AS name, c.relkind::text AS kind, c.relrowsecurity AS secured,
    coalesce('security_invoker=true' = ANY (c.reloptions), false) AS invoker,
    EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy, c.relispartition AS partition
FROM pg_class c WHERE c.relnamespace = 'agentadm'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relname <> 'alembic_version'
ORDER BY 1
"""
COLUMNS = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = %(name)s::regclass AND attnum > 0 AND NOT attisdropped
    AND has_column_privilege(attrelid, attnum, 'SELECT')
ORDER BY attnum
"""
# Of these everybody sees their own row.
OWN_ROW = {"users", "user_usage_summary"}
# Views that tell of no row of anybody.
OF_NOBODY = {"table_sizes": "sizes of tables"}


@pytest.fixture
def stranger(database: Database) -> UUID:
    """Who sees the others' rows in none of these tests."""
    return bystander(database)


@pytest.fixture
def grace(database: Database, stranger: UUID) -> Somebody:
    """Somebody with something in every table; the other in her team is not the stranger."""
    helper = database.value("INSERT INTO agentadm.users (email) VALUES ('helper@example.com') RETURNING id")
    return populate(database, 1, helper)


# An id that the tenant guessed, whatever the policies show.
GUESS = """
CREATE FUNCTION agentadm.test_id(of_table text) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE found_id uuid;
BEGIN
    EXECUTE format('SELECT id FROM agentadm.%I LIMIT 1', of_table) INTO found_id;
    RETURN found_id;
END $$;
GRANT EXECUTE ON FUNCTION agentadm.test_id(text) TO agentadm_tenant
"""


@pytest.fixture
def as_stranger(database: Database, stranger: UUID, grace: Somebody) -> Iterator[psycopg.Connection[Any]]:
    database.execute(GUESS)
    with database.connect(autocommit=True) as connection:
        connection.execute("SELECT set_config('app.current_user_id', %s, false)", [str(stranger)])
        connection.execute("SET ROLE agentadm_tenant")
        yield connection


def relations(database: Database) -> list[tuple[Any, ...]]:
    found = database.rows(READABLE)
    assert len(found) > 20
    return found


def seen(connection: psycopg.Connection[Any], name: str) -> list[str] | None:
    """The rows that are seen, as text, of what columns may be read; None where reading is not permitted at all."""
    readable = connection.execute(COLUMNS.encode(), {"name": f"agentadm.{name}"}).fetchall()
    if not readable:
        return None
    columns = sql.SQL(", ").join(sql.Identifier(column) for (column,) in readable)
    table = sql.Identifier("agentadm", name)
    rows = connection.execute(sql.SQL("SELECT to_jsonb(t)::text FROM (SELECT {} FROM {}) t").format(columns, table))
    return [row[0] for row in rows]


def test_every_table_has_row_security_and_a_policy_and_every_view_is_its_readers(database: Database) -> None:
    for name, kind, secured, invoker, has_policy, partition in relations(database):
        if kind == "v":
            assert invoker, f"view {name} shows what its maker may see"
        else:
            assert kind in "rp", f"{name} is a {kind}, which no policy holds for"
            assert secured, f"{name} has no row-level security"
            assert has_policy or partition, f"{name} has no policy"


def test_a_stranger_sees_nothing_of_others(
    database: Database, as_stranger: psycopg.Connection[Any], stranger: UUID, grace: Somebody
) -> None:
    readable = set()
    for name, _, _, _, _, partition in relations(database):
        rows = seen(as_stranger, name)
        if rows is None:
            continue
        assert not partition, f"the partition {name} can be read past its parent"
        readable.add(name)
        if name in OF_NOBODY:
            continue
        assert not any(grace.tag in row or str(grace.id) in row for row in rows), name
        if name not in OF_EVERYBODY:
            assert len(rows) == (name in OWN_ROW), f"{name}: {rows}"
        assert database.value(f"SELECT count(*) FROM agentadm.{name}") > 0, f"nothing to see in {name}: extend ROWS"
    assert readable >= set(ROWS), "what names a person is to be read by that person"
    assert str(stranger) in str(seen(as_stranger, "users"))


def test_a_leak_is_found(database: Database, as_stranger: psycopg.Connection[Any], grace: Somebody) -> None:
    """The test above would see a view of the owner's, and a table without a policy."""
    database.execute("CREATE VIEW agentadm.leak AS SELECT * FROM agentadm.users")
    database.execute("GRANT SELECT ON agentadm.leak TO agentadm_tenant")
    assert any(grace.tag in row for row in seen(as_stranger, "leak") or [])
    assert ("leak", "v", False, False, False, False) in relations(database)


def test_the_person_sees_what_is_theirs(
    database: Database, as_stranger: psycopg.Connection[Any], grace: Somebody
) -> None:
    as_stranger.execute("SELECT set_config('app.current_user_id', %s, false)", [str(grace.id)])
    for table, link in person_links():
        if link.column == "merged_into_id" or link.via is not None:
            continue
        count = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(
            sql.Identifier("agentadm", table.name), sql.Identifier(link.column)
        )
        row = as_stranger.execute(count, [grace.id]).fetchone()
        assert row is not None
        assert row[0] > 0, f"{table.name}.{link.column}"


def test_without_a_user_nothing_is_seen(database: Database, as_stranger: psycopg.Connection[Any]) -> None:
    as_stranger.execute("SELECT set_config('app.current_user_id', '', false)")
    for name, *_ in relations(database):
        assert name in OF_NOBODY or not seen(as_stranger, name), name


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("UPDATE agentadm.users SET full_name = 'mine' WHERE id = %(stranger)s", None),
        ("UPDATE agentadm.users SET role = 'admin' WHERE id = %(stranger)s", "permission denied"),
        ("UPDATE agentadm.users SET stripe_customer_id = 'cus_x' WHERE id = %(stranger)s", "permission denied"),
        ("INSERT INTO agentadm.team_members (team_id, user_id) SELECT md5('zq1xk')::uuid, %(stranger)s", "row-level"),
        ("INSERT INTO agentadm.projects (name, owner_user_id) VALUES ('x', %(grace)s)", "row-level"),
        ("INSERT INTO agentadm.projects (name, owner_user_id) VALUES ('x', %(stranger)s)", None),
        ("INSERT INTO agentadm.projects (name, owner_team_id) VALUES ('x', md5('zq1xk')::uuid)", "row-level"),
        ("DELETE FROM agentadm.users", "permission denied"),
        ("UPDATE agentadm.teams SET member_count = 0", "permission denied"),
        ("UPDATE agentadm.plans SET max_workflows = NULL", "permission denied"),
        ("UPDATE agentadm.limit_overrides SET value = 99", "permission denied"),
        ("UPDATE agentadm.subscriptions SET status = 'active'", "permission denied"),
        ("SELECT key_hash FROM agentadm.api_keys", "permission denied"),
        ("UPDATE agentadm.api_keys SET revoked_at = NULL", "permission denied"),
        ("SELECT api_key FROM agentadm.ai_models", "permission denied"),
        ("SELECT config FROM agentadm.workflow_triggers", "permission denied"),
        ("SELECT agentadm.verify_key('{}', NULL, NULL, NULL)", "permission denied"),
        (
            (
                "INSERT INTO agentadm.agents (team_id, name, slug)"
                " SELECT team_id, 'x', 'x' FROM agentadm.runs UNION SELECT md5('zq1xk')::uuid, 'x', 'x'"
            ),
            "row-level",
        ),
        (
            "INSERT INTO agentadm.workflows (team_id, name) VALUES (md5('zq1xk')::uuid, 'x')",
            "row-level",
        ),
        ("INSERT INTO agentadm.runs (user_id, team_id) VALUES (%(stranger)s, md5('zq1xk')::uuid)", "permission denied"),
        ("UPDATE agentadm.agents SET spec_version = 1", "permission denied"),
        (
            (
                "INSERT INTO agentadm.agent_configurations (user_id, agent_id)"
                " SELECT %(stranger)s, agentadm.test_id('agents')"
            ),
            "row-level",
        ),
        (
            (
                "INSERT INTO agentadm.crew_instances (crew_id, instance_id, position)"
                " SELECT c.id, agentadm.test_id('agent_instances'), 1 FROM agentadm.crews c"
                " UNION SELECT agentadm.test_id('crews'), agentadm.test_id('agent_instances'), 7"
            ),
            "row-level",
        ),
        ("SELECT agentadm.erase_person(%(stranger)s, agentadm.uuid_v7())", "permission denied"),
    ],
)
def test_what_a_customer_may_write(
    as_stranger: psycopg.Connection[Any], stranger: UUID, grace: Somebody, change: str, refused: str | None
) -> None:
    values = {"stranger": stranger, "grace": grace.id}
    if refused is None:
        assert as_stranger.execute(change.encode(), values).rowcount == 1
    else:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=refused):
            as_stranger.execute(change.encode(), values)


def test_an_own_crew_does_not_tell_whether_an_instance_exists(
    database: Database, as_stranger: psycopg.Connection[Any], stranger: UUID, grace: Somebody
) -> None:
    project = database.value(
        "INSERT INTO agentadm.projects (name, owner_user_id) VALUES ('own', %s) RETURNING id", stranger
    )
    crew = database.value("INSERT INTO agentadm.crews (project_id, name) VALUES (%s, 'own') RETURNING id", project)
    add = "INSERT INTO agentadm.crew_instances (crew_id, instance_id, position) VALUES (%s, %s, 1)"
    theirs = database.value("SELECT id FROM agentadm.agent_instances LIMIT 1")
    told = set()
    for instance in (theirs, uuid4()):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            as_stranger.execute(add.encode(), [crew, instance])
        told.add(str(refused.value))
    assert len(told) == 1
    agent = database.value("SELECT agent_id FROM agentadm.agent_instances WHERE id = %s", theirs)
    own = database.value(
        "INSERT INTO agentadm.agent_instances (user_id, agent_id, origin) VALUES (%s, %s, 'launch') RETURNING id",
        stranger, agent,
    )  # fmt: skip
    assert as_stranger.execute(add.encode(), [crew, own]).rowcount == 1


@pytest.mark.parametrize(
    ("role", "adds", "renames", "writes"),
    [("viewer", False, False, False), ("member", False, False, True), ("admin", True, True, True)],
)
def test_what_a_member_of_a_team_may_do(
    database: Database, as_stranger: psycopg.Connection[Any], stranger: UUID, role: str, adds: bool, renames: bool,
    writes: bool,
) -> None:  # fmt: skip
    team = "md5('zq1xk')::uuid"
    database.execute(
        f"INSERT INTO agentadm.team_members (team_id, user_id, role) VALUES ({team}, %s, %s)", stranger, role
    )
    guest = database.value("INSERT INTO agentadm.users (email) VALUES ('guest@example.com') RETURNING id")

    def may(statement: str) -> bool:
        try:
            return as_stranger.execute(statement.encode(), {"guest": guest}).rowcount == 1
        except psycopg.errors.InsufficientPrivilege:
            return False

    assert len(seen(as_stranger, "teams") or []) == 1
    assert len(seen(as_stranger, "team_members") or []) == 3
    assert may(f"INSERT INTO agentadm.team_members (team_id, user_id) VALUES ({team}, %(guest)s)") is adds
    assert not may(f"INSERT INTO agentadm.team_members (team_id, user_id, role) VALUES ({team}, %(guest)s, 'owner')")
    assert not may("UPDATE agentadm.team_members SET role = 'viewer' WHERE role = 'owner'")
    assert not may("DELETE FROM agentadm.team_members WHERE role = 'owner'")
    assert may("UPDATE agentadm.teams SET description = 'ours'") is renames
    assert not may("UPDATE agentadm.teams SET max_members = 100")
    assert may(f"INSERT INTO agentadm.projects (name, owner_team_id) VALUES ('of ours', {team})") is writes
    assert (len(seen(as_stranger, "projects") or []) == 1) is writes
    assert may(f"INSERT INTO agentadm.agents (team_id, name, slug) VALUES ({team}, 'Ours', 'ours')") is writes
    assert may(f"INSERT INTO agentadm.workflows (team_id, name) VALUES ({team}, 'Ours')") is writes
    for name in ("agents", "agent_versions", "workflows", "workflow_versions"):
        assert (len(seen(as_stranger, name) or []) == 1) is writes, name
    assert may("UPDATE agentadm.agents SET spec_content = 'mine'") is writes
    # What everybody may use, the platform offers; and who changed what is not for the tenant to say.
    assert not may(
        f"INSERT INTO agentadm.agents (team_id, name, slug, agent_type) VALUES ({team}, 'x', 'x', 'catalog')"
    )
    as_stranger.execute("SELECT set_config('app.undoing', 'on', false)")
    as_stranger.execute("SELECT set_config('app.changed_by', %s, false)", [str(guest)])
    assert may("UPDATE agentadm.agents SET spec_content = 'again mine'") is writes
    versions = "SELECT version, changed_by FROM agentadm.agent_versions ORDER BY version"
    maker = database.value("SELECT id FROM agentadm.users WHERE email = 'by.stander@example.com'")
    if writes:
        of_ours = "WHERE slug = 'ours'"
        assert database.rows(f"SELECT spec_version, created_by FROM agentadm.agents {of_ours}") == [(3, maker)]
        assert as_stranger.execute(versions.encode()).fetchall() == [(1, maker), (2, maker), (3, maker)]
    assert not may("UPDATE agentadm.agents SET created_by = NULL")


@pytest.mark.parametrize("state", ["status = 'suspended'", "deleted_at = agentadm.now()"])
def test_who_is_shut_out_sees_and_changes_nothing(
    database: Database, as_stranger: psycopg.Connection[Any], stranger: UUID, state: str
) -> None:
    database.execute("INSERT INTO agentadm.projects (name, owner_user_id) VALUES ('mine', %s)", stranger)
    assert len(seen(as_stranger, "projects") or []) == 1
    database.execute(f"UPDATE agentadm.users SET {state} WHERE id = %s", stranger)
    assert seen(as_stranger, "projects") == seen(as_stranger, "users") == []
    assert as_stranger.execute("UPDATE agentadm.users SET full_name = 'x'").rowcount == 0


ADD_TO_PERSONAL = (
    "INSERT INTO agentadm.team_members (team_id, user_id) SELECT t.id, %s FROM agentadm.teams t WHERE personal_of = %s"
)


def test_a_personal_team_stays_of_one(as_stranger: psycopg.Connection[Any], stranger: UUID, grace: Somebody) -> None:
    as_stranger.execute("SELECT set_config('app.current_user_id', %s, false)", [str(grace.id)])
    with pytest.raises(psycopg.errors.CheckViolation, match="teams_personal_members_check"):
        as_stranger.execute(ADD_TO_PERSONAL.encode(), [stranger, grace.id])


SUPPORT_MAY_NOT = {
    "UPDATE agentadm.teams SET member_count = 0": "permission denied",
    "UPDATE agentadm.users SET stripe_customer_id = 'cus_x'": "permission denied",
    "UPDATE agentadm.users SET role = 'admin'": "needs the role agentadm_admin",
    "INSERT INTO agentadm.users (email, role) VALUES ('x@example.com', 'admin')": "needs the role agentadm_admin",
    "UPDATE agentadm.users SET erased_at = agentadm.now()": "permission denied",
    "DELETE FROM agentadm.users": "permission denied",
    "UPDATE agentadm.plans SET max_workflows = NULL": "permission denied",
    "UPDATE agentadm.subscriptions SET status = 'active'": "permission denied",
    "UPDATE agentadm.agent_plans SET price = 0": "permission denied",
    "UPDATE agentadm.ai_models SET api_key = NULL": "permission denied",
    "UPDATE agentadm.key_material SET retired_at = NULL": "permission denied",
    "UPDATE agentadm.agent_versions SET spec_content = 'x'": "permission denied",
}


def test_what_support_may_not(database: Database, agentadm: Agentadm, grace: Somebody) -> None:
    name = f"helpdesk_{database.name}"
    assert agentadm("db", "roles", "create", name, "--group", "support", "--yes").code == 0
    with database.connect(name, autocommit=True) as connection:
        for change, told in SUPPORT_MAY_NOT.items():
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match=told):
                connection.execute(change.encode())
        assert connection.execute("UPDATE agentadm.users SET full_name = 'by support'").rowcount > 1


ON_A_TABLE_OF_ONES_OWN = """
CREATE TEMP TABLE own (id uuid, team_id uuid);
CREATE TRIGGER forged AFTER INSERT ON own REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.{}('users', '{{}}', '{{}}')
"""


@pytest.mark.parametrize("group", ["support", "admin"])
def test_nobody_lends_our_triggers_for_a_table_of_their_own(database: Database, agentadm: Agentadm, group: str) -> None:
    name = f"lender_{group}_{database.name}"
    assert agentadm("db", "roles", "create", name, "--group", group, "--yes").code == 0
    functions = database.rows(
        "SELECT proname::text FROM pg_proc"
        " WHERE pronamespace = 'agentadm'::regnamespace AND prorettype = 'trigger'::regtype"
    )
    assert ("audit_insert",) in functions
    for (function,) in functions:
        with (
            closing(database.connect(name)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"denied for function agentadm.{function}"),
        ):
            connection.execute(ON_A_TABLE_OF_ONES_OWN.format(function).encode())


def test_an_administrator_of_the_platform_reads_all(
    database: Database, as_stranger: psycopg.Connection[Any], stranger: UUID
) -> None:
    database.execute("UPDATE agentadm.users SET role = 'admin' WHERE id = %s", stranger)
    for name in ROWS:
        assert len(seen(as_stranger, name) or []) == database.value(f"SELECT count(*) FROM agentadm.{name}")
    database.execute("UPDATE agentadm.users SET status = 'suspended' WHERE id = %s", stranger)
    assert seen(as_stranger, "users") == []


# ----------------------------------------------------------------------------------------------------------- --as-user


def test_reading_as_a_user_shows_what_the_user_sees(agentadm: Agentadm, stranger: UUID, grace: Somebody) -> None:
    everybody = agentadm("users", "list", "-o", "json").json
    assert len(everybody) == 3
    mine = agentadm("users", "list", "--as-user", "by.stander@example.com", "-o", "json")
    assert [user["id"] for user in mine.json] == [str(stranger)]
    assert agentadm("users", "list", "--all", "--as-user", "by.stander@example.com", "-o", "csv").out.count("\n") == 2
    assert agentadm("teams", "list", "--as-user", "by.stander@example.com", "-o", "json").json == []
    assert (
        agentadm("projects", "list", "--as-user", grace.email, "-o", "json").json[0]["name"] == f"Project {grace.tag}"
    )
    other = agentadm("users", "show", grace.email, "--as-user", "by.stander@example.com")
    assert (other.code, other.out) == (5, "")
    assert agentadm("users", "show", grace.email, "--as-user", grace.email, "-o", "json").json["id"] == str(grace.id)


def test_what_a_customer_may_not_read_is_refused(agentadm: Agentadm, grace: Somebody) -> None:
    done = agentadm("audit", "list", "--as-user", grace.email)
    assert (done.code, done.out) == (4, "")
    assert "customers may not read that" in done.err


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["users", "list", "--as-user", "nobody@example.com"], 5),
        (["users", "create", "x@example.com", "--as-user", "by.stander@example.com"], 2),
        (["config", "show", "--as-user", "by.stander@example.com"], 2),
        (["db", "status", "--as-user", "by.stander@example.com"], 2),
    ],
)
def test_as_a_user_where_there_is_none_or_nothing_to_read(
    agentadm: Agentadm, stranger: UUID, argv: list[str], code: int
) -> None:
    done = agentadm(*argv)
    assert (done.code, done.out) == (code, "")


def test_operators_read_as_a_user_too(database: Database, agentadm: Agentadm, stranger: UUID, grace: Somebody) -> None:
    for group in ("support", "billing", "analytics", "admin"):
        name = f"{group}_{database.name}"
        assert agentadm("db", "roles", "create", name, "--group", group, "--yes").code == 0
        done = agentadm(
            "users", "list", "--as-user", "by.stander@example.com", "-o", "json",
            env={"AGENTADM_DATABASE_URL": database.url_as(name)},
        )  # fmt: skip
        assert [user["id"] for user in done.json] == [str(stranger)], group

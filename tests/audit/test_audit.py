"""Every change leaves its rows in the audit, whoever makes it and however; nobody gets round it or rewrites it."""

from typing import Any

import psycopg
import pytest

from platform_core.clock import uuid_v7
from platform_core.db.schema import Care, load_tables
from platform_core.errors import Conflict
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from tests.audit.helpers import ADA, BOB, CYD, audited, column, count_operations, expected, images, outside, run
from tests.conftest import Agentadm
from tests.support import Database

NEW = "00000000-0000-7000-8000-000000000009"
RENAME = "UPDATE agentadm.users SET full_name = 'Somebody' WHERE id = '{}'"
# Tables that are no declared ones of ours, and why they need no audit.
NOT_OURS = {"alembic_version": "Alembic's own; a migration is recorded as an operation"}

MERGE = f"""
    MERGE INTO agentadm.users u
    USING (VALUES ('{ADA}'::uuid, 'delete'), ('{BOB}', 'update'), ('{CYD}', 'nothing'), ('{NEW}', 'insert')) s (id, act)
        ON u.id = s.id
    WHEN MATCHED AND s.act = 'delete' THEN DELETE
    WHEN MATCHED AND s.act = 'update' THEN UPDATE SET full_name = 'merged'
    WHEN NOT MATCHED THEN INSERT (id, email) VALUES (s.id, 'merged@example.com')
"""
ON_CONFLICT = f"""
    INSERT INTO agentadm.users (id, email) VALUES ('{ADA}', 'ada.new@example.com'), ('{NEW}', 'new@example.com')
    ON CONFLICT (id) DO UPDATE SET email = excluded.email
"""


def test_the_login_of_the_suite_is_as_plain_as_an_installation_s(database: Database) -> None:
    assert database.rows("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user") == [(False, False)]


def test_every_table_is_audited_or_says_why_not(database: Database) -> None:
    declared: dict[str, Care] = {table.name: table.info["care"] for table in load_tables().tables.values()}
    found = database.rows(
        """
        SELECT c.relname, coalesce(parent.relname, c.relname), ARRAY(
            SELECT p.proname::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE t.tgrelid = c.oid AND t.tgenabled = 'O' AND p.pronamespace = c.relnamespace
        )
        FROM pg_class c
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        LEFT JOIN pg_class parent ON parent.oid = i.inhparent
        WHERE c.relnamespace = 'agentadm'::regnamespace AND c.relkind IN ('r', 'p', 'f', 'm')
        """
    )
    assert len(found) > len(declared)
    for name, logical, triggers in found:
        if logical in NOT_OURS:
            continue
        wanted = declared.pop(logical) if name == logical else load_tables().tables[f"agentadm.{logical}"].info["care"]
        if wanted.unaudited is None:
            assert {"audit_insert", "audit_update", "audit_delete", "refuse_truncate", "refuse_key_change"} <= {
                *triggers
            }, name
        else:
            assert wanted.unaudited.strip(), name
            assert not {"audit_insert", "audit_update", "audit_delete"} & {*triggers}, name
        if wanted.append_only:
            assert {"refuse_rewrite", "refuse_truncate"} <= {*triggers}, name
    assert declared == {}


def test_every_foreign_key_can_be_deferred_for_undo(database: Database) -> None:
    assert database.rows(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'agentadm'::regnamespace"
        " AND NOT condeferrable"
    ) == []  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO agentadm.users (id, email) VALUES ('{NEW}', 'new@example.com'), (gen_random_uuid(), NULL)",
        "UPDATE agentadm.users SET full_name = 'same for all', daily_budget = NULL",
        "UPDATE agentadm.users SET metadata = '{\"a\": [1.00, null]}'",
        "UPDATE agentadm.users SET full_name = full_name, last_login_at = now() WHERE username = 'ada'",
        f"DELETE FROM agentadm.users WHERE id = '{CYD}'",
        "DELETE FROM agentadm.users",
        ON_CONFLICT,
        ON_CONFLICT.replace("DO UPDATE SET email = excluded.email", "DO NOTHING"),
        MERGE,
        (f"WITH gone AS (DELETE FROM agentadm.identities RETURNING *) "
        f"INSERT INTO agentadm.identities (user_id, provider, subject) SELECT '{CYD}', 'moved', subject FROM gone"),
        f"DO $$ BEGIN {RENAME.format(ADA)}; DELETE FROM agentadm.identities WHERE subject = 'bob-1'; END $$",
    ],
    ids=[
        "insert", "update", "update of a number's scale only", "update of nothing", "delete", "delete with cascade",
        "on conflict update", "on conflict nothing", "merge", "one statement with two changes", "do block",
    ],
)  # fmt: skip
def test_rows_and_pairs_are_those_of_the_data(people: Database, statement: str) -> None:
    before = images(people, "users", "identities")
    operation = outside(people, statement)
    told = expected(before, images(people, "users", "identities"))
    if told:
        assert audited(people, operation) == told
    else:
        assert operation in {"", "None"}


def test_copy_is_audited(people: Database) -> None:
    before = images(people, "users")
    with people.connect() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY agentadm.users (email, username) FROM STDIN") as copy:
            for number in range(500):
                copy.write_row((f"copied{number}@example.com", f"copied{number}"))
        cursor.execute("SELECT current_setting('app.operation_id')")
        operation = str(cursor.fetchone()[0])  # type: ignore[index] # there is a row
    told = expected(before, images(people, "users"))
    assert len(told) == 500
    assert audited(people, operation) == told


def test_a_hundred_thousand_rows_in_one_statement(people: Database) -> None:
    """After many small changes in the same session, whose plan must not be used for this one."""
    mismatches = """
        SELECT count(*) FROM public.{old} o FULL JOIN public.{new} n ON n.id = o.id
        FULL JOIN (SELECT * FROM agentadm.audit_changes WHERE operation_id = '{operation}' AND action = '{action}') c
            ON c.row_key = coalesce(o.id, n.id)::text
        WHERE c.action IS DISTINCT FROM CASE WHEN o.id IS NULL THEN 'insert' WHEN n.id IS NULL THEN 'delete'
                WHEN o IS DISTINCT FROM n THEN 'update' END
            OR c.before IS DISTINCT FROM CASE WHEN o.id IS NOT NULL THEN to_jsonb(o)
                - CASE WHEN n.id IS NOT NULL THEN '{{id,user_id,provider,created_at}}' ELSE '{{}}' END::text[] END
            OR c.after IS DISTINCT FROM CASE WHEN o.id IS NOT NULL AND n.id IS NOT NULL
                THEN jsonb_build_object('subject', n.subject, 'updated_at', n.updated_at) END
    """
    statements = {
        "insert": f"INSERT INTO agentadm.identities (user_id, provider, subject)"
        f" SELECT '{ADA}', 'mass', g::text FROM generate_series(1, 100000) g",
        "update": "UPDATE agentadm.identities SET subject = 'changed ' || subject WHERE provider = 'mass'",
        "delete": "DELETE FROM agentadm.identities WHERE provider = 'mass'",
    }
    copied = "CREATE TABLE public.{} AS SELECT * FROM agentadm.identities WHERE provider = 'mass'"
    with people.connect(options="-c timezone=UTC -c statement_timeout=120s") as connection:
        for number in range(10):
            run(connection, f"UPDATE agentadm.identities SET subject = 'small {number}' WHERE provider = 'supabase'")
        connection.commit()
        run(connection, copied.format("state0"))
        for place, (action, statement) in enumerate(statements.items()):
            run(connection, statement)
            found = connection.execute("SELECT current_setting('app.operation_id')").fetchone()
            assert found is not None
            connection.commit()
            run(connection, copied.format(f"state{place + 1}"))
            sql = mismatches.format(old=f"state{place}", new=f"state{place + 1}", operation=found[0], action=action)
            assert connection.execute(sql.encode()).fetchone() == (0,)
            counted = connection.execute(
                "SELECT count(*) FROM agentadm.audit_changes WHERE operation_id = %s", [found[0]]
            ).fetchone()
            assert counted == (100_000,)


def test_a_change_without_the_tool_is_an_operation_of_its_own(
    people: Database, agentadm: Agentadm, logins: dict[str, str]
) -> None:
    operation = outside(people, RENAME.format(ADA), user=logins["support"], application_name="psql")
    shown = agentadm("audit", "show", operation, "-o", "json").json
    assert (shown["command"], shown["actor"], shown["login"]) == ("outside", "audit_support", "audit_support")
    assert shown["application"] == "psql"
    assert shown["total_changes"] == 1
    change = shown["changes"][0]
    assert (change["table"], change["key"], change["action"], change["forged"]) == ("users", ADA, "update", False)
    assert (change["login"], change["application"]) == ("audit_support", "psql")
    assert change["before"]["full_name"] == "Ada"
    assert change["after"]["full_name"] == "Somebody"
    listed = agentadm("audit", "list", "--key", ADA, "--table", "users", "-o", "json").json
    assert listed[0]["id"] == operation
    assert listed[0]["command"] == "outside"


def test_several_changes_of_one_transaction_are_one_operation(people: Database) -> None:
    before = count_operations(people)
    operation = outside(
        people, RENAME.format(ADA), "SAVEPOINT s", RENAME.format(BOB), "ROLLBACK TO s", RENAME.format(CYD)
    )
    assert count_operations(people) == before + 1
    assert column(people, "row_key", operation) == [ADA, CYD]


def test_an_operation_rolled_back_to_a_savepoint_takes_no_later_change_with_it(people: Database) -> None:
    operation = outside(people, "SAVEPOINT s", RENAME.format(ADA), "ROLLBACK TO s", RENAME.format(BOB))
    assert column(people, "row_key", operation) == [BOB]


@pytest.mark.parametrize("user", ["agentadm_owner", "postgres"])
def test_a_key_never_changes(people: Database, user: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="key of users cannot be changed"):
        outside(people, f"UPDATE agentadm.users SET id = '{NEW}' WHERE id = '{ADA}'", user=user)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="key of users"):
        outside(people, MERGE.replace("SET full_name = 'merged'", "SET id = gen_random_uuid()"), user=user)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="key of users"):
        outside(people, ON_CONFLICT.replace("SET email", f"SET id = '{NEW}', email"), user=user)


@pytest.mark.parametrize("user", ["agentadm_owner", "postgres"])
def test_truncate_raises_on_every_table_and_partition(people: Database, user: str) -> None:
    names = [
        row[0]
        for row in people.rows(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'agentadm'::regnamespace"
            " AND c.relkind IN ('r', 'p') AND EXISTS ("
            "SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname IN ('audit_delete', 'refuse_rewrite'))"
        )
    ]
    assert len(names) > 10
    for name in names:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="TRUNCATE"):
            outside(people, f"TRUNCATE {name} CASCADE", user=user)


# ------------------------------------------------------------------------------------------------------------ forgeries


def made_by_tool(agentadm: Agentadm) -> str:
    assert agentadm("users", "create", "made@example.com", "--reason", "hired").code == 0
    found: str = agentadm("audit", "list", "--command", "users create", "-o", "json").json[0]["id"]
    return found


def test_people_see_what_was_deleted_and_what_is_forged(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, f"DELETE FROM agentadm.users WHERE id = '{ADA}'")
    shown = agentadm("audit", "show", operation, terminal=True, env={"COLUMNS": "400"}).out
    assert f"delete users {ADA}: " in shown
    assert '"username": "ada"' in shown
    assert "FORGED" not in shown
    people.execute("UPDATE agentadm.operations SET xid = xid + 1 WHERE id = %s", operation, user="postgres")
    shown = agentadm("audit", "show", operation, terminal=True, env={"COLUMNS": "400"}).out
    assert "FORGED by agentadm_owner" in shown


def test_a_change_under_a_foreign_operation_shows(people: Database, agentadm: Agentadm, logins: dict[str, str]) -> None:
    operation = made_by_tool(agentadm)
    assert agentadm("audit", "verify").code == 0
    forged = outside(
        people,
        f"SELECT set_config('app.operation_id', '{operation}', true)",
        RENAME.format(ADA),
        user=logins["support"],
        application_name="agentadm",
    )
    assert forged == operation
    changes = agentadm("audit", "show", operation, "-o", "json").json["changes"]
    assert [(change["login"], change["forged"]) for change in changes] == [
        ("agentadm_owner", False),
        ("audit_support", True),
    ]
    verified = agentadm("audit", "verify", "-o", "json")
    assert verified.code == 1
    assert len(verified.json["problems"]) == 1
    assert all(word in verified.json["problems"][0] for word in (operation, ADA, "audit_support"))


@pytest.mark.parametrize(
    "claimed",
    ["3f0c8c2e-8f5d-4a57-9c11-6d7be7f3f001", "nonsense", "0" * 36, "'", " ", "00000000-0000-0000-0000-00000000000"],
)
def test_no_claim_loses_a_change(people: Database, agentadm: Agentadm, logins: dict[str, str], claimed: str) -> None:
    with people.connect(logins["support"]) as connection:
        connection.execute("SELECT set_config('app.operation_id', %s, false)", [claimed])
        run(connection, RENAME.format(ADA))
    listed = agentadm("audit", "list", "--key", ADA, "-o", "json").json
    assert listed[0]["command"] == "outside"
    assert listed[0]["actor"] == "audit_support"
    assert listed[0]["id"] != claimed
    assert agentadm("audit", "verify").code == 0


def test_a_known_id_cannot_be_opened_again(people: Database, agentadm: Agentadm, logins: dict[str, str]) -> None:
    operation = made_by_tool(agentadm)
    opened = "SELECT agentadm.begin_operation('{}', 'x', '{{}}', NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    with pytest.raises(psycopg.errors.UniqueViolation):
        outside(people, opened.format(operation), RENAME.format(ADA), user=logins["support"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="another login"):
        outside(people, f"SELECT agentadm.continue_operation('{operation}')", user=logins["support"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="acting for"):
        outside(
            people, opened.format(uuid_v7()).replace("NULL, NULL, NULL, NULL)", "'boss', NULL, NULL, NULL)"),
            user=logins["support"],
        )  # fmt: skip


def test_types_of_a_login_s_own_never_run_as_the_owner(people: Database, logins: dict[str, str]) -> None:
    domains = [
        f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.spy())"
        for name in ("uuid", "text", "timestamptz", "jsonb", "int8", "bool", "date")
    ]
    with people.connect(logins["support"]) as connection:
        run(
            connection,
            "CREATE FUNCTION pg_temp.spy() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
            " IF current_user <> 'audit_support' THEN RAISE EXCEPTION 'running as %', current_user; END IF;"
            " RETURN true; END $$",
            *domains,
            "SELECT set_config('app.clock', '2026-01-31T12:00:00Z', true)",
            "SELECT agentadm.now(), agentadm.uuid_v7(), agentadm.current_user_id(), agentadm.is_operator()",
            "INSERT INTO agentadm.users (email) VALUES ('spy@example.com')",
            "UPDATE agentadm.users SET full_name = 'spy'",
            "DELETE FROM agentadm.identities",
        )


# --------------------------------------------------------------------------------------------------------------- roles

KEPT = ("audit_changes", "operations", "operation_continuations", "audit_seals")


def kept_tables(database: Database) -> list[tuple[str, str]]:
    """The tables of the audit and all their partitions, each with a column."""
    return database.rows(
        "SELECT format('agentadm.%%I', c.relname), (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid"
        " AND a.attnum = 1) FROM pg_class c WHERE c.relnamespace = 'agentadm'::regnamespace"
        " AND c.relkind IN ('r', 'p') AND substring(c.relname, '^(.*?)(?:_default|_[0-9]{4}_[0-9]{2})?$') = ANY (%s)",
        list(KEPT),
    )


@pytest.mark.parametrize("group", ["support", "billing", "admin", "tenant", "analytics"])
def test_no_role_writes_to_the_audit(people: Database, logins: dict[str, str], group: str) -> None:
    tables = kept_tables(people)
    assert len(tables) > 2 * len(KEPT)
    with people.connect(logins[group], autocommit=True) as connection:
        for name, first in tables:
            statements = [f"UPDATE {name} SET {first} = {first}", f"DELETE FROM {name}", f"TRUNCATE {name}"]
            if (group, name) != ("admin", "agentadm.audit_seals"):
                statements.append(f"INSERT INTO {name} DEFAULT VALUES")
            if name not in {f"agentadm.{kept}" for kept in KEPT}:
                statements.append(f"SELECT * FROM {name}")
            for statement in statements:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    run(connection, statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(connection, "SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(connection, "ALTER TABLE agentadm.users DISABLE TRIGGER ALL")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(connection, "SELECT agentadm.watch_statements('agentadm.users', 'other', '{}', '{}')")


def test_an_administrator_adds_seals_and_changes_none(people: Database, logins: dict[str, str]) -> None:
    with people.connect(logins["admin"], autocommit=True) as connection:
        run(
            connection,
            "INSERT INTO agentadm.audit_seals (from_seq, to_seq, operations, changes, digest) VALUES (1, 1, 0, 0, '')",
        )
        for statement in ("UPDATE agentadm.audit_seals SET to_seq = 2", "DELETE FROM agentadm.audit_seals"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                run(connection, statement)


def test_a_right_given_by_mistake_is_not_enough(people: Database, logins: dict[str, str]) -> None:
    outside(people, RENAME.format(ADA))
    for name, first in kept_tables(people):
        people.execute(f"GRANT ALL ON {name} TO {logins['support']}")
        filled = people.value(f"SELECT count(*) FROM {name}")
        with people.connect(logins["support"], autocommit=True) as connection:
            run(connection, "SET row_security = on")
            visible = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()
            for statement in (f"UPDATE {name} SET {first} = {first}", f"DELETE FROM {name}"):
                if visible == (0,):
                    run(connection, statement)
                else:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                        run(connection, statement)
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="TRUNCATE"):
                run(connection, f"TRUNCATE {name} CASCADE")
        assert people.value(f"SELECT count(*) FROM {name}") == filled


@pytest.mark.parametrize(
    ("group", "statement", "rows"),
    [
        ("support", f"UPDATE agentadm.users SET status = 'suspended' WHERE id = '{BOB}'", [("users", "update")]),
        ("support", "DELETE FROM agentadm.identities WHERE subject = 'bob-1'", [("identities", "delete")]),
        ("admin", f"DELETE FROM agentadm.users WHERE id = '{BOB}'", [("users", "delete"), ("identities", "delete")]),
        ("tenant", "UPDATE agentadm.users SET full_name = 'Myself'", [("users", "update")]),
    ],
)
def test_a_change_that_a_role_may_make_is_audited_with_its_login(
    people: Database, logins: dict[str, str], group: str, statement: str, rows: list[Any]
) -> None:
    operation = outside(
        people,
        f"SELECT set_config('app.current_user_id', '{BOB}', true), set_config('app.clock', '2026-02-28T23:00Z', true)",
        statement,
        user=logins[group],
    )
    assert people.rows(
        "SELECT table_name, action FROM agentadm.audit_changes WHERE operation_id = %s"
        " AND session_user_name = %s ORDER BY seq", operation, logins[group],
    ) == rows  # fmt: skip
    assert set(column(people, "changed_at AT TIME ZONE 'UTC'", operation)).pop().isoformat() == "2026-02-28T23:00:00"


# ----------------------------------------------------------------------------------------------- what is kept of a row


def test_last_use_alone_is_not_audited(people: Database) -> None:
    before, count = images(people, "users"), count_operations(people)
    outside(people, "UPDATE agentadm.users SET last_login_at = now()")
    assert count_operations(people) == count
    after = images(people, "users")
    assert {key: image["updated_at"] for key, image in after.items()} == {
        key: image["updated_at"] for key, image in before.items()
    }
    operation = outside(people, f"UPDATE agentadm.users SET last_login_at = now(), full_name = 'x' WHERE id = '{ADA}'")
    assert audited(people, operation) == expected(after, images(people, "users"))
    assert column(people, "before ? 'last_login_at' OR NOT before ? 'updated_at'", operation) == [False]


PROBE_WITH_SECRET = (
    "CREATE TABLE agentadm.probe (id text PRIMARY KEY, label text, secret text)",
    "SELECT agentadm.watch('agentadm.probe', secrets => '{secret}')",
)


def test_of_secrets_there_are_only_fingerprints(database: Database, agentadm: Agentadm) -> None:
    outside(database, *PROBE_WITH_SECRET)
    first = outside(database, "INSERT INTO agentadm.probe VALUES ('k', 'l', 'hush-1'), ('n', 'l', NULL)")
    second = outside(database, "UPDATE agentadm.probe SET secret = 'hush-2', label = 'm'")
    third = outside(database, "UPDATE agentadm.probe SET secret = 'hush-2', label = 'n'")
    fourth = outside(database, "DELETE FROM agentadm.probe")
    assert "hush" not in database.dump("--data-only", "-t", "agentadm.audit_changes*", "-t", "agentadm.operations*")
    for operation in (first, second, third, fourth):
        assert "hush" not in agentadm("audit", "show", operation).out
    (with_secret, without) = column(database, "before -> 'secret'", second)
    assert list(with_secret) == ["fingerprint"]
    assert len(with_secret["fingerprint"]) == 16
    assert without is None
    (after, _) = column(database, "after -> 'secret'", second)
    assert after["fingerprint"] != with_secret["fingerprint"]
    assert column(database, "before ? 'secret'", third) == [False, False]
    assert column(database, "before -> 'secret'", fourth) == [after, after]


# A plain owner may not put SET app.deriving into the head of a function.
DERIVING = (
    "CREATE TABLE agentadm.probe (id uuid PRIMARY KEY REFERENCES agentadm.users ON DELETE CASCADE DEFERRABLE, n int)",
    "SELECT agentadm.watch('agentadm.probe')",
    (
        "INSERT INTO agentadm.probe SELECT u.id, count(i) FROM agentadm.users u LEFT JOIN agentadm.identities i"
        " ON i.user_id = u.id GROUP BY u.id"
    ),
    """
    CREATE FUNCTION agentadm.derive_probe() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        before text := coalesce(current_setting('app.deriving', true), '');
    BEGIN
        PERFORM set_config('app.deriving', 'on', true);
        IF TG_OP = 'INSERT' THEN
            UPDATE agentadm.probe SET n = n + 1 WHERE id = NEW.user_id;
        ELSE
            UPDATE agentadm.probe SET n = n - 1 WHERE id = OLD.user_id;
        END IF;
        PERFORM set_config('app.deriving', before, true);
        RETURN NULL;
    END $$
    """,
    (
        "CREATE TRIGGER derive_probe AFTER INSERT OR DELETE ON agentadm.identities"
        " FOR EACH ROW EXECUTE FUNCTION agentadm.derive_probe()"
    ),
)


def origins(database: Database, operation: str) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT table_name, action, origin, count(*) FROM agentadm.audit_changes WHERE operation_id = %s"
        " GROUP BY 1, 2, 3 ORDER BY 1, 3", operation,
    )  # fmt: skip


def test_each_change_says_where_it_came_from(people: Database) -> None:
    outside(people, *DERIVING)
    derived = outside(people, "UPDATE agentadm.users SET full_name = 'x'", "DELETE FROM agentadm.identities")
    assert origins(people, derived) == [
        ("identities", "delete", "statement", 3),
        ("probe", "update", "trigger", 3),
        ("users", "update", "statement", 3),
    ]
    outside(people, f"INSERT INTO agentadm.identities (user_id, provider, subject) VALUES ('{BOB}', 'clerk', 'b')")
    cascade = outside(
        people, f"UPDATE agentadm.users SET full_name = 'y' WHERE id = '{ADA}'", "DELETE FROM agentadm.users"
    )
    assert origins(people, cascade) == [
        ("identities", "delete", "cascade", 1),
        ("probe", "delete", "cascade", 3),
        ("users", "delete", "statement", 3),
        ("users", "update", "statement", 1),
    ]


@pytest.mark.parametrize("setting", ["app.deriving = 'on'", "app.cascading = '{mark}'", "app.undoing = 'on'"])
def test_a_statement_is_one_whatever_the_session_says(people: Database, setting: str) -> None:
    marks = people.value(
        "SELECT string_agg(format('<%%s%%s>', c.oid, action), '') FROM pg_class c,"
        " unnest('{INSERT,UPDATE,DELETE}'::text[]) action WHERE c.relname = ANY ('{users,identities}')"
    )
    told = f"SET {setting.format(mark=marks)}"
    forged = outside(
        people,
        told,
        RENAME.format(ADA),
        told,
        f"DO $$ BEGIN {RENAME.format(BOB)}; END $$",
        told,
        f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')",
        told,
        f"DELETE FROM agentadm.users WHERE id IN ('{BOB}', '{NEW}')",
        told,
        "DELETE FROM agentadm.identities",
    )
    assert origins(people, forged) == [
        ("identities", "delete", "cascade", 1),
        ("identities", "delete", "statement", 2),
        ("users", "delete", "statement", 2),
        ("users", "insert", "statement", 1),
        ("users", "update", "statement", 2),
    ]


def test_a_column_may_have_any_name(database: Database) -> None:
    names = (
        "o",
        "n",
        "p",
        "e",
        "r",
        "t",
        "c",
        "key",
        "value",
        "operation",
        "moment",
        "secrets",
        "ignored",
        "made_by",
        "before",
    )
    outside(
        database,
        f"CREATE TABLE agentadm.probe (id int PRIMARY KEY, {', '.join(f'{name} int' for name in names)})",
        "SELECT agentadm.watch('agentadm.probe')",
    )
    for statement in (
        "INSERT INTO agentadm.probe VALUES (1), (2)",
        f"UPDATE agentadm.probe SET {', '.join(f'{name} = 5' for name in names)}",
        "DELETE FROM agentadm.probe",
    ):
        before = images(database, "probe")
        operation = outside(database, statement)
        assert audited(database, operation) == expected(before, images(database, "probe"))


def test_images_are_written_alike_whatever_the_session_has_set(people: Database) -> None:
    outside(
        people,
        "CREATE TABLE agentadm.probe (id int PRIMARY KEY, at timestamptz, during tstzrange, days daterange,"
        " span interval, number float8, data bytea, name text)",
        "SELECT agentadm.watch('agentadm.probe')",
    )
    row = (
        "INSERT INTO agentadm.probe VALUES ({}, '2026-03-04 05:06:07.891011+00',"
        " '[2026-03-04 05:06:07.891011+00, infinity)', '[2026-03-04, 2026-03-05)', '1 mon -2 days 03:04:05.6',"
        " 0.1::float8 + 0.2, '\\x00ff', NULL)"
    )
    odd = (
        "-c timezone=America/New_York -c datestyle=German -c intervalstyle=sql_standard -c extra_float_digits=-5"
        " -c bytea_output=escape"
    )
    images_of = []
    for number, options in enumerate(("-c timezone=UTC", odd)):
        outside(people, row.format(number))
        updated = outside(
            people, f"UPDATE agentadm.probe SET at = NULL, during = NULL, days = NULL, span = NULL, number = NULL"
            f" WHERE id = {number}", options=options,
        )  # fmt: skip
        outside(people, f"DELETE FROM agentadm.probe WHERE id = {number}", row.format(number))
        deleted = outside(people, f"DELETE FROM agentadm.probe WHERE id = {number}", options=options)
        images_of.append(
            [
                column(people, "before - ARRAY['id', 'data']", updated),
                column(people, "before - ARRAY['id', 'data']", deleted),
            ]
        )
    assert images_of[0] == images_of[1]
    assert images_of[1][0][0]["at"] == "2026-03-04T05:06:07.891011+00:00"
    assert images_of[1][1][0]["number"] == 0.1 + 0.2


# ---------------------------------------------------------------------------------------------------------- partitions

PARTITIONED = (
    (
        "CREATE TABLE agentadm.probe (id bigint, at timestamptz NOT NULL, n int, PRIMARY KEY (id, at))"
        " PARTITION BY RANGE (at)"
    ),
    "CREATE TABLE agentadm.probe_default PARTITION OF agentadm.probe DEFAULT",
    "SELECT agentadm.watch('agentadm.probe')",
    "SELECT agentadm.equip_partition('agentadm.probe', 'agentadm.probe_default')",
)


def test_rows_of_partitions_are_audited_once_under_the_parent_s_name(database: Database) -> None:
    outside(database, *PARTITIONED)
    march, april, june = "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z", "2026-06-01T00:00:00Z"
    outside(database, f"INSERT INTO agentadm.probe VALUES (1, '{march}', 1), (2, '{april}', 1), (3, '{june}', 1)")
    moved = outside(
        database, "SELECT agentadm.add_partition('agentadm.probe', d) FROM unnest('{2026-03-05, 2026-04-01}'::date[]) d"
    )
    assert moved in {"", "None"}
    assert database.rows("SELECT tableoid::regclass::text, id FROM agentadm.probe ORDER BY id") == [
        ("agentadm.probe_2026_03", 1), ("agentadm.probe_2026_04", 2), ("agentadm.probe_default", 3),
    ]  # fmt: skip
    for statement in (
        "UPDATE agentadm.probe SET n = n + 1",
        "UPDATE agentadm.probe_2026_03 SET n = n + 1",
        "UPDATE agentadm.probe_default SET n = n + 1",
        f"UPDATE agentadm.probe SET at = '{april}' WHERE id = 1",
        f"UPDATE agentadm.probe SET at = '{june}'",
        f"INSERT INTO agentadm.probe VALUES (4, '{march}', 1), (5, '{june}', 1)",
        f"INSERT INTO agentadm.probe_2026_03 VALUES (6, '{march}', 1)",
        f"INSERT INTO agentadm.probe_default VALUES (7, '{june}', 1)",
        "DELETE FROM agentadm.probe_2026_03 WHERE id = 4",
        "DELETE FROM agentadm.probe_default WHERE id = 5",
        "DELETE FROM agentadm.probe",
    ):
        before = images(database, "probe")
        operation = outside(database, statement)
        assert audited(database, operation) == expected(before, images(database, "probe"))
    outside(database, f"INSERT INTO agentadm.probe VALUES (8, '{march}', 1)")
    for name in ("probe", "probe_2026_03", "probe_default"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="TRUNCATE"):
            outside(database, f"TRUNCATE agentadm.{name}")
    for name in ("probe", "probe_2026_03"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="key of probe"):
            outside(database, f"UPDATE agentadm.{name} SET id = 9")


def test_partitions_are_made_for_all_rows_of_the_default_one(database: Database) -> None:
    outside(database, *PARTITIONED)
    outside(database, "INSERT INTO agentadm.probe VALUES (1, '2020-01-31T23:59:59Z', 1), (2, 'infinity', 1)")
    made = outside(database, "SELECT agentadm.ensure_partitions(1)")
    assert made in {"", "None"}
    assert database.rows("SELECT tableoid::regclass::text FROM agentadm.probe ORDER BY id") == [
        ("agentadm.probe_2020_01",), ("agentadm.probe_default",),
    ]  # fmt: skip
    deleted = outside(database, "DELETE FROM agentadm.probe_default")
    assert column(database, "table_name || row_key", deleted) == ["probe2"]


# ------------------------------------------------------------------------------------------------------------ the tool


def test_a_failed_change_leaves_nothing(people: Database, platform: Platform) -> None:
    before = count_operations(people)
    with pytest.raises(Conflict):
        platform.write(WriteRequest("test"), _rename_and_fail, type(None))
    assert count_operations(people) == before


def _rename_and_fail(services: Any) -> None:
    services.connection.exec_driver_sql(RENAME.format(ADA))
    raise Conflict("no")

"""audit undo puts every row back exactly, or refuses and changes nothing."""

import threading
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from psycopg import sql

from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from tests.audit.helpers import ADA, BOB, CYD, column, count_operations, dump, outside, run
from tests.audit.test_audit import DERIVING, MERGE, NEW, ON_CONFLICT, PARTITIONED, PROBE_WITH_SECRET, RENAME
from tests.conftest import Agentadm
from tests.support import Database, Result

USERS = ("users", "identities")
ACME = "00000000-0000-7000-8000-0000000000a1"
TEAMS = (
    (
        "CREATE TABLE agentadm.probe (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
        " owner uuid REFERENCES agentadm.users ON DELETE CASCADE DEFERRABLE, name text UNIQUE)"
    ),
    "SELECT agentadm.watch('agentadm.probe')",
    f"INSERT INTO agentadm.probe VALUES ('{ACME}', '{ADA}', 'acme')",
)
SELF_REFERENCE = (
    (
        "CREATE TABLE agentadm.probe (id int PRIMARY KEY,"
        " parent int REFERENCES agentadm.probe ON DELETE CASCADE DEFERRABLE,"
        " friend int REFERENCES agentadm.probe ON DELETE SET NULL DEFERRABLE)"
    ),
    "SELECT agentadm.watch('agentadm.probe')",
    "INSERT INTO agentadm.probe VALUES (1, NULL, 1), (2, 1, 3), (3, 2, NULL), (4, NULL, 3)",
)
# The child's name sorts before the parent's, and another's after it.
CIRCLE = (
    "CREATE TABLE agentadm.probe (id int PRIMARY KEY, other int)",
    (
        "CREATE TABLE agentadm.sample (id int PRIMARY KEY, other int NOT NULL"
        " REFERENCES agentadm.probe ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)"
    ),
    (
        "ALTER TABLE agentadm.probe ADD FOREIGN KEY (other) REFERENCES agentadm.sample"
        " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    ),
    "SELECT agentadm.watch('agentadm.probe'), agentadm.watch('agentadm.sample')",
    "INSERT INTO agentadm.probe VALUES (1, 1), (2, NULL)",
    "INSERT INTO agentadm.sample VALUES (1, 1), (2, 2)",
)
VALUES = (
    "CREATE TYPE agentadm.mood AS ENUM ('well', 'un\"well')",
    (
        "CREATE TABLE agentadm.probe (id text PRIMARY KEY, doc jsonb, list int[], words text[], matrix numeric[],"
        " number numeric, at timestamptz, local timestamp, day date, data bytea, during tstzrange, span interval,"
        " feeling agentadm.mood, real float8, twice numeric GENERATED ALWAYS AS (number * 2) STORED,"
        ' "Odd, ""name""" text, serial bigint GENERATED ALWAYS AS IDENTITY)'
    ),
    "SELECT agentadm.watch('agentadm.probe')",
    """
    INSERT INTO agentadm.probe VALUES
        ('a "key'' with, everything', '{"a": [1.0, null, {"b": "\\u00e9"}], "c": 1e400}', '{1,NULL,-3}',
            '{"a b",NULL,"NULL","{}",""}', '{{1.10,2},{3,4.000}}', 123456789012345678901234567890.1234567890,
            '2026-01-01 00:00:00.000001+00', '0044-03-15 12:00:00.123456 BC', 'infinity', '\\x00ff27',
            '[2026-01-01 00:00:00.000001+00,)', '1 year -2 mons 3 days -04:05:06.789', 'un"well', 0.1::float8 + 0.2,
            DEFAULT, 'odd', DEFAULT),
        ('', '[]', '{}', '{}', NULL, 'NaN', '-infinity', 'infinity', '-infinity', '', 'empty', '0', 'well', 'NaN',
            DEFAULT, NULL, DEFAULT),
        ('\u00fcml\u00e4ut', '"text"', NULL, NULL, NULL, 1.50, '9999-12-31 23:59:59.999999+00', NULL,
            '2028-02-29', NULL, NULL, NULL, NULL, '-1e-300', DEFAULT, '', DEFAULT)
    """,
)
NO_VALUES = (
    "UPDATE agentadm.probe SET doc = NULL, list = NULL, words = NULL, matrix = NULL, number = NULL, at = NULL,"
    " local = NULL, day = NULL, data = NULL, during = NULL, span = NULL, feeling = NULL, real = NULL,"
    ' "Odd, ""name""" = NULL'
)

COUNTING = tuple(
    statement.replace("agentadm.probe SET n = n", "agentadm.users SET billing_anchor_day = billing_anchor_day")
    for statement in DERIVING[3:]
)

# Name, what is there before, the statements of the operation, and the tables to compare.
Case = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
CASES: dict[str, Case] = {
    "insert": (
        (), (f"INSERT INTO agentadm.users (id, email) VALUES ('{NEW}', 'new@example.com'), (DEFAULT, NULL)",), USERS,
    ),
    "update": ((), ("UPDATE agentadm.users SET full_name = 'x', metadata = '{}', daily_budget = NULL",), USERS),
    "update of a scale": ((), ("UPDATE agentadm.users SET metadata = '{\"a\": [1.00, null]}'",), USERS),
    "delete": ((), (f"DELETE FROM agentadm.users WHERE id = '{CYD}'",), USERS),
    "delete with cascade": ((), ("DELETE FROM agentadm.users",), USERS),
    "on conflict": ((), (ON_CONFLICT,), USERS),
    "merge": ((), (MERGE,), USERS),
    "insert and update": (
        (), (f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')", "UPDATE agentadm.users SET full_name = 'x'"), USERS,
    ),
    "update and update": (
        (), (RENAME.format(ADA), "UPDATE agentadm.users SET full_name = 'x', username = NULL"), USERS,
    ),
    "update and delete": ((), (RENAME.format(ADA), f"DELETE FROM agentadm.users WHERE id = '{ADA}'"), USERS),
    "insert and delete": (
        (),
        (f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')", f"DELETE FROM agentadm.users WHERE id = '{NEW}'"),
        USERS,
    ),
    "delete and insert of one key": (
        (),
        (
            f"DELETE FROM agentadm.users WHERE id = '{ADA}'",
            f"INSERT INTO agentadm.users (id, email, username) VALUES ('{ADA}', 'other@example.com', 'ada')",
            f"UPDATE agentadm.users SET full_name = 'x' WHERE id = '{ADA}'",
            f"INSERT INTO agentadm.identities (user_id, provider, subject) VALUES ('{ADA}', 'clerk', 'ada-1')",
        ),
        USERS,
    ),
    "insert, delete and insert of one key": (
        (),
        (
            f"INSERT INTO agentadm.users (id, username) VALUES ('{NEW}', 'x')",
            f"DELETE FROM agentadm.users WHERE id = '{NEW}'",
            f"INSERT INTO agentadm.users (id, full_name) VALUES ('{NEW}', 'y')",
        ),
        USERS,
    ),
    "a name that moves on": (
        (),
        (
            "UPDATE agentadm.users SET username = 'free' WHERE username = 'ada'",
            "UPDATE agentadm.users SET username = 'ada' WHERE username = 'bob'",
            "UPDATE agentadm.users SET username = 'bob' WHERE username IS NULL",
        ),
        USERS,
    ),
    "a name that an inserted row takes": (
        (), (RENAME.format(ADA).replace("full_name", "username"),
             f"INSERT INTO agentadm.users (id, username) VALUES ('{NEW}', 'ada')"), USERS,
    ),
    "a name that a deleted row gave": (
        (),
        (f"DELETE FROM agentadm.users WHERE id = '{ADA}'",
         "UPDATE agentadm.users SET username = 'ada' WHERE username = 'bob'"),
        USERS,
    ),
    "names exchanged": (
        (),
        (
            "UPDATE agentadm.users SET username = 'between' WHERE username = 'ada'",
            "UPDATE agentadm.users SET username = 'ada' WHERE username = 'bob'",
            "UPDATE agentadm.users SET username = 'bob' WHERE username = 'between'",
        ),
        USERS,
    ),
    "three tables": (
        TEAMS,
        (
            f"INSERT INTO agentadm.users (id, email) VALUES ('{NEW}', 'new@example.com')",
            f"UPDATE agentadm.probe SET owner = '{NEW}', name = 'renamed'",
            f"UPDATE agentadm.identities SET user_id = '{NEW}' WHERE user_id = '{ADA}'",
            f"INSERT INTO agentadm.probe (owner, name) VALUES ('{NEW}', 'acme')",
            f"DELETE FROM agentadm.users WHERE id = '{ADA}'",
        ),
        (*USERS, "probe"),
    ),
    "a cascade to two tables": (TEAMS, (f"DELETE FROM agentadm.users WHERE id = '{ADA}'",), (*USERS, "probe")),
    "self-reference": (
        SELF_REFERENCE,
        ("DELETE FROM agentadm.probe WHERE id = 3", "DELETE FROM agentadm.probe WHERE id = 1"),
        ("probe",),
    ),
    "self-reference changed": (
        SELF_REFERENCE,
        ("INSERT INTO agentadm.probe VALUES (9, 4, 9)",
         "UPDATE agentadm.probe SET parent = 9, friend = 9 WHERE id IN (1, 2, 3)",
         "UPDATE agentadm.probe SET friend = NULL"),
        ("probe",),
    ),
    "circle deleted": (
        CIRCLE, ("DELETE FROM agentadm.probe WHERE id = 1", "DELETE FROM agentadm.sample"), ("probe", "sample"),
    ),
    "circle inserted": (
        CIRCLE,
        ("INSERT INTO agentadm.probe VALUES (3, 3)", "INSERT INTO agentadm.sample VALUES (3, 3)",
         "UPDATE agentadm.sample SET other = 3", "UPDATE agentadm.probe SET other = 3"),
        ("probe", "sample"),
    ),
    "every kind of value updated": (VALUES, (NO_VALUES,), ("probe",)),
    "every kind of value deleted": (VALUES, ("DELETE FROM agentadm.probe",), ("probe",)),
    "every kind of value in turn": (VALUES, (NO_VALUES, "DELETE FROM agentadm.probe WHERE id = ''"), ("probe",)),
    "partitions": (
        (*PARTITIONED, "SELECT agentadm.add_partition('agentadm.probe', '2026-03-01')",
         "INSERT INTO agentadm.probe VALUES (1, '2026-03-31T23:59:59Z', 1), (2, '2026-04-01T00:00:00Z', 1)",
         "INSERT INTO agentadm.probe VALUES (3, '2026-03-01', 1)"),
        ("UPDATE agentadm.probe SET n = 2", "UPDATE agentadm.probe SET at = '2026-05-01' WHERE id = 1",
         "DELETE FROM agentadm.probe_default WHERE id = 2", "INSERT INTO agentadm.probe VALUES (4, '2026-03-15', 0)"),
        ("probe",),
    ),
    "derived": (
        DERIVING,
        (f"INSERT INTO agentadm.identities (user_id, provider, subject) VALUES ('{CYD}', 'clerk', 'c')",
         "DELETE FROM agentadm.identities WHERE subject = 'ada-1'"),
        (*USERS, "probe"),
    ),
    "derived in a row that goes with its cause": (
        (*COUNTING, "SELECT set_config('app.operation_id', '', true)"),
        (f"DELETE FROM agentadm.users WHERE id = '{ADA}'",),
        USERS,
    ),
    "under a fixed clock": (
        ("SELECT set_config('app.clock', '2026-01-31T12:00:00Z', true)", RENAME.format(ADA)),
        ("SELECT set_config('app.clock', '2026-01-31T12:00:00Z', true)", "UPDATE agentadm.users SET full_name = 'x'"),
        USERS,
    ),
}  # fmt: skip


def undo(agentadm: Agentadm, operation: str, *options: str) -> Result:
    return agentadm("audit", "undo", operation, "--yes", "-o", "json", *options)


def undone(agentadm: Agentadm, operation: str) -> str:
    """Undo, and return the operation that did it."""
    done = undo(agentadm, operation)
    assert done.code == 0, done.err
    shown = agentadm("audit", "show", operation, "-o", "json").json
    assert shown["undone_by"]
    return str(shown["undone_by"])


@pytest.mark.parametrize("name", CASES)
def test_rows_are_exactly_as_before_and_again_as_after(people: Database, agentadm: Agentadm, name: str) -> None:
    setup, statements, tables = CASES[name]
    outside(people, *setup)
    before = dump(people, *tables)
    operation = outside(people, *statements)
    after = dump(people, *tables)
    assert (before == after) == (name == "insert and delete")
    second = undone(agentadm, operation)
    assert dump(people, *tables) == before
    third = undone(agentadm, second)
    assert dump(people, *tables) == after
    undone(agentadm, third)
    assert dump(people, *tables) == before
    assert agentadm("audit", "verify").code == 0


def test_undo_says_what_it_did(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, MERGE, RENAME.format(CYD))
    done = undo(agentadm, operation, "--reason", "a mistake", "--ticket", "T-1")
    assert done.json == {"undone": operation, "inserted": 3, "updated": 2, "deleted": 1}
    listed = agentadm("audit", "list", "-o", "json").json
    assert (listed[0]["command"], listed[0]["reason"], listed[0]["ticket"]) == ("audit undo", "a mistake", "T-1")
    assert listed[1]["undone_by"] == listed[0]["id"]
    shown = agentadm("audit", "show", listed[0]["id"], "-o", "json").json
    assert shown["undoes"] == operation


def test_dry_run_shows_the_changes_and_makes_none(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, f"DELETE FROM agentadm.users WHERE id = '{ADA}'")
    state, count = dump(people, *USERS, "operations"), count_operations(people)
    done = undo(agentadm, operation, "--dry-run")
    assert done.code == 0
    assert done.json == {"undone": operation, "inserted": 3, "updated": 0, "deleted": 0}
    assert "3 rows would change" in done.err
    assert ADA in done.err
    assert (dump(people, *USERS, "operations"), count_operations(people)) == (state, count)


# -------------------------------------------------------------------------------------------------------- refusals


def refused(people: Database, agentadm: Agentadm, operation: str, *words: str, code: int = 6) -> None:
    """Undo refuses, saying so, and everything stays as it is: data, operations, audit."""
    mark = people.mark()
    done = undo(agentadm, operation)
    assert done.code == code, done.out + done.err
    assert done.out == ""
    for word in words:
        assert word in done.err
    assert people.written_since(mark) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (RENAME.format(ADA), f"UPDATE agentadm.users SET full_name = 'later' WHERE id = '{ADA}'"),
        (RENAME.format(ADA), f"UPDATE agentadm.users SET username = 'later' WHERE id = '{ADA}'"),
        (RENAME.format(ADA), f"DELETE FROM agentadm.users WHERE id = '{ADA}'"),
        (f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')", RENAME.format(NEW)),
        (f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')", f"DELETE FROM agentadm.users WHERE id = '{NEW}'"),
        (f"DELETE FROM agentadm.users WHERE id = '{ADA}'", f"INSERT INTO agentadm.users (id) VALUES ('{ADA}')"),
    ],
    ids=["updated", "updated elsewhere", "deleted", "inserted and updated", "inserted and deleted", "re-created"],
)
def test_a_later_change_is_named_and_left_alone(people: Database, agentadm: Agentadm, first: str, second: str) -> None:
    operation = outside(people, first, RENAME.format(BOB))
    later = outside(people, second)
    key = column(people, "row_key", later)[0]
    refused(people, agentadm, operation, "changed since", f"users {key}", later)


def test_later_operations_can_be_undone_first_as_the_hint_says(people: Database, agentadm: Agentadm) -> None:
    before = dump(people, *USERS)
    operations = [
        outside(people, RENAME.format(ADA)),
        outside(people, f"UPDATE agentadm.users SET full_name = 'x', username = 'y' WHERE id = '{ADA}'"),
        outside(people, f"DELETE FROM agentadm.users WHERE id = '{ADA}'"),
    ]
    refused(people, agentadm, operations[1], operations[2])
    refused(people, agentadm, operations[0], operations[2])
    for operation in reversed(operations):
        undone(agentadm, operation)
    assert dump(people, *USERS) == before
    refused(people, agentadm, operations[0], "was undone already")


def test_a_claimed_undo_hides_no_change(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, RENAME.format(ADA))
    later = outside(people, f"UPDATE agentadm.users SET full_name = 'later' WHERE id = '{ADA}'")
    outside(
        people,
        f"SELECT agentadm.begin_operation('{NEW}', 'audit undo', '{{}}',"
        f" NULL, NULL, NULL, NULL, NULL, NULL, '{later}')",
    )
    refused(people, agentadm, operation, "changed since", later)


def test_rows_that_came_later_are_not_taken_along(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')")
    later = (
        f"INSERT INTO agentadm.identities (user_id, provider, subject) VALUES ('{NEW}', 'clerk', 'later') RETURNING id"
    )
    key = str(people.value(later))
    refused(people, agentadm, operation, "would be lost", f"identities {key}")


def test_a_row_of_its_own_is_not_lost_by_a_cascade(people: Database, agentadm: Agentadm) -> None:
    """The constraint was deferred, and the reference came before what it refers to."""
    outside(people, *TEAMS)
    operation = outside(
        people,
        "SET CONSTRAINTS ALL DEFERRED",
        f"UPDATE agentadm.probe SET owner = '{NEW}'",
        f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')",
    )
    refused(people, agentadm, operation, "cannot be put back", ACME)


def test_secrets_are_refused_where_they_would_be_needed(database: Database, agentadm: Agentadm) -> None:
    outside(database, *PROBE_WITH_SECRET)
    inserted = outside(
        database,
        "INSERT INTO agentadm.probe VALUES ('k', 'l', 'hush-1'), ('n', 'l', NULL)",
        "UPDATE agentadm.probe SET secret = 'hush-2' WHERE id = 'k'",
    )
    before = dump(database, "probe")
    second = undone(agentadm, inserted)
    assert dump(database, "probe") == {"probe": []}
    refused(database, agentadm, second, "fingerprint", "probe k")
    outside(database, "INSERT INTO agentadm.probe VALUES ('k', 'l', 'hush-2'), ('n', 'l', NULL)")
    assert dump(database, "probe") == before
    refused(database, agentadm, outside(database, "UPDATE agentadm.probe SET secret = 'x' WHERE id = 'k'"), "probe k")
    undone(agentadm, outside(database, "UPDATE agentadm.probe SET label = 'x' WHERE id = 'k'"))
    undone(agentadm, outside(database, "UPDATE agentadm.probe SET secret = 'x' WHERE id = 'n'"))
    refused(database, agentadm, outside(database, "DELETE FROM agentadm.probe WHERE id = 'k'"), "probe k")


def test_another_version_of_the_schema_is_refused(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, RENAME.format(ADA))
    people.execute("UPDATE agentadm.operations SET schema_version = '0000' WHERE id = %s", operation)
    refused(people, agentadm, operation, "schema 0000")


def test_a_table_that_is_gone_is_refused(people: Database, agentadm: Agentadm) -> None:
    outside(people, *TEAMS)
    operation = outside(people, "DELETE FROM agentadm.probe", RENAME.format(ADA))
    people.execute("DROP TABLE agentadm.probe")
    refused(people, agentadm, operation, "table probe")


def test_what_is_no_operation_is_said(people: Database, agentadm: Agentadm) -> None:
    refused(people, agentadm, "01930000-0000-7000-8000-000000000000", "no operation", code=5)
    refused(people, agentadm, "nonsense", "no operation 'nonsense'", code=5)
    refused(people, agentadm, "", "no operation", code=5)


@pytest.mark.parametrize("form", ["{}", "{}…"])
def test_an_operation_is_named_by_the_ending_of_its_id(people: Database, agentadm: Agentadm, form: str) -> None:
    operation = outside(people, RENAME.format(ADA))
    ending = "…" + operation[-8:] if "…" in form else operation[-8:]
    assert agentadm("audit", "show", ending, "-o", "json").json["id"] == operation
    assert agentadm("operations", "show", ending).code == 0
    assert undo(agentadm, ending).json["undone"] == operation


def test_a_second_undo_says_that_nothing_is_left_to_do(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, RENAME.format(ADA))
    second = undone(agentadm, operation)
    done = undo(agentadm, operation)
    assert done.code == 6
    assert f"was undone already, by operation {second}" in done.err
    assert f"agentadm audit undo {second}" in done.err
    third = undone(agentadm, second)
    fourth = undone(agentadm, third)
    assert f"was undone already, by operation {fourth}" in undo(agentadm, operation).err
    later = outside(people, f"UPDATE agentadm.users SET full_name = 'later' WHERE id = '{ADA}'")
    assert f"changed since: users {ADA} (by operation {later})" in undo(agentadm, operation).err


def test_a_login_undoes_what_its_rights_allow(people: Database, agentadm: Agentadm, logins: dict[str, str]) -> None:
    renamed = outside(people, RENAME.format(ADA))
    inserted = outside(people, f"INSERT INTO agentadm.users (id) VALUES ('{NEW}')")
    support = {"AGENTADM_DATABASE_URL": people.url_as(logins["support"])}
    before = dump(people, *USERS)
    done = agentadm("audit", "undo", inserted, "--yes", env=support)
    assert done.code == 4
    assert dump(people, *USERS) == before
    done = agentadm("audit", "undo", renamed, "--yes", env=support)
    assert done.code == 0, done.err


def test_a_change_under_way_is_waited_for_and_then_seen(people: Database, agentadm: Agentadm) -> None:
    operation = outside(people, RENAME.format(ADA))
    with people.connect() as other:
        run(other, f"UPDATE agentadm.users SET full_name = 'later' WHERE id = '{ADA}'")
        done = undo(agentadm, operation, "--wait", "0.05")
        assert done.code == 75
        timer = threading.Timer(0.3, other.commit)
        timer.start()
        try:
            done = undo(agentadm, operation, "--wait", "20")
        finally:
            timer.join()
    assert done.code == 6
    assert "changed since" in done.err
    assert people.value("SELECT full_name FROM agentadm.users WHERE username = 'ada'") == "later"


# ------------------------------------------------------------------------------------------------------------ mass


def test_tens_of_thousands_of_rows(people: Database, agentadm: Agentadm) -> None:
    people.execute(
        f"INSERT INTO agentadm.identities (user_id, provider, subject)"
        f" SELECT '{ADA}', 'mass', g::text FROM generate_series(1, 12000) g"
    )
    people.execute("CREATE TABLE public.before AS SELECT * FROM agentadm.identities")
    operation = outside(
        people,
        "UPDATE agentadm.identities SET subject = 'x' || subject WHERE provider = 'mass' AND subject::int <= 6000",
        "DELETE FROM agentadm.identities WHERE provider = 'mass' AND subject NOT LIKE 'x%'",
        f"INSERT INTO agentadm.identities (user_id, provider, subject)"
        f" SELECT '{BOB}', 'mass', g::text FROM generate_series(1, 8000) g",
    )
    assert people.value("SELECT count(*) FROM agentadm.audit_changes WHERE operation_id = %s", operation) == 20_000
    undone(agentadm, operation)
    assert people.value(
        "SELECT count(*) FROM public.before b FULL JOIN agentadm.identities i ON i.id = b.id"
        " WHERE i IS DISTINCT FROM b"
    ) == 0  # fmt: skip


# -------------------------------------------------------------------------------------------------------- property

KEYS = st.sampled_from([ADA, BOB, CYD, NEW])
NAMES = st.sampled_from(["ada", "bob", "x", None])
INSERT_USER = "INSERT INTO agentadm.users (id, username) VALUES ({}, {})"
STATEMENTS = st.one_of(
    st.tuples(st.just(INSERT_USER), KEYS, NAMES),
    st.tuples(st.just(f"{INSERT_USER} ON CONFLICT (id) DO UPDATE SET username = excluded.username"), KEYS, NAMES),
    st.tuples(st.just("UPDATE agentadm.users SET username = {1} WHERE id = {0}"), KEYS, NAMES),
    st.tuples(st.just("UPDATE agentadm.users SET full_name = {1} WHERE username <> {0}"), NAMES, NAMES),
    st.tuples(st.just("DELETE FROM agentadm.users WHERE id = {0}"), KEYS),
    st.tuples(
        st.just("INSERT INTO agentadm.identities (user_id, provider, subject) VALUES ({}, 'clerk', {})"), KEYS, NAMES
    ),
    st.tuples(st.just("UPDATE agentadm.identities SET user_id = {} WHERE subject LIKE {} || '%'"), KEYS, NAMES),
    st.tuples(st.just("UPDATE agentadm.identities SET subject = subject || {0} WHERE user_id = {1}"), NAMES, KEYS),
    st.tuples(st.just("DELETE FROM agentadm.identities WHERE user_id = {0}"), KEYS),
    st.tuples(
        st.just(
            "MERGE INTO agentadm.users u USING (SELECT {0}::uuid AS id, {1} AS name) s ON s.id = u.id"
            " WHEN MATCHED AND u.username = s.name THEN DELETE"
            " WHEN MATCHED THEN UPDATE SET username = s.name"
            " WHEN NOT MATCHED THEN INSERT (id, username) VALUES (s.id, s.name)"
        ),
        KEYS,
        NAMES,
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(st.lists(STATEMENTS, min_size=1, max_size=8), min_size=1, max_size=3))
def test_any_operations_are_undone_newest_first(
    people: Database, platform: Platform, operations: list[list[tuple[str, ...]]]
) -> None:
    made: list[tuple[str, dict[str, list[str]]]] = []
    with people.connect(autocommit=True) as connection:
        for statements in operations:
            before = dump(people, *USERS)
            with connection.transaction():
                run(connection, "SELECT set_config('app.operation_id', '', true)")
                for statement, *values in statements:
                    attempt(connection, sql.SQL(statement).format(*values))
                found = connection.execute("SELECT current_setting('app.operation_id')").fetchone()
            if found is not None and found[0]:
                made.append((found[0], before))
    for operation, before in reversed(made):
        take_back(platform, operation)
        assert dump(people, *USERS) == before


def attempt(connection: psycopg.Connection[Any], statement: sql.Composed) -> None:
    try:
        with connection.transaction():
            connection.execute(statement)
    except psycopg.errors.IntegrityError:
        pass


def take_back(platform: Platform, operation: str) -> None:
    undoes = UUID(operation)
    platform.write(
        WriteRequest("audit undo", undoes=undoes),
        lambda services: services.audit.undo(undoes, undo_id=services.operation),
        object,
    )

"""What the tests of the audit share: changes from outside the tool, and what the database holds, row by row."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import UUID

import psycopg

from tests.support import Database

ADA, BOB, CYD = (f"00000000-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))
PEOPLE = f"""
    INSERT INTO agentadm.users (id, email, username, full_name, metadata) VALUES
        ('{ADA}', 'ada@example.com', 'ada', 'Ada', '{{"a": [1.0, null]}}'),
        ('{BOB}', 'bob@example.com', 'bob', 'Bob', '{{}}'),
        ('{CYD}', 'cyd@example.com', NULL, NULL, '{{}}');
    INSERT INTO agentadm.identities (user_id, provider, subject) VALUES
        ('{ADA}', 'clerk', 'ada-1'), ('{ADA}', 'supabase', 'ada-2'), ('{BOB}', 'clerk', 'bob-1')
"""

# A row of the audit without what differs between two runs: table, key, action, before, after.
AuditRow = tuple[str, str, str, str | None, str | None]


def run(connection: psycopg.Connection[Any], *statements: str) -> None:
    for statement in statements:
        connection.execute(cast("Any", statement))


def outside(database: Database, *statements: str, user: str = "agentadm_owner", **options: Any) -> str:
    """Run statements in one transaction, without the tool. Returns the operation that the database made of them."""
    with database.connect(user, **options) as connection:
        run(connection, *statements)
        found = connection.execute("SELECT current_setting('app.operation_id', true)").fetchone()
    assert found is not None
    return str(found[0])


def images(database: Database, *tables: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Every row as the audit would write it, by table and key. Numbers keep their scale."""
    return {
        (table, key): image
        for table in tables
        for key, image in database_rows(
            database, f"SELECT id::text, to_jsonb(whole_row) FROM agentadm.{table} whole_row"
        )
    }


def database_rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    with database.connect(options="-c timezone=UTC") as connection:
        psycopg.types.json.set_json_loads(lambda data: json.loads(data, parse_float=str), connection)
        return connection.execute(cast("Any", sql)).fetchall()


def expected(
    before: Mapping[tuple[str, str], dict[str, Any]],
    after: Mapping[tuple[str, str], dict[str, Any]],
    ignored: Iterable[str] = ("last_login_at",),
) -> list[AuditRow]:
    """What the audit must hold, from the data alone, for rows changed once each."""
    told: list[AuditRow] = []
    for table, key in sorted(before.keys() | after.keys()):
        old, new = before.get((table, key)), after.get((table, key))
        if old is None:
            told.append((table, key, "insert", None, None))
        elif new is None:
            told.append((table, key, "delete", _text(old), None))
        else:
            changed = [name for name in old if repr(old[name]) != repr(new[name]) and name not in ignored]
            if changed:
                told.append(
                    (
                        table,
                        key,
                        "update",
                        _text({name: old[name] for name in changed}),
                        _text({name: new[name] for name in changed}),
                    )
                )
    return told


def audited(database: Database, operation: str) -> list[AuditRow]:
    """What the audit holds of an operation."""
    rows = database_rows(
        database,
        "SELECT table_name, row_key, action, before, after FROM agentadm.audit_changes"
        f" WHERE operation_id = '{UUID(operation)}'",
    )
    return sorted(
        (
            (table, key, action, None if before is None else _text(before), None if after is None else _text(after))
            for table, key, action, before, after in rows
        ),
        key=lambda row: row[:3],
    )


def column(database: Database, name: str, operation: str) -> list[Any]:
    """One column of an operation's changes, in order."""
    sql = f"SELECT {name} FROM agentadm.audit_changes WHERE operation_id = '{UUID(operation)}' ORDER BY seq"
    return [row[0] for row in database.rows(sql)]


def count_operations(database: Database) -> int:
    found: int = database.value("SELECT count(*) FROM agentadm.operations")
    return found


def dump(database: Database, *tables: str) -> dict[str, list[str]]:
    """Every row of the tables whole, as the server writes it."""
    with database.connect(options="-c timezone=UTC") as connection:
        return {
            table: [
                row[0]
                for row in connection.execute(
                    cast("Any", f"SELECT whole_row::text FROM agentadm.{table} whole_row ORDER BY id::text")
                ).fetchall()
            ]
            for table in tables
        }


def _text(image: Mapping[str, Any]) -> str:
    return json.dumps(image, sort_keys=True)

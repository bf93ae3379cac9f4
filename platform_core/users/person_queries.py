"""Statements about everything that names a person: to merge, to erase and to export."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql
from sqlalchemy import Connection, CursorResult, Table, text

from platform_core.db.people import OnMerge, PersonLink
from platform_core.db.schema import SCHEMA, AnyRow, care_of, tables_of_people

# Amounts stay what they are: the driver would make floats of them.
EXACT = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

# Every foreign key to users: what a merge must know of, be it a table of ours or not.
POINTING = text(
    """
    SELECT c.conrelid::regclass::text AS table_name, a.attname AS column_name
    FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
    WHERE c.contype = 'f' AND c.confrelid = 'agentadm.users'::regclass AND c.conparentid = 0
    ORDER BY 1, 2
    """
)
# Whom a merge fills up: what the one kept has no value for. Unique values are taken off the other before.
FILL = text(
    """
    UPDATE agentadm.users AS kept SET
        email = coalesce(kept.email, :email), username = coalesce(kept.username, :username),
        email_verified = CASE WHEN kept.email IS NULL THEN :email_verified ELSE kept.email_verified END,
        first_name = coalesce(kept.first_name, gone.first_name), last_name = coalesce(kept.last_name, gone.last_name),
        full_name = coalesce(kept.full_name, gone.full_name), avatar_url = coalesce(kept.avatar_url, gone.avatar_url),
        stripe_customer_id = coalesce(kept.stripe_customer_id, :stripe_customer_id),
        stripe_connect_account_id = coalesce(kept.stripe_connect_account_id, :stripe_connect_account_id),
        onboarding_completed = kept.onboarding_completed OR gone.onboarding_completed,
        last_login_at = greatest(kept.last_login_at, gone.last_login_at), metadata = gone.metadata || kept.metadata
    FROM agentadm.users AS gone WHERE kept.id = :kept AND gone.id = :gone
    """
)
# A value that is unique, and that the one kept lacks.
RETIRE = text(
    """
    UPDATE agentadm.users AS gone SET
        deleted_at = coalesce(gone.deleted_at, agentadm.now()), merged_into_id = kept.id,
        username = CASE WHEN kept.username IS NULL THEN NULL ELSE gone.username END,
        stripe_customer_id = CASE WHEN kept.stripe_customer_id IS NULL THEN NULL ELSE gone.stripe_customer_id END,
        stripe_connect_account_id =
            CASE WHEN kept.stripe_connect_account_id IS NULL THEN NULL ELSE gone.stripe_connect_account_id END
    FROM agentadm.users AS kept WHERE kept.id = :kept AND gone.id = :gone
    """
)


def pointing_at_users(connection: Connection) -> set[tuple[str, str]]:
    """Every column with a foreign key to users: table with its schema, and column."""
    return {(row.table_name, row.column_name) for row in connection.execute(POINTING)}


# Of these only one may live, and nobody but who knows the customer can say which.
BOTH_HAVE = text(
    """
    SELECT 'a subscription to ' || coalesce('plan family ' || g.family, 'agent ' || g.agent_id) AS what, g.id,
        k.id AS other, 'cancel one of them first' AS advice
    FROM agentadm.subscriptions g
    JOIN agentadm.subscriptions k ON k.family = g.family OR k.agent_id = g.agent_id
    WHERE g.user_id = :gone AND k.user_id = :kept AND g.status <> 'cancelled' AND k.status <> 'cancelled'
    UNION ALL
    SELECT 'an instance of agent ' || g.agent_id, g.id, k.id, 'destroy one of them first: agentadm instances destroy'
    FROM agentadm.agent_instances g JOIN agentadm.agent_instances k ON k.agent_id = g.agent_id
    WHERE g.user_id = :gone AND k.user_id = :kept AND g.origin = 'hire' AND k.origin = 'hire'
        AND g.status <> 'destroyed' AND k.status <> 'destroyed'
    """
)


def both_have(connection: Connection, gone: UUID, kept: UUID) -> list[AnyRow]:
    """What both have of which one can be only."""
    return list(connection.execute(BOTH_HAVE, {"gone": gone, "kept": kept}).all())


def lock_both(connection: Connection, first: UUID, second: UUID) -> dict[UUID, AnyRow]:
    """Two users, locked in an order that two who do this at once share."""
    statement = text("SELECT * FROM agentadm.users WHERE id IN (:first, :second) ORDER BY id FOR UPDATE")
    return {row.id: row for row in connection.execute(statement, {"first": first, "second": second})}


def drop_weaker(connection: Connection, table: Table, link: PersonLink, gone: UUID, kept: UUID) -> int:
    """Where both have a row alike, delete the weaker one; without a rank that of who goes. Returns how many."""
    weaker: sql.Composable = sql.SQL("g.id")
    if link.rank is not None:
        weaker = sql.SQL(
            "CASE WHEN array_position({words}, g.{rank}) < array_position({words}, k.{rank}) THEN k.id ELSE g.id END"
        ).format(rank=sql.Identifier(link.rank[0]), words=sql.Literal(list(link.rank[1])))
    statement = sql.SQL(
        "DELETE FROM {table} WHERE id IN (SELECT {weaker} FROM {table} g JOIN {table} k ON ({g_alike}) = ({k_alike}) "
        "WHERE g.{link} = {gone} AND k.{link} = {kept})"
    ).format(
        table=sql.Identifier(SCHEMA, table.name),
        weaker=weaker,
        g_alike=sql.SQL(", ").join(sql.Identifier("g", name) for name in link.alike),
        k_alike=sql.SQL(", ").join(sql.Identifier("k", name) for name in link.alike),
        link=sql.Identifier(link.column),
        gone=sql.Literal(gone),
        kept=sql.Literal(kept),
    )
    return _run(connection, statement).rowcount


def move(connection: Connection, table: Table, links: list[PersonLink], gone: UUID, kept: UUID) -> int:
    """Let all rows of a table name the one kept, in one statement. Returns how many."""
    parts = {"table": sql.Identifier(SCHEMA, table.name), "gone": sql.Literal(gone), "kept": sql.Literal(kept)}
    assignments, conditions = [], []
    for link in links:
        column = sql.Identifier(link.column)
        becomes = sql.SQL("{kept}").format(**parts)
        if link.on_merge is OnMerge.MOVE_OR_CLEAR:
            becomes = sql.SQL(
                "(SELECT {kept}::uuid WHERE NOT EXISTS (SELECT FROM {table} o WHERE o.{column} = {kept}))"
            ).format(column=column, **parts)
        assignments.append(
            sql.SQL("{column} = CASE WHEN {column} = {gone} THEN {becomes} ELSE {column} END").format(
                column=column, becomes=becomes, **parts
            )
        )
        conditions.append(sql.SQL("{column} = {gone}").format(column=column, **parts))
    statement = sql.SQL("UPDATE {table} SET {assignments} WHERE {conditions}").format(
        assignments=sql.SQL(", ").join(assignments), conditions=sql.SQL(" OR ").join(conditions), **parts
    )
    return _run(connection, statement).rowcount


def retire(connection: Connection, gone: AnyRow, kept: UUID) -> None:
    """Delete a user, softly, in favour of another, who gets what it lacks."""
    connection.execute(RETIRE, {"gone": gone.id, "kept": kept})
    unique = ("email", "email_verified", "username", "stripe_customer_id", "stripe_connect_account_id")
    values = {name: getattr(gone, name) for name in unique}
    connection.execute(FILL, {**values, "gone": gone.id, "kept": kept})


def merged_into(connection: Connection, user_id: UUID) -> list[UUID]:
    """The users that were merged into one, and into those: earlier accounts of the same person."""
    statement = text(
        """
        WITH RECURSIVE earlier AS (
            SELECT u.id FROM agentadm.users u WHERE u.merged_into_id = :person
            UNION SELECT u.id FROM agentadm.users u JOIN earlier e ON u.merged_into_id = e.id
        )
        SELECT id FROM earlier
        """
    )
    return list(connection.execute(statement, {"person": user_id}).scalars())


def erase(connection: Connection, user_id: UUID, operation_id: UUID) -> list[tuple[str, int]]:
    """Overwrite, delete and mark whatever is personal; see agentadm.erase_person. Returns tables with their rows."""
    statement = text("SELECT erased_table, erased_rows FROM agentadm.erase_person(:person, :operation)")
    rows = connection.execute(statement, {"person": user_id, "operation": operation_id})
    return [(row.erased_table, row.erased_rows) for row in rows]


def mark_erased(connection: Connection, user_id: UUID) -> None:
    """Say in the user's row when it was erased."""
    connection.execute(
        text("UPDATE agentadm.users SET erased_at = agentadm.now() WHERE id = :person"), {"person": user_id}
    )


def held_rows(connection: Connection, user_id: UUID) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """By table, all rows that name a person, as JSON and without secrets."""
    for table, links in tables_of_people():
        statement = sql.SQL(
            "SELECT to_jsonb(t)::text AS held FROM (SELECT {columns} FROM {table}) t WHERE {named} ORDER BY t.id"
        )
        composed = statement.format(
            table=sql.Identifier(SCHEMA, table.name),
            columns=sql.SQL(", ").join(
                sql.Identifier(column.name) for column in table.columns if column.name not in care_of(table).secrets
            ),
            named=sql.SQL(" OR ").join(
                sql.SQL("t.{column} = ANY (agentadm.person_holders({person}, {table}, {name}))").format(
                    column=sql.Identifier(link.column),
                    person=sql.Literal(user_id),
                    table=sql.Literal(table.name),
                    name=sql.Literal(link.column),
                )
                for link in links
            ),
        )
        yield table.name, [EXACT.decode(row.held) for row in _run(connection, composed)]


# The changes of all rows that name the person or did, and the operations that made them or that were told the id.
HELD_CHANGES = text(
    """
    SELECT (to_jsonb(c) - '{xid}'::text[])::text AS held FROM agentadm.audit_changes c
    WHERE (c.table_name, c.row_key) IN (SELECT r.named_table, r.row_key FROM agentadm.person_rows(:person) r)
    ORDER BY c.seq
    """
)
# Of operations that changed other people's rows, too, arguments and reasons may be about those.
HELD_OPERATIONS = text(
    """
    SELECT (
        to_jsonb(o) - CASE WHEN EXISTS (
            SELECT FROM agentadm.audit_changes c WHERE c.operation_id = o.id AND (c.table_name, c.row_key) NOT IN (
                SELECT r.named_table, r.row_key FROM agentadm.person_rows(CAST(:person AS uuid)) r
            )
        ) THEN '{xid,schema_version,application_name,arguments,reason,ticket}'::text[]
        ELSE '{xid,schema_version,application_name}'::text[] END
    )::text AS held
    FROM agentadm.operations o
    WHERE o.id = ANY (CAST(:ids AS uuid[])) OR o.arguments::text ~ CAST(:person AS text)
    ORDER BY o.seq
    """
)


def held_changes(connection: Connection, user_id: UUID) -> list[dict[str, Any]]:
    """What the audit holds of rows that name a person, or did once."""
    return [EXACT.decode(row.held) for row in connection.execute(HELD_CHANGES, {"person": user_id})]


def held_operations(connection: Connection, ids: list[str], user_id: UUID) -> list[dict[str, Any]]:
    """Operations by their ids, and those in whose arguments the person's id is."""
    return [EXACT.decode(row.held) for row in connection.execute(HELD_OPERATIONS, {"ids": ids, "person": str(user_id)})]


def _run(connection: Connection, statement: sql.Composed) -> CursorResult[*tuple[Any, ...]]:
    # Names of tables and columns are no parameters; names and literals are quoted by the driver.
    composed = statement.as_string(connection.connection.driver_connection)
    return connection.exec_driver_sql(composed, execution_options={"no_parameters": True})

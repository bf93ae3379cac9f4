"""Every statement of an import of users: who is meant by a staged record, and putting it there."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from platform_core.importing.staging import RANGE, value_of
from platform_core.importing.types import Field
from platform_core.users.import_fields import NOW

# By which a user is found, in this order; and what else is nobody else's.
NAMES = ("id", "email", "username")
UNIQUE = {
    "id": ("u.id", "s.id::uuid", ""),
    "email": ("lower(u.email)", "lower(s.email)", "AND u.deleted_at IS NULL"),
    "username": ("lower(u.username)", "lower(s.username)", ""),
    "stripe_customer_id": ("u.stripe_customer_id", "s.stripe_customer_id", ""),
    "stripe_connect_account_id": ("u.stripe_connect_account_id", "s.stripe_connect_account_id", ""),
}
NOTHING: Mapping[str, str] = {}
# Whatever is joined, the few staged records look up their users by index: a plan may know nothing of either.
BY_INDEX = text(
    "SELECT set_config('enable_hashjoin', :on, true), set_config('enable_mergejoin', :on, true),"
    " set_config('enable_seqscan', :on, true), set_config('enable_material', :on, true)"
)
TAKEN = (
    "SELECT m.line, string_agg(m.what || ': taken by user ' || m.user_id, '; ' ORDER BY m.rank) AS reason"
    " FROM pg_temp.matched m GROUP BY m.line"
)
# Somebody whom this very operation has made or changed already, for an earlier line.
TOUCHED = (
    "EXISTS (SELECT FROM agentadm.audit_changes a WHERE a.table_name = 'users' AND a.row_key = w.target::text"
    " AND a.operation_id = :operation)"
)


def keys(staged: Sequence[str]) -> dict[str, str]:
    """By name, what makes two staged records be about the same user."""
    return {name: mine for name, (_, mine, _) in UNIQUE.items() if name in staged}


def match(connection: Connection, staged: Sequence[str], values: Mapping[str, Any]) -> int:
    """Find the users that staged records are about, or collide with. Returns how many pairs there are."""
    shape = "line bigint, rank int, what text, user_id uuid, dead boolean"
    connection.execute(text(f"CREATE TEMP TABLE IF NOT EXISTS matched ({shape}) ON COMMIT DROP"))
    connection.execute(text("TRUNCATE pg_temp.matched"))
    pairs = [
        f"SELECT s.line, {rank}, '{name}', u.id, u.deleted_at IS NOT NULL"
        f" FROM pg_temp.staged s JOIN agentadm.users u ON {theirs} = {mine} {living} WHERE {RANGE}"
        for rank, (name, (theirs, mine, living)) in enumerate(UNIQUE.items(), 1)
        if name in staged
    ]
    if not pairs:
        return 0
    connection.execute(BY_INDEX, {"on": "off"})
    found = connection.execute(text(f"INSERT INTO pg_temp.matched {' UNION ALL '.join(pairs)}"), values).rowcount
    connection.execute(BY_INDEX, {"on": "on"})
    return found


def lines_of_known(connection: Connection) -> list[int]:
    """Staged records about somebody who is there."""
    statement = text(f"SELECT DISTINCT m.line FROM pg_temp.matched m WHERE m.rank <= {len(NAMES)}")
    return list(connection.execute(statement).scalars())


# Of the pairs of `matched` those that say who is meant.
IS_USER = f"FILTER (WHERE m.rank <= {len(NAMES)})"


def wrong_targets(staged: Sequence[str]) -> str:
    """A statement: staged records whose user cannot be changed as they say, each with the reason."""
    status = "coalesce(s.status, u.status)" if "status" in staged else "u.status"
    reason = "s.suspended_reason IS NOT NULL" if "suspended_reason" in staged else "false"
    return f"""
        SELECT t.line, t.reason FROM (
            SELECT w.line, CASE
                WHEN w.users > 1 THEN 'matches two users: ' || w.told
                WHEN w.dead THEN 'belongs to the deleted user ' || w.target
                WHEN w.others IS NOT NULL THEN w.others
                WHEN {TOUCHED} THEN 'the same user as on an earlier line: ' || w.target
                WHEN {status} <> 'suspended' AND {reason} THEN 'suspended_reason: the user is not suspended'
            END AS reason
            FROM (
                SELECT m.line, (array_agg(m.user_id ORDER BY m.rank) {IS_USER})[1] AS target,
                    count(DISTINCT m.user_id) {IS_USER} AS users, bool_or(m.dead) {IS_USER} AS dead,
                    string_agg(m.user_id || ' by ' || m.what, ', ' ORDER BY m.rank) {IS_USER} AS told,
                    string_agg(m.what || ': taken by user ' || m.user_id, '; ' ORDER BY m.rank)
                        FILTER (WHERE m.rank > {len(NAMES)} AND m.user_id IS DISTINCT FROM m.first) AS others
                FROM (SELECT n.*, first_value(CASE WHEN n.rank <= {len(NAMES)} THEN n.user_id END)
                    OVER (PARTITION BY n.line ORDER BY n.rank) AS first FROM pg_temp.matched n) m
                GROUP BY m.line
            ) w
            JOIN pg_temp.staged s ON s.line = w.line
            LEFT JOIN agentadm.users u ON u.id = w.target
        ) t WHERE t.reason IS NOT NULL
    """


def unsuspended(staged: Sequence[str]) -> str:
    """A statement: staged records of new users with a reason why they are suspended, who are not."""
    status = "s.status" if "status" in staged else "NULL"
    return (
        "SELECT s.line, 'suspended_reason: only a suspended user has one' AS reason FROM pg_temp.staged s"
        " WHERE s.target IS NULL AND s.suspended_reason IS NOT NULL"
        f" AND {status} IS DISTINCT FROM 'suspended' AND {RANGE}"
    )


def set_targets(connection: Connection, values: Mapping[str, Any]) -> int:
    """Write down beside each staged record whom it is about. Returns how many are about somebody."""
    statement = text(
        "UPDATE pg_temp.staged s SET target = w.target FROM (SELECT DISTINCT ON (m.line) m.line, m.user_id AS target"
        f" FROM pg_temp.matched m WHERE m.rank <= {len(NAMES)} ORDER BY m.line, m.rank) w"
        f" WHERE s.line = w.line AND {RANGE}"
    )
    return connection.execute(statement, values).rowcount


def count_targets(connection: Connection, values: Mapping[str, Any]) -> int:
    """How many staged records are about somebody."""
    statement = text(f"SELECT count(*) FROM pg_temp.staged s WHERE s.target IS NOT NULL AND {RANGE}")
    count: int = connection.execute(statement, values).scalar_one()
    return count


def forget_unstaged(connection: Connection) -> None:
    """Forget who is meant by records that are not staged any more."""
    connection.execute(
        text("DELETE FROM pg_temp.matched m WHERE NOT EXISTS (SELECT FROM pg_temp.staged s WHERE s.line = m.line)")
    )


def create(
    connection: Connection, fields: Sequence[Field], values: Mapping[str, Any], more: Mapping[str, str] = NOTHING
) -> int:
    """Insert the staged records that are about nobody yet. Returns how many.

    Args:
        connection: where they are staged.
        fields: of which the records hold values.
        values: which records are meant.
        more: by column, other values in SQL.
    """
    given = {"id": "s.key", "created_at": NOW, "updated_at": NOW}
    given |= {field.name: f"coalesce({value_of(field)}, {field.default})" for field in fields}
    given |= more
    statement = text(
        f"INSERT INTO agentadm.users ({', '.join(given)}) SELECT {', '.join(given.values())}"
        f" FROM pg_temp.staged s WHERE s.target IS NULL AND {RANGE}"
    )
    return connection.execute(statement, values).rowcount


def update(connection: Connection, fields: Sequence[Field], values: Mapping[str, Any]) -> int:
    """Give the users that staged records are about what is said there. Returns how many changed."""
    changed = {field.name: _updated(field) for field in fields if field.name != "id"}
    if "status" in changed:
        reason = changed.get("suspended_reason", "u.suspended_reason")
        changed["suspended_reason"] = f"CASE WHEN {changed['status']} = 'suspended' THEN {reason} END"
    return put_changes(connection, changed, values)


def put_changes(
    connection: Connection, changed: Mapping[str, str], values: Mapping[str, Any], condition: str = ""
) -> int:
    """Change users as staged records say. Returns how many were otherwise.

    Args:
        connection: where they are staged.
        changed: by column, the new value in SQL.
        values: which records are meant.
        condition: in SQL, which of them.
    """
    if not changed:
        return 0
    old = ", ".join(f"u.{name}" for name in changed)
    new = ", ".join(changed.values())
    statement = text(
        f"UPDATE agentadm.users u SET {', '.join(f'{name} = {value}' for name, value in changed.items())}"
        f" FROM pg_temp.staged s WHERE u.id = s.target AND {RANGE}"
        f" AND ROW({old}) IS DISTINCT FROM ROW({new}) {condition}"
    )
    return connection.execute(statement, values).rowcount


def _updated(field: Field) -> str:
    """The new value of a column: as given, or the default where it was cleared, else the old one."""
    default = field.default if field.needed else "NULL"
    if field.name == "created_at":
        default = "u.created_at"
    return (
        f"CASE WHEN s.{field.name} IS NOT NULL THEN {value_of(field)}"
        f" WHEN '{field.name}' = ANY (string_to_array(s.cleared, ',')) THEN {default} ELSE u.{field.name} END"
    )

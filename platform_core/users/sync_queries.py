"""Every statement of a synchronisation of users with a provider; those it shares with imports are there."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, text

from platform_core.importing.staging import RANGE
from platform_core.users.import_queries import BY_INDEX, TOUCHED

VERIFIED = "coalesce(s.email_verified::boolean, false)"
HAS_IDENTITY = "EXISTS (SELECT FROM agentadm.identities i WHERE i.provider = :provider AND i.subject = s.subject)"
# What makes two records be about the same user.
KEYS = {
    "subject": "s.subject",
    "email": f"CASE WHEN s.target IS NULL OR {VERIFIED} THEN lower(s.email) END",
    "username": "lower(s.username)",
    "target": "s.target",
}
# A user made, and a user known, by column; a name that is made up here is never put over one that is there.
CREATED = {
    "full_name": "coalesce(s.full_name, nullif(concat_ws(' ', s.first_name, s.last_name), ''))",
    "suspended_reason": "CASE WHEN s.status = 'suspended' THEN :reason END",
}
UPDATED = {
    "email": f"CASE WHEN {VERIFIED} AND s.email IS NOT NULL THEN s.email ELSE u.email END",
    "email_verified": f"u.email_verified OR ({VERIFIED} AND s.email IS NOT NULL)",
    "username": "coalesce(s.username, u.username)",
    "first_name": "coalesce(s.first_name, u.first_name)",
    "last_name": "coalesce(s.last_name, u.last_name)",
    "full_name": "coalesce(s.full_name, u.full_name)",
    "avatar_url": "coalesce(s.avatar_url, u.avatar_url)",
    "status": "coalesce(s.status, u.status)",
    "suspended_reason": (
        "CASE WHEN s.status = 'suspended' AND u.status = 'active' THEN :reason ELSE u.suspended_reason END"
    ),
    "last_login_at": "greatest(u.last_login_at, s.last_login_at::timestamptz)",
}
# By record, its user at the provider, the one with its address, the one with its name, and whom it is about.
MEANT = f"""
    SELECT s.line, s.subject, p.id AS known, p.dead, e.id AS mail, n.id AS name, {VERIFIED} AS verified,
        coalesce(p.id, CASE WHEN {VERIFIED} THEN e.id END) AS target
    FROM pg_temp.staged s
    LEFT JOIN LATERAL (
        SELECT u.id, u.deleted_at IS NOT NULL AS dead
        FROM agentadm.identities i JOIN agentadm.users u ON u.id = i.user_id
        WHERE i.provider = :provider AND i.subject = s.subject
    ) p ON true
    LEFT JOIN agentadm.users e ON lower(e.email) = lower(s.email) AND e.deleted_at IS NULL
    LEFT JOIN agentadm.users n ON lower(n.username) = lower(s.username)
    WHERE {RANGE}
"""
WRONG = f"""
    SELECT t.line, t.reason FROM (
        SELECT w.line, CASE
            WHEN w.dead THEN 'subject: belongs to the deleted user ' || w.known
            WHEN w.known IS NULL AND w.mail IS NOT NULL AND NOT w.verified
                THEN 'email: not verified at ' || CAST(:label AS text) || ', and taken by user ' || w.mail
            WHEN w.verified AND w.mail IS DISTINCT FROM w.target AND w.mail IS NOT NULL
                THEN 'email: taken by user ' || w.mail
            WHEN w.name IS NOT NULL AND w.name IS DISTINCT FROM w.target THEN 'username: taken by user ' || w.name
            WHEN {TOUCHED} THEN 'the same user as an earlier record: ' || w.target
        END AS reason FROM pg_temp.meant w
    ) t WHERE t.reason IS NOT NULL
"""


def find(connection: Connection, values: Mapping[str, Any]) -> None:
    """Find out whom the staged records are about."""
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.meant"))
    connection.execute(BY_INDEX, {"on": "off"})
    connection.execute(text(f"CREATE TEMP TABLE meant ON COMMIT DROP AS {MEANT}"), values)
    connection.execute(BY_INDEX, {"on": "on"})


def set_targets(connection: Connection) -> None:
    """Write down beside each staged record whom it is about."""
    connection.execute(
        text(
            "UPDATE pg_temp.staged s SET target = w.target FROM pg_temp.meant w"
            " WHERE s.line = w.line AND w.target IS NOT NULL"
        )
    )


def count_new_identities(connection: Connection, values: Mapping[str, Any]) -> int:
    """How many staged records are about somebody who has no such identity yet."""
    statement = text(
        f"SELECT count(*) FROM pg_temp.staged s WHERE s.target IS NOT NULL AND {RANGE} AND NOT {HAS_IDENTITY}"
    )
    count: int = connection.execute(statement, values).scalar_one()
    return count


def link(connection: Connection, values: Mapping[str, Any]) -> None:
    """Give users the identities that staged records say, where they are new."""
    connection.execute(
        text(
            "INSERT INTO agentadm.identities (user_id, provider, subject)"
            " SELECT coalesce(s.target, s.key), :provider, s.subject"
            f" FROM pg_temp.staged s WHERE {RANGE} AND NOT {HAS_IDENTITY}"
        ),
        values,
    )


def count_missing(connection: Connection, provider: str, subjects: Iterable[bytes]) -> int:
    """How many living users have an identity of a provider that is not among these.

    Args:
        connection: in a transaction that writes.
        provider: whose identities.
        subjects: as COPY takes them, in blocks.
    """
    connection.execute(text("CREATE TEMP TABLE IF NOT EXISTS seen (subject text) ON COMMIT DROP"))
    connection.execute(text("TRUNCATE pg_temp.seen"))
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy("COPY pg_temp.seen FROM STDIN (ENCODING 'UTF8')") as copy:
        for block in subjects:
            copy.write(block)
    connection.execute(text("ANALYZE pg_temp.seen"))
    statement = text(
        "SELECT count(DISTINCT i.user_id) FROM agentadm.identities i"
        " JOIN agentadm.users u ON u.id = i.user_id AND u.deleted_at IS NULL"
        " WHERE i.provider = :provider AND NOT EXISTS (SELECT FROM pg_temp.seen s WHERE s.subject = i.subject)"
    )
    count: int = connection.execute(statement, {"provider": provider}).scalar_one()
    return count

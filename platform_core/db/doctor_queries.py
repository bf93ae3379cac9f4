"""Every statement of the doctor that nobody else needs."""

from sqlalchemy import Connection, text

from platform_core.db import queries
from platform_core.db.schema import AnyRow

SURROUNDINGS = text(
    """
    SELECT current_setting('server_version') AS server_version,
        current_setting('server_version_num')::int AS server_version_number,
        coalesce(current_setting('app.clock', true), '') AS fake_clock,
        current_setting('session_replication_role') AS replication_role,
        pg_backend_pid() AS backend_pid,
        session_user AS login
    """
)
TABLES = text(
    """
    SELECT c.relname AS name, coalesce(parent.relname, c.relname) AS logical_name, c.relrowsecurity AS row_security
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE c.relnamespace = 'agentadm'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
    ORDER BY c.relname
    """
)
# Each of our triggers is named like its function; another function under that name does not count.
WORKING_TRIGGERS = text(
    """
    SELECT c.relname AS table_name, t.tgname AS name, p.proname AS function
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid AND c.relnamespace = 'agentadm'::regnamespace
    JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = c.relnamespace
    WHERE t.tgenabled IN ('O', 'A')
    """
)


# What is read past the policies: a view that shows what its maker may see, and a partition that somebody may read.
WAYS_PAST_POLICIES = text(
    """
    SELECT c.relname || CASE c.relkind WHEN 'v' THEN ' (a view without security_invoker)' WHEN 'm' THEN
        ' (a materialized view)' ELSE ' (a partition with privileges of its own)' END
    FROM pg_class c
    WHERE c.relnamespace = 'agentadm'::regnamespace AND (
        c.relkind = 'm' OR c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
        OR c.relispartition AND c.relkind = 'r' AND EXISTS (
            SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner
        )
    )
    ORDER BY 1
    """
)


def surroundings(connection: Connection) -> AnyRow:
    """What the server says of itself and of this session."""
    return connection.execute(SURROUNDINGS).one()


def tables(connection: Connection) -> list[AnyRow]:
    """Tables and partitions of ours: name, the table they count as, and whether row-level security is on."""
    return list(connection.execute(TABLES).all())


def ways_past_policies(connection: Connection) -> list[str]:
    """Views and partitions of ours through which rows are read that no policy allows."""
    return list(connection.execute(WAYS_PAST_POLICIES).scalars())


def working_triggers(connection: Connection) -> set[tuple[str, str, str]]:
    """Triggers of ours that fire: table or partition, name, and the function that they call."""
    return {(row.table_name, row.name, row.function) for row in connection.execute(WORKING_TRIGGERS)}


def roles_without_privileges(connection: Connection) -> list[str]:
    """Group roles that exist and may not use the schema."""
    statement = text(
        """
        SELECT r.rolname FROM pg_roles r
        WHERE r.rolname = ANY (CAST(:names AS text[]))
            AND NOT has_schema_privilege(r.oid, 'agentadm'::regnamespace, 'USAGE')
        ORDER BY 1
        """
    )
    return list(connection.execute(statement, {"names": list(queries.GROUP_ROLES)}).scalars())


def invalid_indexes(connection: Connection) -> list[str]:
    """Indexes of ours that a failed CREATE INDEX CONCURRENTLY left behind."""
    statement = text(
        """
        SELECT c.relname FROM pg_index x
        JOIN pg_class c ON c.oid = x.indexrelid AND c.relnamespace = 'agentadm'::regnamespace
        WHERE NOT x.indisvalid OR NOT x.indisready
        ORDER BY 1
        """
    )
    return list(connection.execute(statement).scalars())


def unvalidated_constraints(connection: Connection) -> list[str]:
    """Constraints of ours that were added NOT VALID and never validated."""
    statement = text(
        """
        SELECT format('%s of %s', k.conname, c.relname)
        FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = 'agentadm'::regnamespace
        WHERE NOT k.convalidated
        ORDER BY 1
        """
    )
    return list(connection.execute(statement).scalars())


def errors_without_runs(connection: Connection) -> int:
    """How many errors name a run that is not there."""
    statement = text(
        """
        SELECT count(*) FROM agentadm.error_logs e
        WHERE e.run_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM agentadm.runs r WHERE r.id = e.run_id AND r.created_at = e.run_created_at
        )
        """
    )
    found: int = connection.execute(statement).scalar_one()
    return found

"""Every statement about the database itself: its mark, its schema, its partitions."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, text, update

from platform_core.db import mark_queries
from platform_core.db.schema import MARK_COMMENT, SCHEMA, AnyRow
from platform_core.db.tables import installation

# Any number, so long as it stays the same; the server keeps such locks apart by database.
MIGRATION_LOCK = 6_137_206_415
GROUP_ROLES = ("agentadm_tenant", "agentadm_analytics", "agentadm_support", "agentadm_billing", "agentadm_admin")


def exec_raw(connection: Connection, statement: str) -> None:
    """Run SQL as it stands: per cent signs and colons in it are no parameters."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


SCHEMA_STATE = text(
    """
    SELECT obj_description(n.oid, 'pg_namespace') AS comment, pg_get_userbyid(n.nspowner) AS owner
    FROM pg_namespace n
    WHERE n.nspname = 'agentadm'
    """
)
LOGIN = text(
    """
    SELECT session_user AS name, current_database() AS database, r.rolsuper OR r.rolbypassrls AS passes_policies
    FROM pg_roles r
    WHERE r.rolname = session_user
    """
)


def find_schema(connection: Connection) -> AnyRow | None:
    """Comment and owner of our schema, None without one."""
    return connection.execute(SCHEMA_STATE).first()


def find_revision(connection: Connection) -> str | None:
    """The schema's revision; None before the first migration."""
    if not connection.execute(mark_queries.MARK_THERE).one().alembic_version:
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM agentadm.alembic_version")).scalar()
    return found


def login(connection: Connection) -> AnyRow:
    """The login: name, database, and whether row-level security does not hold it."""
    return connection.execute(LOGIN).one()


def make_schema(connection: Connection) -> None:
    """Make our schema, empty, with the comment by which a half-done init is known."""
    exec_raw(connection, f"CREATE SCHEMA {SCHEMA}")
    exec_raw(connection, f"COMMENT ON SCHEMA {SCHEMA} IS '{MARK_COMMENT}'")


def drop_schema(connection: Connection) -> None:
    """Drop our schema with all that is in it."""
    exec_raw(connection, f"DROP SCHEMA {SCHEMA} CASCADE")


def system_identifier(connection: Connection) -> str | None:
    """Which cluster this is; None where the login may not know."""
    # Asked first: a refused function fails even in the branch of a CASE that is not taken.
    allowed = text("SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')")
    if not connection.execute(allowed).scalar_one():
        return None
    found: str = connection.execute(text("SELECT system_identifier::text FROM pg_control_system()")).scalar_one()
    return found


def insert_installation(
    connection: Connection, environment: str, production: bool, identifier: str | None, digest_key: bytes
) -> None:
    """Set the mark."""
    connection.execute(
        insert(installation).values(
            environment=environment, production=production, system_identifier=identifier, digest_key=digest_key
        )
    )


def set_system_identifier(connection: Connection, identifier: str | None) -> None:
    """Record in which cluster the database is."""
    connection.execute(update(installation).values(system_identifier=identifier))


# ---------------------------------------------------------------------------------------------------------- migrations


def set_session_timeouts(connection: Connection, *, lock_seconds: float, statement_seconds: float) -> None:
    """Time-outs for the rest of the session, in seconds; 0 for none. They hold from COMMIT on."""
    connection.execute(
        text("SELECT set_config('lock_timeout', :lock, false), set_config('statement_timeout', :statement, false)"),
        {"lock": f"{round(lock_seconds * 1000)}ms", "statement": f"{round(statement_seconds * 1000)}ms"},
    )


def try_migration_lock(connection: Connection) -> bool:
    """Take the session's lock on the schema, unless another session has it. It may be taken several times."""
    taken: bool = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATION_LOCK}).scalar_one()
    return taken


def release_migration_lock(connection: Connection) -> None:
    """Give the lock back, once for each time it was taken."""
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})


def can_begin_operation(connection: Connection) -> bool:
    """Whether the schema, of whatever revision, records operations as this code asks it to."""
    found: bool = connection.execute(
        text(
            "SELECT to_regprocedure('agentadm.begin_operation(uuid, text, jsonb, text, text, text, text, text, text, "
            "uuid)') IS NOT NULL"
        )
    ).scalar_one()
    return found


def count_everything(connection: Connection) -> tuple[int, int]:
    """How many tables there are, partitions not counted, and how many rows in them."""
    names = (
        connection.execute(
            text(
                """
            SELECT format('agentadm.%I', c.relname)
            FROM pg_class c
            WHERE c.relnamespace = 'agentadm'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND c.relname <> 'alembic_version'
            """
            )
        )
        .scalars()
        .all()
    )
    return len(names), sum(_count_rows(connection, names).values())


def dependants_outside(connection: Connection) -> list[str]:
    """Views and foreign keys of other schemas that would be dropped together with ours."""
    statement = text(
        """
        SELECT DISTINCT format('view %s', v.oid::regclass)
        FROM pg_depend d
        JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        JOIN pg_class v ON v.oid = r.ev_class AND v.relnamespace <> 'agentadm'::regnamespace
        JOIN pg_class ours ON d.refclassid = 'pg_class'::regclass AND ours.oid = d.refobjid
            AND ours.relnamespace = 'agentadm'::regnamespace
        UNION
        SELECT format('foreign key %I of %s', k.conname, k.conrelid::regclass)
        FROM pg_constraint k
        JOIN pg_class theirs ON theirs.oid = k.conrelid AND theirs.relnamespace <> 'agentadm'::regnamespace
        JOIN pg_class ours ON ours.oid = k.confrelid AND ours.relnamespace = 'agentadm'::regnamespace
        ORDER BY 1
        """
    )
    return list(connection.execute(statement).scalars())


def make_roles(connection: Connection) -> tuple[str, ...]:
    """Make the group roles that are missing. Returns those that this login may not make."""
    return tuple(connection.execute(text("SELECT agentadm.make_roles()")).scalars())


def grant_privileges(connection: Connection) -> None:
    """Give every group role its privileges."""
    connection.execute(text("SELECT agentadm.grant_privileges()"))


def missing_roles(connection: Connection) -> tuple[str, ...]:
    """Group roles that do not exist in this cluster."""
    statement = text("SELECT name FROM unnest(CAST(:names AS text[])) name WHERE to_regrole(name) IS NULL")
    return tuple(connection.execute(statement, {"names": list(GROUP_ROLES)}).scalars())


# -------------------------------------------------------------------------------------------------- partitions, vacuum


def ensure_partitions(connection: Connection, months_ahead: int) -> tuple[str, ...]:
    """Make missing partitions up to so many months ahead. Returns their names."""
    statement = text("SELECT agentadm.ensure_partitions(:months)")
    return tuple(connection.execute(statement, {"months": months_ahead}).scalars())


def newest_partition(connection: Connection) -> str | None:
    """The newest month's partition, of the table whose partitions end first."""
    statement = text(
        """
        SELECT newest
        FROM (
            SELECT max(c.relname) AS newest, right(max(c.relname), 7) AS month
            FROM pg_namespace n
            JOIN pg_class p ON p.relnamespace = n.oid AND p.relkind = 'p'
            JOIN pg_inherits i ON i.inhparent = p.oid
            JOIN pg_class c ON c.oid = i.inhrelid AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
            WHERE n.nspname = 'agentadm'
            GROUP BY p.oid
        ) ends
        ORDER BY month, newest
        LIMIT 1
        """
    )
    return connection.execute(statement).scalar()


def default_partition_rows(connection: Connection) -> dict[str, int] | None:
    """How many rows each default partition holds; None where the login may not look."""
    found = connection.execute(
        text(
            """
            SELECT format('%I.%I', n.nspname, d.relname) AS name,
                has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(d.oid, 'SELECT') AS readable
            FROM pg_namespace n
            JOIN pg_class c ON c.relnamespace = n.oid
            JOIN pg_partitioned_table p ON p.partrelid = c.oid
            JOIN pg_class d ON d.oid = p.partdefid
            WHERE n.nspname = 'agentadm'
            ORDER BY 1
            """
        )
    ).all()
    if not all(row.readable for row in found):
        return None
    return _count_rows(connection, [row.name for row in found])


def missing_partitions(connection: Connection) -> list[str]:
    """Partitions that are not there for this month and the next."""
    statement = text(
        """
        SELECT wanted.name
        FROM pg_partitioned_table p
        JOIN pg_class c ON c.oid = p.partrelid AND c.relnamespace = 'agentadm'::regnamespace
        CROSS JOIN generate_series(0, 1) ahead
        CROSS JOIN LATERAL (
            SELECT c.relname || to_char(
                date_trunc('month', agentadm.now() AT TIME ZONE 'UTC') + make_interval(months => ahead), '"_"YYYY"_"MM'
            ) AS name
        ) wanted
        WHERE NOT EXISTS (
            SELECT FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid
            WHERE i.inhparent = c.oid AND child.relname = wanted.name
        )
        ORDER BY 1
        """
    )
    return list(connection.execute(statement).scalars())


def tables_to_vacuum(connection: Connection) -> list[str]:
    """Tables of ours above the thresholds of autovacuum, by dead rows or by rows changed since ANALYZE."""
    statement = text(
        """
        SELECT format('%I.%I', s.schemaname, s.relname)
        FROM pg_stat_user_tables s
        JOIN pg_class c ON c.oid = s.relid AND c.relkind = 'r' AND pg_has_role(c.relowner, 'USAGE')
        WHERE s.schemaname = 'agentadm' AND (
            s.n_dead_tup > current_setting('autovacuum_vacuum_threshold')::bigint
                + current_setting('autovacuum_vacuum_scale_factor')::float8 * greatest(c.reltuples, 0)
            OR s.n_mod_since_analyze > current_setting('autovacuum_analyze_threshold')::bigint
                + current_setting('autovacuum_analyze_scale_factor')::float8 * greatest(c.reltuples, 0)
        )
        ORDER BY 1
        """
    )
    return list(connection.execute(statement).scalars())


def vacuum(connection: Connection, table: str) -> None:
    """Vacuum and analyze a table. Not inside a transaction. `table` as PostgreSQL quoted it."""
    exec_raw(connection, f"VACUUM (ANALYZE) {table}")


def _count_rows(connection: Connection, tables: Sequence[str]) -> dict[str, int]:
    """How many rows each table holds. Names as PostgreSQL quoted them."""
    if not tables:
        return {}
    counts = ", ".join(f"(SELECT count(*) FROM {name})" for name in tables)  # noqa: S608 - names are quoted
    found = connection.exec_driver_sql(f"SELECT {counts}", execution_options={"no_parameters": True}).one()
    return dict(zip(tables, found, strict=True))

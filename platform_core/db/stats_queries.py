"""Every statement of the database's figures. The age of a transaction goes by the real time."""

from sqlalchemy import Connection, text

from platform_core.db.schema import AnyRow

CONNECTIONS = text(
    """
    SELECT 'connections' AS kind, coalesce(a.state, 'not shown') AS name, count(*) AS value, 'sessions' AS unit,
        NULL AS detail
    FROM pg_stat_activity a
    WHERE a.datname = current_database()
    GROUP BY a.state
    UNION ALL
    SELECT 'connections', 'allowed in all', current_setting('max_connections')::bigint, 'sessions', NULL
    UNION ALL
    SELECT 'transaction', 'oldest', coalesce(extract(epoch FROM max(clock_timestamp() - a.xact_start)), 0)::bigint,
        'seconds', NULL
    FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
    UNION ALL
    SELECT 'database', current_database(), pg_database_size(current_database()), 'bytes', NULL
    """
)
# A partition counts with its parent.
SIZES = text(
    """
    WITH tables AS (
        SELECT c.oid, coalesce(i.inhparent, c.oid) AS logical
        FROM pg_class c
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        WHERE c.relnamespace = 'agentadm'::regnamespace AND c.relkind IN ('r', 'p')
    ), indexes AS (
        SELECT x.indexrelid AS oid, coalesce(i.inhparent, x.indexrelid) AS logical
        FROM tables t
        JOIN pg_index x ON x.indrelid = t.oid
        LEFT JOIN pg_inherits i ON i.inhrelid = x.indexrelid
    )
    (
        SELECT 'table' AS kind, c.relname AS name, sum(pg_total_relation_size(t.oid))::bigint AS value, 'bytes' AS unit,
            sum(pg_relation_size(t.oid))::bigint || ' without indexes' AS detail
        FROM tables t JOIN pg_class c ON c.oid = t.logical
        GROUP BY c.relname ORDER BY value DESC, name LIMIT :limit
    )
    UNION ALL
    (
        SELECT 'index', c.relname, sum(pg_relation_size(x.oid))::bigint, 'bytes', NULL
        FROM indexes x JOIN pg_class c ON c.oid = x.logical
        GROUP BY c.relname ORDER BY 3 DESC, 2 LIMIT :limit
    )
    UNION ALL
    (
        SELECT 'unused index', c.relname, sum(pg_relation_size(x.oid))::bigint, 'bytes',
            'never read since ' || coalesce((
                SELECT to_char(d.stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD')
                FROM pg_stat_database d WHERE d.datname = current_database()
            ), 'the statistics began')
        FROM indexes x
        JOIN pg_class c ON c.oid = x.logical
        JOIN pg_index i ON i.indexrelid = x.oid AND NOT i.indisunique
        LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = x.oid
        GROUP BY c.relname
        HAVING coalesce(sum(s.idx_scan), 0) = 0
        ORDER BY 3 DESC, 2 LIMIT :limit
    )
    """
)
SLOW_STATEMENTS = r"""
    SELECT 'slow query' AS kind, CAST(s.queryid AS text) AS name, CAST(round(s.mean_exec_time) AS bigint) AS value,
        'milliseconds' AS unit, s.calls || ' calls: ' || regexp_replace(s.query, '\s+', ' ', 'g') AS detail
    FROM pg_stat_statements s
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.toplevel
    ORDER BY s.mean_exec_time DESC
    LIMIT :limit
"""
STATEMENTS_SCHEMA = text(
    """
    SELECT quote_ident(n.nspname)
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements'
    """
)


def stats(connection: Connection, limit: int) -> list[AnyRow]:
    """Figures on sessions, sizes and indexes, the biggest so many of each kind."""
    return [
        *connection.execute(CONNECTIONS).all(),
        *connection.execute(SIZES, {"limit": limit}).all(),
    ]


def statements_schema(connection: Connection) -> str | None:
    """The schema of pg_stat_statements, quoted; None where it is not installed."""
    return connection.execute(STATEMENTS_SCHEMA).scalar()


def slow_statements(connection: Connection, schema: str, limit: int) -> list[AnyRow]:
    """The statements of this database with the longest mean time. `schema` as PostgreSQL quoted it."""
    statement = text(SLOW_STATEMENTS.replace("pg_stat_statements s", f"{schema}.pg_stat_statements s"))
    return list(connection.execute(statement, {"limit": limit}).all())

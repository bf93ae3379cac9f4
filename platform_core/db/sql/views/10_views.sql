-- Views for people who write SQL: each with security_invoker, or row-level security would be its maker's.

CREATE VIEW agentadm.table_sizes WITH (security_invoker = true) AS
SELECT coalesce(parent.relname, c.relname)::text AS table_name,
    sum(pg_catalog.pg_table_size(c.oid))::bigint AS table_bytes,
    sum(pg_catalog.pg_indexes_size(c.oid))::bigint AS index_bytes,
    sum(greatest(c.reltuples, 0))::bigint AS estimated_rows
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent
WHERE c.relnamespace = 'agentadm'::pg_catalog.regnamespace AND c.relkind = 'r'
GROUP BY 1;

COMMENT ON VIEW agentadm.table_sizes IS 'What each table takes, its partitions included; rows as the planner last counted';

-- Counts and digest of a closed range of the audit, chained to the digest before. Operations and changes share one
-- sequence; each row's text form is hashed by itself, then all of them in order, after the digest before and the range
-- itself. The columns are named, so that a column added later does not break old seals.
CREATE FUNCTION agentadm.range_digest(previous bytea, first_seq bigint, last_seq bigint)
    RETURNS TABLE (operations bigint, changes bigint, digest bytea)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET intervalstyle = 'iso_8601' SET extra_float_digits = 1
    AS $$
SELECT count(*) FILTER (WHERE covered.kind = 'operation'),
    count(*) FILTER (WHERE covered.kind = 'change'),
    sha256(
        previous || int8send(first_seq) || int8send(last_seq)
            || coalesce(string_agg(covered.row_digest, ''::bytea ORDER BY covered.seq, covered.kind), ''::bytea)
    )
FROM (
    SELECT o.seq, 'operation' AS kind, sha256(convert_to(ROW(
        o.id, o.started_at, o.command, o.arguments, o.reason, o.ticket, o.idempotency_key, o.actor, o.session_user_name,
        o.application_name, o.os_user, o.host, o.undoes, o.schema_version, o.xid
    )::text, 'UTF8')) AS row_digest
    FROM agentadm.operations o WHERE o.seq BETWEEN first_seq AND last_seq
    UNION ALL
    SELECT c.seq, 'change', sha256(convert_to(ROW(
        c.changed_at, c.operation_id, c.table_name, c.row_key, c.action, c.origin, c.before, c.after, c.session_user_name,
        c.application_name, c.xid
    )::text, 'UTF8'))
    FROM agentadm.audit_changes c WHERE c.seq BETWEEN first_seq AND last_seq
) covered
$$;

-- Monthly partitions. A default partition loses nothing; its rows move when their month gets a partition.

CREATE FUNCTION agentadm.add_partition(parent regclass, month date) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    first_day date := date_trunc('month', month)::date;
    from_time timestamptz := first_day::timestamp AT TIME ZONE 'UTC';
    to_time timestamptz := (first_day + interval '1 month') AT TIME ZONE 'UTC';
    parent_name text;
    partition_name text;
    time_column text;
    columns text;
    arguments text[];
BEGIN
    SELECT c.relname INTO parent_name FROM pg_catalog.pg_class c WHERE c.oid = parent;
    partition_name := parent_name || to_char(first_day, '"_"YYYY"_"MM');
    IF to_regclass('agentadm.' || quote_ident(partition_name)) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    SELECT a.attname INTO time_column
        FROM pg_catalog.pg_partitioned_table p
        JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
        WHERE p.partrelid = parent;
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = parent AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';

    -- Made apart and then attached: the default partition may hold rows of this month.
    EXECUTE format('CREATE TABLE agentadm.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)', partition_name, parent);
    -- Rows only move: their triggers would file a deletion. Switching triggers off needs the lock that moving needs.
    EXECUTE format('LOCK TABLE agentadm.%I IN ACCESS EXCLUSIVE MODE', parent_name || '_default');
    EXECUTE format('ALTER TABLE agentadm.%I DISABLE TRIGGER USER', parent_name || '_default');
    EXECUTE format(
        'WITH moved AS (DELETE FROM agentadm.%I WHERE %I >= %L AND %I < %L RETURNING %s) '
        'INSERT INTO agentadm.%I (%s) SELECT %s FROM moved',
        parent_name || '_default', time_column, from_time, time_column, to_time, columns,
        partition_name, columns, columns
    );
    EXECUTE format('ALTER TABLE agentadm.%I ENABLE TRIGGER USER', parent_name || '_default');
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION agentadm.%I FOR VALUES FROM (%L) TO (%L)',
        parent, partition_name, from_time, to_time);
    PERFORM agentadm.equip_partition(parent, ('agentadm.' || quote_ident(partition_name))::regclass);
    RETURN partition_name;
END
$$;

-- Give a partition the statement-level triggers of its parent, with the same arguments.
CREATE FUNCTION agentadm.equip_partition(parent regclass, partition regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    definition text;
BEGIN
    FOR definition IN
        SELECT pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid = parent AND NOT t.tgisinternal AND t.tgtype & 1 = 0
        ORDER BY t.tgname
    LOOP
        EXECUTE replace(definition, ' ON ' || parent::text || ' ', ' ON ' || partition::text || ' ');
    END LOOP;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', partition);
END
$$;

-- Partitions of every partitioned table for the months of its default partition's rows, this month, and the next ones.
CREATE FUNCTION agentadm.ensure_partitions(months_ahead integer) RETURNS SETOF text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parent regclass;
    parent_name text;
    time_column text;
    months date[];
    month date;
    made text;
BEGIN
    FOR parent, parent_name, time_column IN
        SELECT p.partrelid::regclass, c.relname, a.attname
        FROM pg_catalog.pg_partitioned_table p
        JOIN pg_catalog.pg_class c ON c.oid = p.partrelid
        JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
        WHERE c.relnamespace = 'agentadm'::regnamespace
        ORDER BY c.relname
    LOOP
        -- Collected first: no query may have the default partition open when its triggers are switched off.
        EXECUTE format(
            'SELECT array_agg(wanted.month ORDER BY wanted.month) FROM ('
            'SELECT date_trunc(''month'', %I AT TIME ZONE ''UTC'')::date AS month FROM agentadm.%I WHERE isfinite(%I) '
            'UNION SELECT (date_trunc(''month'', agentadm.now() AT TIME ZONE ''UTC'') + make_interval(months => m))::date '
            'FROM generate_series(0, $1) m) wanted',
            time_column, parent_name || '_default', time_column
        ) INTO months USING months_ahead;
        FOREACH month IN ARRAY months
        LOOP
            made := agentadm.add_partition(parent, month);
            IF made IS NOT NULL THEN
                RETURN NEXT made;
            END IF;
        END LOOP;
    END LOOP;
END
$$;

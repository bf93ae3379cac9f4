-- Audit: statement-level triggers with transition tables, one for each event, on every table and partition.
-- Arguments of the trigger functions: the table's logical name, its secret columns, its columns that are not audited.

-- 'statement' for what somebody asked for, 'trigger' for what our own triggers derive (they set app.deriving and will
-- derive it again), 'cascade' for the rest.
CREATE FUNCTION agentadm.change_origin() RETURNS text
    LANGUAGE sql STABLE
    AS $$
SELECT CASE
    -- the caller is itself a trigger, at depth 1 when a statement fired it
    WHEN pg_catalog.pg_trigger_depth() <= 1 THEN 'statement'
    WHEN pg_catalog.current_setting('app.deriving', true) = 'on' THEN 'trigger'
    ELSE 'cascade'
END
$$;

CREATE FUNCTION agentadm.hide_secrets(image jsonb, secrets text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
SELECT CASE
    WHEN NOT image ?| secrets THEN image
    ELSE (
        SELECT pg_catalog.jsonb_object_agg(
            e.key,
            CASE WHEN e.key = ANY (secrets) AND e.value <> 'null'::jsonb
                THEN pg_catalog.jsonb_build_object(
                    'fingerprint',
                    pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(e.value::text, 'UTF8')), 'hex'), 16)
                )
                ELSE e.value
            END
        )
        FROM pg_catalog.jsonb_each(image) e
    )
END
$$;

-- The columns of the first image that the second has otherwise.
CREATE FUNCTION agentadm.changed_columns(first jsonb, second jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
SELECT coalesce(pg_catalog.jsonb_object_agg(e.key, e.value), '{}')
FROM pg_catalog.jsonb_each(first) e
WHERE e.value IS DISTINCT FROM second -> e.key
$$;

CREATE FUNCTION agentadm.audit_insert() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC'
    AS $$
DECLARE
    operation uuid;
    made_by text := agentadm.change_origin();
    moment timestamptz := agentadm.now();
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    operation := agentadm.current_operation();
    INSERT INTO agentadm.audit_changes (changed_at, operation_id, table_name, row_key, action, origin)
    SELECT moment, operation, TG_ARGV[0], n.id::text, 'insert', made_by
    FROM new_rows n;
    RETURN NULL;
END
$$;

CREATE FUNCTION agentadm.audit_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC'
    AS $$
DECLARE
    operation uuid;
    made_by text := agentadm.change_origin();
    moment timestamptz := agentadm.now();
    secrets text[] := TG_ARGV[1]::text[];
    ignored text[] := TG_ARGV[2]::text[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM old_rows o JOIN new_rows n ON n.id = o.id
        WHERE to_jsonb(o) - ignored IS DISTINCT FROM to_jsonb(n) - ignored
    ) THEN
        RETURN NULL;
    END IF;
    operation := agentadm.current_operation();
    INSERT INTO agentadm.audit_changes (changed_at, operation_id, table_name, row_key, action, origin, before, after)
    SELECT moment, operation, TG_ARGV[0], p.row_key, 'update', made_by,
        agentadm.hide_secrets(agentadm.changed_columns(p.old_image, p.new_image), secrets),
        agentadm.hide_secrets(agentadm.changed_columns(p.new_image, p.old_image), secrets)
    FROM (
        SELECT o.id::text AS row_key, to_jsonb(o) - ignored AS old_image, to_jsonb(n) - ignored AS new_image
        FROM old_rows o JOIN new_rows n ON n.id = o.id
        OFFSET 0
    ) p
    WHERE p.old_image IS DISTINCT FROM p.new_image;
    RETURN NULL;
END
$$;

CREATE FUNCTION agentadm.audit_delete() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC'
    AS $$
DECLARE
    operation uuid;
    made_by text := agentadm.change_origin();
    moment timestamptz := agentadm.now();
    secrets text[] := TG_ARGV[1]::text[];
BEGIN
    IF NOT EXISTS (SELECT FROM old_rows) THEN
        RETURN NULL;
    END IF;
    operation := agentadm.current_operation();
    INSERT INTO agentadm.audit_changes (changed_at, operation_id, table_name, row_key, action, origin, before)
    SELECT moment, operation, TG_ARGV[0], o.id::text, 'delete', made_by, agentadm.hide_secrets(to_jsonb(o), secrets)
    FROM old_rows o;
    RETURN NULL;
END
$$;

-- The statement-level triggers of one table or partition: rows of a partition reach the parent's only when the
-- statement names the parent.
CREATE FUNCTION agentadm.watch_statements(target regclass, logical_name text, secrets text[], ignored text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog
    AS $$
DECLARE
    arguments text := format('%L, %L, %L', logical_name, secrets, ignored);
BEGIN
    EXECUTE format('CREATE TRIGGER audit_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION agentadm.audit_insert(%s)', target, arguments);
    EXECUTE format('CREATE TRIGGER audit_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION agentadm.audit_update(%s)', target, arguments);
    EXECUTE format('CREATE TRIGGER audit_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION agentadm.audit_delete(%s)', target, arguments);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION agentadm.refuse_truncate()', target);
END
$$;

-- Everything an audited table needs. Row-level triggers of a partitioned table reach its partitions by themselves.
CREATE FUNCTION agentadm.watch(target regclass, secrets text[] DEFAULT '{}', ignored text[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog
    AS $$
BEGIN
    PERFORM agentadm.watch_statements(target, (SELECT relname FROM pg_catalog.pg_class WHERE oid = target), secrets, ignored);
    EXECUTE format('CREATE TRIGGER refuse_key_change BEFORE UPDATE ON %s FOR EACH ROW '
        'WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION agentadm.refuse_key_change()', target);
END
$$;

-- An append-only table: its rows are its own audit.
CREATE FUNCTION agentadm.seal_off(target regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog
    AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER refuse_rewrite BEFORE UPDATE OR DELETE ON %s FOR EACH ROW '
        'EXECUTE FUNCTION agentadm.refuse_rewrite()', target);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION agentadm.refuse_truncate()', target);
END
$$;

-- Which columns of a table the audit keeps only a fingerprint of: as its trigger was told.
CREATE FUNCTION agentadm.secret_columns(logical_name text) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog
    AS $$
SELECT coalesce((
    SELECT (string_to_array(encode(t.tgargs, 'escape'), '\000'))[2]::text[]
    FROM pg_trigger t
    WHERE t.tgrelid = to_regclass(format('agentadm.%I', logical_name)) AND t.tgname = 'audit_delete'
), '{}')
$$;

-- Audit: statement-level triggers with transition tables, one for each event, on every table and partition.
-- Arguments of the trigger functions: the table's logical name, its secret columns, its columns that are not audited.
-- A column of an audited table may have any name: a row is called by its transition table, and a bare name is a variable.

-- 'statement' for what somebody asked for, 'trigger' for what our own triggers derive and will derive again, 'cascade'
-- for the rest. A trigger function that derives says so around its statements, and puts back what was set before, with
-- set_config('app.deriving', 'on', true); no plain owner may have a function SET it.
-- A foreign key runs its query inside a trigger, but has that query's triggers fired by the statement around it: only
-- the ones before the query are as deep as it is.
CREATE FUNCTION agentadm.note_cascade() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN
        PERFORM set_config(
            'app.cascading', concat(current_setting('app.cascading', true), '<', TG_RELID::bigint, TG_OP, '>'), true
        );
    ELSIF current_setting('app.cascading', true) <> '' THEN
        -- Nobody but a trigger says so.
        PERFORM set_config('app.cascading', '', true);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION agentadm.change_origin(target oid, action text) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    noted text := current_setting('app.cascading', true);
    mark text;
    cascades boolean := false;
BEGIN
    IF noted <> '' THEN
        mark := concat('<', target::bigint, action, '>');
        cascades := strpos(noted, mark) > 0;
        PERFORM set_config('app.cascading', replace(noted, mark, ''), true);
    END IF;
    -- the caller is itself a trigger, at depth 1 when a statement fired it
    IF pg_trigger_depth() > 1 THEN
        RETURN CASE WHEN current_setting('app.deriving', true) = 'on' THEN 'trigger' ELSE 'cascade' END;
    END IF;
    RETURN CASE WHEN cascades THEN 'cascade' ELSE 'statement' END;
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

CREATE FUNCTION agentadm.audit_insert() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
    AS $$
#variable_conflict use_variable
DECLARE
    operation uuid;
    made_by text := agentadm.change_origin(TG_RELID, TG_OP);
    moment timestamptz := agentadm.now();
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    operation := agentadm.current_operation();
    INSERT INTO agentadm.audit_changes (changed_at, operation_id, table_name, row_key, action, origin)
    SELECT moment, operation, TG_ARGV[0], new_rows.id::text, 'insert', made_by
    FROM new_rows;
    RETURN NULL;
END
$$;

-- Images are compared as text: as jsonb 1.0 equals 1.00. Whatever the session has set, an image is written the same
-- way. A nested loop would be chosen by a plan that was made for one row, and kept for a hundred thousand.
CREATE FUNCTION agentadm.audit_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET intervalstyle = 'iso_8601' SET extra_float_digits = 1 SET enable_nestloop = off SET enable_mergejoin = off
    SET work_mem = '64MB'
    AS $$
#variable_conflict use_variable
DECLARE
    operation uuid;
    made_by text := agentadm.change_origin(TG_RELID, TG_OP);
    moment timestamptz := agentadm.now();
    secrets text[] := TG_ARGV[1]::text[];
    ignored text[] := TG_ARGV[2]::text[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM old_rows JOIN new_rows ON new_rows.id = old_rows.id
        WHERE (to_jsonb(old_rows) - ignored)::text <> (to_jsonb(new_rows) - ignored)::text
    ) THEN
        RETURN NULL;
    END IF;
    operation := agentadm.current_operation();
    INSERT INTO agentadm.audit_changes (changed_at, operation_id, table_name, row_key, action, origin, before, after)
    SELECT moment, operation, TG_ARGV[0], p.row_key, 'update', made_by,
        agentadm.hide_secrets(changed.before, secrets), agentadm.hide_secrets(changed.after, secrets)
    FROM (
        SELECT old_rows.id::text AS row_key,
            to_jsonb(old_rows) - ignored AS old_image, to_jsonb(new_rows) - ignored AS new_image
        FROM old_rows JOIN new_rows ON new_rows.id = old_rows.id
        OFFSET 0
    ) p
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(e.key, e.value) AS before, jsonb_object_agg(e.key, p.new_image -> e.key) AS after
        FROM jsonb_each(p.old_image) e
        WHERE e.value::text <> (p.new_image -> e.key)::text
    ) changed
    WHERE changed.before IS NOT NULL;
    RETURN NULL;
END
$$;

CREATE FUNCTION agentadm.audit_delete() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET intervalstyle = 'iso_8601' SET extra_float_digits = 1
    AS $$
#variable_conflict use_variable
DECLARE
    operation uuid;
    made_by text := agentadm.change_origin(TG_RELID, TG_OP);
    moment timestamptz := agentadm.now();
    secrets text[] := TG_ARGV[1]::text[];
BEGIN
    IF NOT EXISTS (SELECT FROM old_rows) THEN
        RETURN NULL;
    END IF;
    operation := agentadm.current_operation();
    INSERT INTO agentadm.audit_changes (changed_at, operation_id, table_name, row_key, action, origin, before)
    SELECT moment, operation, TG_ARGV[0], old_rows.id::text, 'delete', made_by,
        agentadm.hide_secrets(to_jsonb(old_rows), secrets)
    FROM old_rows;
    RETURN NULL;
END
$$;

-- The statement-level triggers of one table or partition: rows of a partition reach the parent's only when the
-- statement names the parent.
CREATE FUNCTION agentadm.watch_statements(target regclass, logical_name text, secrets text[], ignored text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
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
    EXECUTE format('CREATE TRIGGER note_cascade BEFORE INSERT OR UPDATE OR DELETE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION agentadm.note_cascade()', target);
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION agentadm.refuse_truncate()', target);
END
$$;

-- Everything an audited table needs. Row-level triggers of a partitioned table reach its partitions by themselves.
CREATE FUNCTION agentadm.watch(target regclass, secrets text[] DEFAULT '{}', ignored text[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM agentadm.watch_statements(target, (SELECT relname FROM pg_catalog.pg_class WHERE oid = target), secrets, ignored);
    EXECUTE format('CREATE TRIGGER refuse_key_change BEFORE UPDATE ON %s FOR EACH ROW '
        'WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION agentadm.refuse_key_change()', target);
END
$$;

-- An append-only table: its rows are its own audit.
CREATE FUNCTION agentadm.seal_off(target regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
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
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce((
    SELECT (string_to_array(encode(t.tgargs, 'escape'), '\000'))[2]::text[]
    FROM pg_trigger t
    WHERE t.tgrelid = to_regclass(format('agentadm.%I', logical_name)) AND t.tgname = 'audit_delete'
), '{}')
$$;

SET LOCAL check_function_bodies = off;

CREATE SEQUENCE agentadm.audit_seq;

-- Time, ids and the mark of the installation.
-- In every search_path pg_temp comes last, and types are named with their schema where a function has none: else a
-- login could put a type of its own in the place of ours, and have its check run as our owner.

CREATE FUNCTION agentadm.is_production() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM agentadm.installation WHERE production) $$;

CREATE FUNCTION agentadm.now() RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    setting pg_catalog.text := pg_catalog.current_setting('app.clock', true);
BEGIN
    IF setting IS NULL OR setting = '' THEN
        RETURN pg_catalog.transaction_timestamp();
    END IF;
    -- A fake time must never reach a production database.
    IF agentadm.is_production() THEN
        RETURN pg_catalog.transaction_timestamp();
    END IF;
    RETURN setting::pg_catalog.timestamptz;
END
$$;

-- Time-ordered: 48 bits of milliseconds, then random bits (RFC 9562, version 7). The real time, so that ids stay
-- ordered by their making even under a fake clock.
CREATE FUNCTION agentadm.uuid_v7() RETURNS uuid
    LANGUAGE sql VOLATILE PARALLEL SAFE
    AS $$
SELECT pg_catalog.encode(
    pg_catalog.set_bit(
        pg_catalog.set_bit(
            pg_catalog.overlay(
                pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
                pg_catalog.substring(
                    pg_catalog.int8send((EXTRACT(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint), 3
                ),
                1, 6
            ),
            52, 1
        ),
        53, 1
    ),
    'hex'
)::uuid
$$;

-- A time that the statement sets itself is kept, and so is the one that undo puts back, be it the same. The argument
-- names columns whose changes count for nothing (last use and the like).
CREATE FUNCTION agentadm.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.updated_at IS DISTINCT FROM OLD.updated_at OR NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NEW;
    END IF;
    IF pg_catalog.current_setting('app.undoing', true) = 'on'
        AND pg_catalog.current_setting('app.deriving', true) IS DISTINCT FROM 'on'
    THEN
        RETURN NEW;
    END IF;
    IF TG_NARGS > 0 AND pg_catalog.to_jsonb(NEW) - TG_ARGV[0]::pg_catalog.text[]
        IS NOT DISTINCT FROM pg_catalog.to_jsonb(OLD) - TG_ARGV[0]::pg_catalog.text[]
    THEN
        RETURN NEW;
    END IF;
    NEW.updated_at := agentadm.now();
    RETURN NEW;
END
$$;

CREATE FUNCTION agentadm.refuse_key_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the key of % cannot be changed: % to %', TG_TABLE_NAME, OLD.id, NEW.id
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'delete the row and insert a new one';
END
$$;

CREATE FUNCTION agentadm.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no audit', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', HINT = 'use DELETE';
END
$$;

-- Append-only tables: only the owner of the table and superusers may change a row that is there.
CREATE FUNCTION agentadm.refuse_rewrite() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF pg_catalog.pg_has_role(current_user, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Operations: who did what, and why. One row for each, made only by these functions.

-- Open an operation in the current transaction: the row, and the setting under which triggers file their changes.
CREATE FUNCTION agentadm.begin_operation(
    new_id uuid,
    new_command text,
    new_arguments jsonb,
    new_reason text,
    new_ticket text,
    new_idempotency_key text,
    new_actor text,
    new_os_user text,
    new_host text,
    new_undoes uuid
) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    transaction_id bigint := pg_current_xact_id()::text::bigint;
BEGIN
    IF new_actor IS NOT NULL AND new_actor <> session_user AND NOT agentadm.is_administrator() THEN
        RAISE EXCEPTION 'acting for % needs the role agentadm_admin', new_actor
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- A second row under a known id would make changes of this transaction look like that operation's own.
    IF EXISTS (SELECT FROM agentadm.operations o WHERE o.id = new_id) THEN
        RAISE EXCEPTION 'operation % exists already', new_id USING ERRCODE = 'unique_violation';
    END IF;
    INSERT INTO agentadm.operations (
        id, command, arguments, reason, ticket, idempotency_key, actor, os_user, host, undoes, schema_version, xid
    )
    VALUES (
        new_id, new_command, coalesce(new_arguments, '{}'), new_reason, new_ticket, new_idempotency_key,
        coalesce(new_actor, session_user), new_os_user, new_host, new_undoes,
        (SELECT version_num FROM agentadm.alembic_version), transaction_id
    );
    PERFORM set_config('app.operation_id', new_id::text, true);
    RETURN transaction_id;
END
$$;

-- Go on with an operation that an earlier transaction opened: the second half of a provider step.
CREATE FUNCTION agentadm.continue_operation(known_id uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    transaction_id bigint := pg_current_xact_id()::text::bigint;
BEGIN
    IF NOT EXISTS (
        SELECT FROM agentadm.operations o
        WHERE o.id = known_id AND (o.session_user_name = session_user OR agentadm.is_administrator())
    ) THEN
        RAISE EXCEPTION 'operation % is not known, or was opened by another login', known_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO agentadm.operation_continuations (operation_id, xid) VALUES (known_id, transaction_id);
    PERFORM set_config('app.operation_id', known_id::text, true);
    RETURN transaction_id;
END
$$;

-- The owner of the schema, a superuser, or a member of agentadm_admin.
CREATE FUNCTION agentadm.is_administrator() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT pg_has_role(session_user, n.nspowner, 'USAGE')
    OR coalesce((
        SELECT pg_has_role(session_user, r.oid, 'USAGE') FROM pg_roles r WHERE r.rolname = 'agentadm_admin'
    ), false)
FROM pg_namespace n WHERE n.nspname = 'agentadm'
$$;

-- The operation that changes of this transaction belong to. A change made outside the tool gets one of its own, so
-- that it is listed, and can be undone, like any other; one under an id that nobody opened is such a change too.
CREATE FUNCTION agentadm.current_operation() RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    told text := current_setting('app.operation_id', true);
    known uuid;
BEGIN
    IF told ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN
        SELECT o.id INTO known FROM agentadm.operations o WHERE o.id = told::uuid;
    END IF;
    IF known IS NULL THEN
        known := agentadm.uuid_v7();
        PERFORM agentadm.begin_operation(known, 'outside', '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    END IF;
    RETURN known;
END
$$;

-- Wait for all who write audit rows, and keep others from it until COMMIT: below the newest place nothing can appear
-- then. A function, because LOCK TABLE asks for the right to change rows, which the administrators do not have.
CREATE FUNCTION agentadm.close_audit() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT agentadm.is_administrator() THEN
        RAISE EXCEPTION 'sealing the audit needs the role agentadm_admin' USING ERRCODE = 'insufficient_privilege';
    END IF;
    LOCK TABLE agentadm.operations, agentadm.audit_changes IN SHARE MODE;
END
$$;

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

-- Roles are shared by all databases of a cluster: made where this login may, never dropped.

CREATE FUNCTION agentadm.make_roles() RETURNS SETOF text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'agentadm_tenant', 'agentadm_analytics', 'agentadm_support', 'agentadm_billing', 'agentadm_admin'
    ]
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN RETURN NEXT role_name;
        END;
    END LOOP;
END
$$;

-- What each role may do, whole: run again after any change, and after a role was made.
CREATE FUNCTION agentadm.grant_privileges() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    role_name text;
    privilege text;
BEGIN
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA agentadm FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES IN SCHEMA agentadm REVOKE ALL ON FUNCTIONS FROM PUBLIC;
    FOR role_name, privilege IN
        SELECT r.role_name, p.privilege
        FROM (VALUES
            ('agentadm_tenant', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON FUNCTION agentadm.now(), agentadm.is_production(), agentadm.uuid_v7(), '
                    'agentadm.is_operator(), agentadm.current_user_id()',
                'SELECT ON agentadm.users, agentadm.identities',
                'UPDATE (username, first_name, last_name, full_name, avatar_url, default_llm_provider, '
                    'onboarding_completed) ON agentadm.users'
            ]),
            ('agentadm_analytics', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON FUNCTION agentadm.now(), agentadm.is_production(), agentadm.is_operator(), '
                    'agentadm.current_user_id()',
                'SELECT ON agentadm.users, agentadm.identities, agentadm.job_runs, agentadm.alembic_version',
                'SELECT (id, environment, production, system_identifier, created_at, updated_at) ON agentadm.installation'
            ]),
            ('agentadm_support', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON ALL FUNCTIONS IN SCHEMA agentadm',
                'SELECT ON ALL TABLES IN SCHEMA agentadm',
                'INSERT, UPDATE ON agentadm.users',
                'INSERT, UPDATE, DELETE ON agentadm.identities',
                'INSERT, UPDATE ON agentadm.idempotency_keys, agentadm.job_runs',
                'INSERT, UPDATE, DELETE ON agentadm.chunk_progress'
            ]),
            ('agentadm_billing', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON ALL FUNCTIONS IN SCHEMA agentadm',
                'SELECT ON ALL TABLES IN SCHEMA agentadm',
                'INSERT, UPDATE ON agentadm.idempotency_keys, agentadm.job_runs, agentadm.provider_intents',
                'INSERT, UPDATE, DELETE ON agentadm.chunk_progress'
            ]),
            ('agentadm_admin', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON ALL FUNCTIONS IN SCHEMA agentadm',
                'SELECT ON ALL TABLES IN SCHEMA agentadm',
                'INSERT, UPDATE, DELETE ON agentadm.users, agentadm.identities',
                'INSERT, UPDATE ON agentadm.idempotency_keys, agentadm.job_runs, agentadm.provider_intents',
                'INSERT, UPDATE, DELETE ON agentadm.chunk_progress',
                'INSERT ON agentadm.audit_seals',
                'USAGE ON SEQUENCE agentadm.audit_seq'
            ])
        ) AS r (role_name, privileges)
        CROSS JOIN LATERAL unnest(r.privileges) AS p (privilege)
        WHERE to_regrole(r.role_name) IS NOT NULL
    LOOP
        EXECUTE format('GRANT %s TO %I', privilege, role_name);
    END LOOP;
    -- Rows are reached through the parents, whose policies and triggers hold; never through a partition.
    FOR role_name, privilege IN
        SELECT r.rolname, i.inhrelid::regclass::text
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r' AND c.relnamespace = 'agentadm'::regnamespace
        CROSS JOIN pg_roles r
        WHERE r.rolname IN (
            'agentadm_tenant', 'agentadm_analytics', 'agentadm_support', 'agentadm_billing', 'agentadm_admin'
        )
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', privilege, role_name);
    END LOOP;
END
$$;

-- Whether this login works for the platform: such a login reads and writes all rows that its privileges allow.
CREATE FUNCTION agentadm.is_operator() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT current_setting('role') IS DISTINCT FROM 'agentadm_tenant'
    AND EXISTS (
        SELECT FROM pg_roles r
        WHERE r.rolname IN ('agentadm_analytics', 'agentadm_support', 'agentadm_billing', 'agentadm_admin')
            AND pg_has_role(session_user, r.oid, 'USAGE')
    )
$$;

-- The user whose rows are to be seen, NULL when unset: then none are.
CREATE FUNCTION agentadm.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$ SELECT nullif(pg_catalog.current_setting('app.current_user_id', true), '')::uuid $$;

CREATE TABLE agentadm.audit_changes (
	seq BIGINT DEFAULT nextval('agentadm.audit_seq') NOT NULL, 
	changed_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	operation_id UUID NOT NULL, 
	table_name TEXT NOT NULL, 
	row_key TEXT NOT NULL, 
	action TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	before JSONB, 
	after JSONB, 
	session_user_name TEXT DEFAULT SESSION_USER NOT NULL, 
	application_name TEXT DEFAULT current_setting('application_name') NOT NULL, 
	xid BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL, 
	CONSTRAINT audit_changes_pkey PRIMARY KEY (operation_id, seq, changed_at), 
	CONSTRAINT audit_changes_action_check CHECK (action IN ('insert', 'update', 'delete')), 
	CONSTRAINT audit_changes_origin_check CHECK (origin IN ('statement', 'cascade', 'trigger'))
)
 PARTITION BY RANGE (changed_at);

CREATE TABLE agentadm.audit_changes_default PARTITION OF agentadm.audit_changes DEFAULT;

CREATE INDEX audit_changes_row_idx ON agentadm.audit_changes (table_name, row_key, seq);

CREATE INDEX audit_changes_seq_idx ON agentadm.audit_changes USING brin (seq);

COMMENT ON TABLE agentadm.audit_changes IS 'Every changed row, written by triggers only';

COMMENT ON COLUMN agentadm.audit_changes.seq IS 'Place in the order of the audit';

COMMENT ON COLUMN agentadm.audit_changes.changed_at IS 'When the change was made';

COMMENT ON COLUMN agentadm.audit_changes.operation_id IS 'The operation it belongs to (partitioned: no foreign key)';

COMMENT ON COLUMN agentadm.audit_changes.table_name IS 'Table, without its schema; a partition counts as its parent';

COMMENT ON COLUMN agentadm.audit_changes.row_key IS 'Key of the row as text';

COMMENT ON COLUMN agentadm.audit_changes.action IS 'insert, update or delete';

COMMENT ON COLUMN agentadm.audit_changes.origin IS 'statement: asked for; cascade: by a foreign key; trigger: derived, and derived again on undo';

COMMENT ON COLUMN agentadm.audit_changes.before IS 'Changed columns (update) or the row (delete) as they were';

COMMENT ON COLUMN agentadm.audit_changes.after IS 'Changed columns as they became (update)';

COMMENT ON COLUMN agentadm.audit_changes.session_user_name IS 'The database login, as the server knows it';

COMMENT ON COLUMN agentadm.audit_changes.application_name IS 'What the connection called itself';

COMMENT ON COLUMN agentadm.audit_changes.xid IS 'Transaction id; not its operation''s own where a setting was forged';

CREATE TABLE agentadm.audit_seals (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	from_seq BIGINT NOT NULL, 
	to_seq BIGINT NOT NULL, 
	operations BIGINT NOT NULL, 
	changes BIGINT NOT NULL, 
	digest BYTEA NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT audit_seals_pkey PRIMARY KEY (id), 
	CONSTRAINT audit_seals_from_seq_key UNIQUE (from_seq), 
	CONSTRAINT audit_seals_range_check CHECK (from_seq <= to_seq)
);

COMMENT ON TABLE agentadm.audit_seals IS 'Sealed hashes over closed ranges of the audit, each chained to the one before';

COMMENT ON COLUMN agentadm.audit_seals.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.audit_seals.from_seq IS 'First place in the order of the audit that it covers';

COMMENT ON COLUMN agentadm.audit_seals.to_seq IS 'Last place that it covers';

COMMENT ON COLUMN agentadm.audit_seals.operations IS 'How many operations it covers';

COMMENT ON COLUMN agentadm.audit_seals.changes IS 'How many changes it covers';

COMMENT ON COLUMN agentadm.audit_seals.digest IS 'SHA-256 over the digest of the seal before and all covered rows';

COMMENT ON COLUMN agentadm.audit_seals.created_at IS 'When the row was made';

CREATE TABLE agentadm.chunk_progress (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	digest TEXT NOT NULL, 
	total INTEGER NOT NULL, 
	item INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	code SMALLINT NOT NULL, 
	message TEXT, 
	operation_id UUID, 
	row_key TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT chunk_progress_pkey PRIMARY KEY (id), 
	CONSTRAINT chunk_progress_digest_item_key UNIQUE (digest, item), 
	CONSTRAINT chunk_progress_status_check CHECK (status IN ('done', 'unchanged', 'failed')), 
	CONSTRAINT chunk_progress_item_check CHECK (item BETWEEN 1 AND total)
);

COMMENT ON TABLE agentadm.chunk_progress IS 'Items of bulk runs, each written in the transaction that changed it, so that a run can be gone on with';

COMMENT ON COLUMN agentadm.chunk_progress.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.chunk_progress.digest IS 'HMAC over the command and all its items: which run this belongs to';

COMMENT ON COLUMN agentadm.chunk_progress.total IS 'How many items the run has; it is finished when all are here';

COMMENT ON COLUMN agentadm.chunk_progress.item IS 'Place of the item in the run, from 1';

COMMENT ON COLUMN agentadm.chunk_progress.status IS 'done, unchanged or failed';

COMMENT ON COLUMN agentadm.chunk_progress.code IS 'Exit code of the item';

COMMENT ON COLUMN agentadm.chunk_progress.message IS 'Why it failed or was left as it is';

COMMENT ON COLUMN agentadm.chunk_progress.operation_id IS 'The operation that changed it (partitioned: no foreign key)';

COMMENT ON COLUMN agentadm.chunk_progress.row_key IS 'Key of the row that it was about, as text';

COMMENT ON COLUMN agentadm.chunk_progress.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.chunk_progress.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.idempotency_keys (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	key TEXT NOT NULL, 
	inputs_digest TEXT NOT NULL, 
	operation_id UUID NOT NULL, 
	result JSON, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT idempotency_keys_pkey PRIMARY KEY (id), 
	CONSTRAINT idempotency_keys_key_key UNIQUE (key)
);

CREATE INDEX idempotency_keys_created_at_idx ON agentadm.idempotency_keys (created_at);

COMMENT ON TABLE agentadm.idempotency_keys IS 'Keys under which a command runs once, with its answer';

COMMENT ON COLUMN agentadm.idempotency_keys.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.idempotency_keys.key IS 'What the caller gave with --idempotency-key';

COMMENT ON COLUMN agentadm.idempotency_keys.inputs_digest IS 'HMAC over command, arguments, files and standard input';

COMMENT ON COLUMN agentadm.idempotency_keys.operation_id IS 'The operation that ran under the key (partitioned: no foreign key)';

COMMENT ON COLUMN agentadm.idempotency_keys.result IS 'What it answered, without secrets; NULL until it is done';

COMMENT ON COLUMN agentadm.idempotency_keys.created_at IS 'When the row was made';

CREATE TABLE agentadm.installation (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	environment TEXT NOT NULL, 
	production BOOLEAN DEFAULT false NOT NULL, 
	system_identifier TEXT, 
	digest_key BYTEA NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT installation_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX installation_one_row_key ON agentadm.installation ((true));

COMMENT ON TABLE agentadm.installation IS 'The mark of the installation: this database belongs to agentadm';

COMMENT ON COLUMN agentadm.installation.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.installation.environment IS 'Name of the environment, shown before a change';

COMMENT ON COLUMN agentadm.installation.production IS 'Whether real customers and money are here';

COMMENT ON COLUMN agentadm.installation.system_identifier IS 'The cluster this was made or restored in (pg_control_system); NULL where it may not be read';

COMMENT ON COLUMN agentadm.installation.digest_key IS 'Random key of the HMAC that compares the inputs of repeated operations';

COMMENT ON COLUMN agentadm.installation.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.installation.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.job_runs (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	job TEXT NOT NULL, 
	state TEXT DEFAULT 'running' NOT NULL, 
	holder TEXT NOT NULL, 
	lease_until TIMESTAMP WITH TIME ZONE NOT NULL, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	operation_id UUID, 
	result JSONB, 
	error TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT job_runs_pkey PRIMARY KEY (id), 
	CONSTRAINT job_runs_state_check CHECK (state IN ('running', 'done', 'failed', 'lost')), 
	CONSTRAINT job_runs_finished_check CHECK ((state = 'running') = (finished_at IS NULL))
);

CREATE INDEX job_runs_job_created_at_idx ON agentadm.job_runs (job, created_at);

CREATE UNIQUE INDEX job_runs_one_running_key ON agentadm.job_runs (job) WHERE state = 'running';

COMMENT ON TABLE agentadm.job_runs IS 'What cron did, when and how it ended; the running row is the lease';

COMMENT ON COLUMN agentadm.job_runs.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.job_runs.job IS 'Noun and verb of the command';

COMMENT ON COLUMN agentadm.job_runs.state IS 'running, done, failed or lost';

COMMENT ON COLUMN agentadm.job_runs.holder IS 'Host and process that hold the lease';

COMMENT ON COLUMN agentadm.job_runs.lease_until IS 'When the lease ends unless a heartbeat renews it (real time)';

COMMENT ON COLUMN agentadm.job_runs.finished_at IS 'When it ended';

COMMENT ON COLUMN agentadm.job_runs.operation_id IS 'The operation it made (partitioned: no foreign key)';

COMMENT ON COLUMN agentadm.job_runs.result IS 'What it did, in numbers';

COMMENT ON COLUMN agentadm.job_runs.error IS 'Why it failed';

COMMENT ON COLUMN agentadm.job_runs.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.job_runs.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.operation_continuations (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	operation_id UUID NOT NULL, 
	xid BIGINT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT operation_continuations_pkey PRIMARY KEY (id)
);

CREATE INDEX operation_continuations_operation_id_idx ON agentadm.operation_continuations (operation_id);

COMMENT ON TABLE agentadm.operation_continuations IS 'Later transactions of one operation: the second half of a provider step, chunks of a bulk run';

COMMENT ON COLUMN agentadm.operation_continuations.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.operation_continuations.operation_id IS 'The operation that went on (partitioned, so no foreign key)';

COMMENT ON COLUMN agentadm.operation_continuations.xid IS 'The later transaction''s id';

COMMENT ON COLUMN agentadm.operation_continuations.created_at IS 'When the row was made';

CREATE TABLE agentadm.operations (
	id UUID NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	seq BIGINT DEFAULT nextval('agentadm.audit_seq') NOT NULL, 
	command TEXT NOT NULL, 
	arguments JSONB NOT NULL, 
	reason TEXT, 
	ticket TEXT, 
	idempotency_key TEXT, 
	actor TEXT NOT NULL, 
	session_user_name TEXT DEFAULT SESSION_USER NOT NULL, 
	application_name TEXT DEFAULT current_setting('application_name') NOT NULL, 
	os_user TEXT, 
	host TEXT, 
	undoes UUID, 
	schema_version TEXT, 
	xid BIGINT NOT NULL, 
	CONSTRAINT operations_pkey PRIMARY KEY (id, started_at)
)
 PARTITION BY RANGE (started_at);

CREATE TABLE agentadm.operations_default PARTITION OF agentadm.operations DEFAULT;

CREATE INDEX operations_id_ending_idx ON agentadm.operations ("right"(id::text, 8));

CREATE INDEX operations_idempotency_key_idx ON agentadm.operations (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX operations_seq_idx ON agentadm.operations USING brin (seq);

CREATE INDEX operations_started_at_idx ON agentadm.operations (started_at);

CREATE INDEX operations_undoes_idx ON agentadm.operations (undoes) WHERE undoes IS NOT NULL;

COMMENT ON TABLE agentadm.operations IS 'One row for each change of state: who, what, why';

COMMENT ON COLUMN agentadm.operations.id IS 'Made by the client, so that it can ask after a lost answer';

COMMENT ON COLUMN agentadm.operations.started_at IS 'When it began';

COMMENT ON COLUMN agentadm.operations.seq IS 'Place in the order of the audit, shared with audit_changes';

COMMENT ON COLUMN agentadm.operations.command IS 'Noun and verb; ''outside'' for a change made without the tool';

COMMENT ON COLUMN agentadm.operations.arguments IS 'Arguments of the command, without secrets';

COMMENT ON COLUMN agentadm.operations.reason IS 'Why, in the operator''s words';

COMMENT ON COLUMN agentadm.operations.ticket IS 'The ticket it belongs to';

COMMENT ON COLUMN agentadm.operations.idempotency_key IS 'The caller''s key, when given';

COMMENT ON COLUMN agentadm.operations.actor IS 'The database login, or whom an administrator acted for';

COMMENT ON COLUMN agentadm.operations.session_user_name IS 'The database login, as the server knows it';

COMMENT ON COLUMN agentadm.operations.application_name IS 'What the connection called itself';

COMMENT ON COLUMN agentadm.operations.os_user IS 'Operating system user, as the tool saw it';

COMMENT ON COLUMN agentadm.operations.host IS 'Host, as the tool saw it';

COMMENT ON COLUMN agentadm.operations.undoes IS 'The operation that this one undid';

COMMENT ON COLUMN agentadm.operations.schema_version IS 'Revision of the schema it ran under';

COMMENT ON COLUMN agentadm.operations.xid IS 'Its transaction id; a change with another one claims it falsely';

CREATE TABLE agentadm.provider_intents (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	operation_id UUID NOT NULL, 
	step TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	object_type TEXT NOT NULL, 
	object_id TEXT NOT NULL, 
	amount BIGINT, 
	currency CHAR(3), 
	provider_key TEXT NOT NULL, 
	request JSONB NOT NULL, 
	state TEXT DEFAULT 'pending' NOT NULL, 
	answer JSONB, 
	error TEXT, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT provider_intents_pkey PRIMARY KEY (id), 
	CONSTRAINT provider_intents_provider_provider_key_key UNIQUE (provider, provider_key), 
	CONSTRAINT provider_intents_state_check CHECK (state IN ('pending', 'done', 'failed')), 
	CONSTRAINT provider_intents_amount_check CHECK (amount >= 0), 
	CONSTRAINT provider_intents_currency_check CHECK ((amount IS NULL) = (currency IS NULL)), 
	CONSTRAINT provider_intents_settled_check CHECK ((state = 'pending') = (settled_at IS NULL))
);

CREATE INDEX provider_intents_operation_id_idx ON agentadm.provider_intents (operation_id);

CREATE UNIQUE INDEX provider_intents_unfinished_key ON agentadm.provider_intents (object_type, object_id) WHERE state = 'pending';

COMMENT ON TABLE agentadm.provider_intents IS 'What is about to be asked of a provider: written before, settled after';

COMMENT ON COLUMN agentadm.provider_intents.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.provider_intents.operation_id IS 'The operation it belongs to (partitioned: no foreign key)';

COMMENT ON COLUMN agentadm.provider_intents.step IS 'Which step this is, by its name in the registry of steps';

COMMENT ON COLUMN agentadm.provider_intents.provider IS 'Who is asked: stripe and the like';

COMMENT ON COLUMN agentadm.provider_intents.object_type IS 'Table of the row that the step is about';

COMMENT ON COLUMN agentadm.provider_intents.object_id IS 'Key of that row';

COMMENT ON COLUMN agentadm.provider_intents.amount IS 'Reserved amount in minor units';

COMMENT ON COLUMN agentadm.provider_intents.currency IS 'ISO 4217 code of the amount';

COMMENT ON COLUMN agentadm.provider_intents.provider_key IS 'Idempotency key sent to the provider';

COMMENT ON COLUMN agentadm.provider_intents.request IS 'What is sent, without secrets';

COMMENT ON COLUMN agentadm.provider_intents.state IS 'pending, done or failed';

COMMENT ON COLUMN agentadm.provider_intents.answer IS 'What the provider answered';

COMMENT ON COLUMN agentadm.provider_intents.error IS 'What the provider refused it with';

COMMENT ON COLUMN agentadm.provider_intents.settled_at IS 'When the answer was recorded';

COMMENT ON COLUMN agentadm.provider_intents.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.provider_intents.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.users (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	email TEXT, 
	email_verified BOOLEAN DEFAULT false NOT NULL, 
	username TEXT, 
	first_name TEXT, 
	last_name TEXT, 
	full_name TEXT, 
	avatar_url TEXT, 
	role TEXT DEFAULT 'user' NOT NULL, 
	status TEXT DEFAULT 'active' NOT NULL, 
	suspended_reason TEXT, 
	stripe_customer_id TEXT, 
	stripe_connect_account_id TEXT, 
	billing_anchor_day SMALLINT DEFAULT 1 NOT NULL, 
	default_llm_provider TEXT DEFAULT 'openai' NOT NULL, 
	daily_budget NUMERIC(18, 6) DEFAULT 10.00, 
	onboarding_completed BOOLEAN DEFAULT false NOT NULL, 
	last_login_at TIMESTAMP WITH TIME ZONE, 
	metadata JSONB DEFAULT '{}' NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	erased_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT users_pkey PRIMARY KEY (id), 
	CONSTRAINT users_stripe_customer_id_key UNIQUE (stripe_customer_id), 
	CONSTRAINT users_stripe_connect_account_id_key UNIQUE (stripe_connect_account_id), 
	CONSTRAINT users_email_check CHECK (email ~ '^[^@\s[:cntrl:]]+@[^@\s[:cntrl:]]+\.[^@\s[:cntrl:]]+$' AND char_length(email) <= 320), 
	CONSTRAINT users_username_check CHECK (username ~ '^[^@\s[:cntrl:]]+$' AND char_length(username) BETWEEN 1 AND 100), 
	CONSTRAINT users_role_check CHECK (role IN ('user', 'creator', 'support', 'admin')), 
	CONSTRAINT users_status_check CHECK (status IN ('active', 'suspended')), 
	CONSTRAINT users_suspended_reason_check CHECK (status = 'suspended' OR suspended_reason IS NULL), 
	CONSTRAINT users_billing_anchor_day_check CHECK (billing_anchor_day BETWEEN 1 AND 31), 
	CONSTRAINT users_daily_budget_check CHECK (daily_budget >= 0), 
	CONSTRAINT users_metadata_check CHECK (jsonb_typeof(metadata) = 'object'), 
	CONSTRAINT users_erased_check CHECK (erased_at IS NULL OR deleted_at IS NOT NULL)
);

CREATE INDEX users_created_at_id_idx ON agentadm.users (created_at, id);

CREATE INDEX users_deleted_email_idx ON agentadm.users (lower(email)) WHERE deleted_at IS NOT NULL;

CREATE UNIQUE INDEX users_email_key ON agentadm.users (lower(email)) WHERE deleted_at IS NULL;

CREATE INDEX users_id_ending_idx ON agentadm.users ("right"(id::text, 8));

CREATE UNIQUE INDEX users_username_key ON agentadm.users (lower(username));

COMMENT ON TABLE agentadm.users IS 'People who use the platform';

COMMENT ON COLUMN agentadm.users.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.users.email IS 'NULL for imported users until they are synced';

COMMENT ON COLUMN agentadm.users.email_verified IS 'Whether the address was confirmed';

COMMENT ON COLUMN agentadm.users.username IS 'Public name, unique whatever its case';

COMMENT ON COLUMN agentadm.users.first_name IS 'Given name';

COMMENT ON COLUMN agentadm.users.last_name IS 'Family name';

COMMENT ON COLUMN agentadm.users.full_name IS 'Name as the person writes it';

COMMENT ON COLUMN agentadm.users.avatar_url IS 'Picture';

COMMENT ON COLUMN agentadm.users.role IS 'user, creator, support or admin of the platform';

COMMENT ON COLUMN agentadm.users.status IS 'active or suspended';

COMMENT ON COLUMN agentadm.users.suspended_reason IS 'Why the user was suspended';

COMMENT ON COLUMN agentadm.users.stripe_customer_id IS 'Customer at Stripe (cus_...)';

COMMENT ON COLUMN agentadm.users.stripe_connect_account_id IS 'Connect account at Stripe (acct_...)';

COMMENT ON COLUMN agentadm.users.billing_anchor_day IS 'Day on which a period begins; 31 means the month''s last day';

COMMENT ON COLUMN agentadm.users.default_llm_provider IS 'Provider of new agents';

COMMENT ON COLUMN agentadm.users.daily_budget IS 'Infrastructure cost in USD allowed a day; NULL is unlimited';

COMMENT ON COLUMN agentadm.users.onboarding_completed IS 'Whether the first steps were done';

COMMENT ON COLUMN agentadm.users.last_login_at IS 'Last sign-in; not audited';

COMMENT ON COLUMN agentadm.users.metadata IS 'What the platform keeps beside the columns';

COMMENT ON COLUMN agentadm.users.deleted_at IS 'When the user was deleted';

COMMENT ON COLUMN agentadm.users.erased_at IS 'When the personal data was erased';

COMMENT ON COLUMN agentadm.users.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.users.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.identities (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	user_id UUID NOT NULL, 
	provider TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT identities_pkey PRIMARY KEY (id), 
	CONSTRAINT identities_provider_subject_key UNIQUE (provider, subject), 
	CONSTRAINT identities_provider_check CHECK (provider ~ '^[a-z][a-z0-9_]*$'), 
	CONSTRAINT identities_subject_check CHECK (subject <> ''), 
	CONSTRAINT identities_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX identities_subject_idx ON agentadm.identities (subject);

CREATE INDEX identities_user_id_idx ON agentadm.identities (user_id);

COMMENT ON TABLE agentadm.identities IS 'A user''s identities at sign-in and payment providers';

COMMENT ON COLUMN agentadm.identities.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.identities.user_id IS 'Whose it is';

COMMENT ON COLUMN agentadm.identities.provider IS 'clerk, stack_auth, supabase, razorpay, ...';

COMMENT ON COLUMN agentadm.identities.subject IS 'The user''s id at that provider';

COMMENT ON COLUMN agentadm.identities.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.identities.updated_at IS 'When the row last changed';

SELECT agentadm.seal_off('agentadm.audit_changes');

SELECT agentadm.equip_partition('agentadm.audit_changes', 'agentadm.audit_changes_default');

ALTER TABLE agentadm.audit_changes ENABLE ROW LEVEL SECURITY;

SELECT agentadm.seal_off('agentadm.audit_seals');

ALTER TABLE agentadm.audit_seals ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.chunk_progress FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.chunk_progress ENABLE ROW LEVEL SECURITY;

ALTER TABLE agentadm.idempotency_keys ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.installation', '{digest_key}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.installation FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.installation ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.job_runs FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.job_runs ENABLE ROW LEVEL SECURITY;

SELECT agentadm.seal_off('agentadm.operation_continuations');

ALTER TABLE agentadm.operation_continuations ENABLE ROW LEVEL SECURITY;

SELECT agentadm.seal_off('agentadm.operations');

SELECT agentadm.equip_partition('agentadm.operations', 'agentadm.operations_default');

ALTER TABLE agentadm.operations ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.provider_intents', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.provider_intents FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.provider_intents ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.users', '{}', '{last_login_at}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.users FOR EACH ROW WHEN (NOT (NEW.last_login_at IS DISTINCT FROM OLD.last_login_at)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.users FOR EACH ROW WHEN (NEW.last_login_at IS DISTINCT FROM OLD.last_login_at) EXECUTE FUNCTION agentadm.touch_updated_at('{last_login_at}');

ALTER TABLE agentadm.users ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.identities', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.identities FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.identities ENABLE ROW LEVEL SECURITY;

-- Row-level security. The owner passes; operators see what their privileges allow; a tenant sees its own.

CREATE POLICY operators ON agentadm.users USING ((SELECT agentadm.is_operator()));
CREATE POLICY own_row ON agentadm.users USING (id = (SELECT agentadm.current_user_id()));
CREATE POLICY operators ON agentadm.identities USING ((SELECT agentadm.is_operator()));
CREATE POLICY own_rows ON agentadm.identities FOR SELECT USING (user_id = (SELECT agentadm.current_user_id()));
CREATE POLICY operators ON agentadm.installation USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.operations USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.operation_continuations USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.idempotency_keys USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.chunk_progress USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.provider_intents USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.audit_changes USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.audit_seals USING ((SELECT agentadm.is_operator()));
CREATE POLICY operators ON agentadm.job_runs USING ((SELECT agentadm.is_operator()));

SELECT agentadm.ensure_partitions(3);

SELECT agentadm.make_roles();

SELECT agentadm.grant_privileges();


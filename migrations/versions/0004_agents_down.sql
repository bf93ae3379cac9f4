SET LOCAL check_function_bodies = off;

DO $$
DECLARE
    role_name text;
BEGIN
    FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'agentadm\_%' AND rolname <> current_user LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA agentadm FROM %I', role_name);
    END LOOP;
END
$$;

DROP VIEW agentadm.agent_stats, agentadm.user_usage_summary;

DROP TABLE agentadm.ai_models, agentadm.key_material, agentadm.plans, agentadm.agents, agentadm.limit_overrides,
    agentadm.workflows, agentadm.agent_configurations, agentadm.agent_instances, agentadm.agent_plans,
    agentadm.agent_skills, agentadm.agent_versions, agentadm.api_keys, agentadm.error_logs,
    agentadm.workflow_schedules, agentadm.workflow_triggers, agentadm.workflow_versions, agentadm.crew_instances,
    agentadm.runs, agentadm.ssh_configs, agentadm.subscriptions CASCADE;

DROP FUNCTION agentadm.columns_but, agentadm.living_holders, agentadm.customer_of_team, agentadm.subscription_grants,
    agentadm.plan_of, agentadm.agent_plan_of, agentadm.limit_chain, agentadm.effective_limit, agentadm.period_start,
    agentadm.current_period_start, agentadm.runs_used, agentadm.may_say, agentadm.is_undoing,
    agentadm.check_status_edge, agentadm.is_graph, agentadm.count_agents, agentadm.count_workflows,
    agentadm.refuse_above_limit, agentadm.next_agent_version, agentadm.next_workflow_version, agentadm.changed_by,
    agentadm.keep_agent_versions, agentadm.keep_workflow_versions, agentadm.make_own_instances,
    agentadm.delete_with_agent, agentadm.note_last_run, agentadm.agent_contacts, agentadm.trigger_key_version,
    agentadm.model_key_version, agentadm.bcrypt_candidates, agentadm.inputs_digest, agentadm.refuse_dead_pepper,
    agentadm.endpoint_needs, agentadm.limit_used, agentadm.told, agentadm.request_rules, agentadm.verify_key,
    agentadm.encrypted_values;

DROP TRIGGER audit_insert ON agentadm.teams;
DROP TRIGGER audit_update ON agentadm.teams;
DROP TRIGGER audit_delete ON agentadm.teams;
DROP TRIGGER note_cascade ON agentadm.teams;
DROP TRIGGER refuse_truncate ON agentadm.teams;
DROP TRIGGER refuse_key_change ON agentadm.teams;
DROP TRIGGER touch_updated_at ON agentadm.teams;
DROP TRIGGER touch_updated_at_beside ON agentadm.teams;

DROP INDEX agentadm.users_deleted_idx, agentadm.teams_deleted_idx;

ALTER TABLE agentadm.teams DROP CONSTRAINT teams_agent_count_check, DROP COLUMN agent_count,
    DROP COLUMN personal_agent_count, DROP COLUMN work_agent_count, DROP COLUMN workflow_count;

-- What was there before, as it was.
SELECT agentadm.watch('agentadm.teams', '{}', '{member_count}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.teams FOR EACH ROW WHEN (NOT (NEW.member_count IS DISTINCT FROM OLD.member_count)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.teams FOR EACH ROW WHEN (NEW.member_count IS DISTINCT FROM OLD.member_count) EXECUTE FUNCTION agentadm.touch_updated_at('{member_count}');

-- What each role may do, whole: run again after any change, and after a role was made.
CREATE OR REPLACE FUNCTION agentadm.grant_privileges() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    groups text := (
        SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname) FROM pg_roles r
        WHERE r.rolname IN (
            'agentadm_tenant', 'agentadm_analytics', 'agentadm_support', 'agentadm_billing', 'agentadm_admin'
        )
    );
    role_name text;
    privilege text;
    out_of_reach text;
BEGIN
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA agentadm FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES IN SCHEMA agentadm REVOKE ALL ON FUNCTIONS FROM PUBLIC;
    IF groups IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA agentadm FROM %s', groups);
    FOR role_name, privilege IN
        SELECT r.role_name, p.privilege
        FROM (VALUES
            ('agentadm_tenant', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON FUNCTION agentadm.now(), agentadm.is_production(), agentadm.uuid_v7(), '
                    'agentadm.is_operator(), agentadm.current_user_id(), agentadm.is_platform_admin(), '
                    'agentadm.teams_of_user(text[])',
                'SELECT ON agentadm.users, agentadm.identities, agentadm.teams, agentadm.team_members, '
                    'agentadm.projects, agentadm.crews',
                'UPDATE (username, first_name, last_name, full_name, avatar_url, default_llm_provider, '
                    'onboarding_completed) ON agentadm.users',
                'UPDATE (name, description, logo_url, default_llm_provider) ON agentadm.teams',
                'INSERT (team_id, user_id, role, invited_by), UPDATE (role), DELETE ON agentadm.team_members',
                'INSERT (owner_user_id, owner_team_id, name, description), UPDATE (name, description), DELETE '
                    'ON agentadm.projects',
                'INSERT (project_id, name), UPDATE (name), DELETE ON agentadm.crews'
            ]),
            ('agentadm_analytics', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON FUNCTION agentadm.now(), agentadm.is_production(), agentadm.is_operator(), '
                    'agentadm.current_user_id(), agentadm.is_platform_admin(), agentadm.teams_of_user(text[])',
                'SELECT ON agentadm.users, agentadm.identities, agentadm.teams, agentadm.team_members, agentadm.projects, '
                    'agentadm.crews, agentadm.table_sizes, agentadm.job_runs, agentadm.alembic_version',
                'SELECT (id, environment, production, system_identifier, created_at, updated_at) ON agentadm.installation'
            ]),
            ('agentadm_support', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON ALL FUNCTIONS IN SCHEMA agentadm',
                'SELECT ON ALL TABLES IN SCHEMA agentadm',
                format('INSERT (%1$s), UPDATE (%1$s) ON agentadm.users', (
                    SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a
                    WHERE a.attrelid = 'agentadm.users'::regclass AND a.attnum > 0 AND NOT a.attisdropped
                        -- Money is billing's.
                        AND a.attname <> ALL ('{stripe_customer_id,stripe_connect_account_id,erased_at}')
                )),
                format('INSERT (%1$s), UPDATE (%1$s) ON agentadm.teams', (
                    SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a
                    WHERE a.attrelid = 'agentadm.teams'::regclass AND a.attnum > 0 AND NOT a.attisdropped
                        AND a.attname <> 'member_count'
                )),
                'INSERT, UPDATE, DELETE ON agentadm.identities, agentadm.team_members, agentadm.projects, agentadm.crews',
                'INSERT, UPDATE ON agentadm.idempotency_keys, agentadm.job_runs',
                'INSERT, UPDATE, DELETE ON agentadm.chunk_progress, agentadm.import_rejects'
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
                'INSERT, UPDATE, DELETE ON agentadm.users, agentadm.identities, agentadm.teams, agentadm.team_members, '
                    'agentadm.projects, agentadm.crews',
                'INSERT, UPDATE ON agentadm.idempotency_keys, agentadm.job_runs, agentadm.provider_intents',
                'INSERT, UPDATE, DELETE ON agentadm.chunk_progress, agentadm.import_rejects',
                'INSERT ON agentadm.audit_seals',
                'USAGE ON SEQUENCE agentadm.audit_seq'
            ])
        ) AS r (role_name, privileges)
        CROSS JOIN LATERAL unnest(r.privileges) AS p (privilege)
        WHERE to_regrole(r.role_name) IS NOT NULL
    LOOP
        EXECUTE format('GRANT %s TO %I', privilege, role_name);
    END LOOP;
    -- A trigger function runs with our rights: on a table of somebody's own it would write what that somebody wants. Rows
    -- are reached through the parents, whose policies and triggers hold; never through a partition.
    FOR out_of_reach IN
        SELECT 'FUNCTION ' || p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'agentadm'::regnamespace AND p.prorettype = 'trigger'::regtype
        UNION ALL
        SELECT i.inhrelid::regclass::text FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r' AND c.relnamespace = 'agentadm'::regnamespace
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', out_of_reach, groups);
    END LOOP;
END
$$;

-- Erase a person: overwrite the personal columns of all rows that are about the person, or delete the rows; put marks in
-- the audit's images of those rows; take what names the person out of operations, stored answers, messages and texts that
-- others wrote. The seals of ranges that are touched keep their digest, which the next one is chained to, and get one of
-- what is left. Answers with how many rows of which table were touched.
CREATE OR REPLACE FUNCTION agentadm.erase_person(person uuid, operation uuid) RETURNS TABLE (erased_table text, erased_rows bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    link record;
    free record;
    seal record;
    keys text[];
    found_names text[];
    found_words text[];
    -- By which the person is known: in the columns that name people, and in any column that is personal.
    names text[] := '{}';
    own_words text[] := '{}';
    own_rows text[];
    operations_of_person uuid[] := '{}';
    everywhere text;
    nearby text;
    addresses text;
    strong text;
    touched bigint[] := '{}';
    found_seqs bigint[];
BEGIN
    IF NOT agentadm.is_administrator() THEN
        RAISE EXCEPTION 'erasing a person needs the role agentadm_admin' USING ERRCODE = 'insufficient_privilege';
    END IF;
    own_rows := ARRAY(SELECT r.named_table || '/' || r.row_key FROM agentadm.person_rows(person) r);
    operations_of_person := ARRAY(
        SELECT DISTINCT c.operation_id FROM agentadm.person_rows(person) r
        JOIN agentadm.audit_changes c ON c.table_name = r.named_table AND c.row_key = r.row_key
    );

    FOR link IN
        SELECT p.table_name, p.link_column, p.on_erase, p.erase_unless,
            coalesce(array_agg(p.column_name) FILTER (WHERE p.column_name IS NOT NULL), '{}') AS columns,
            coalesce(array_agg(p.column_name) FILTER (WHERE p.names_person), '{}') AS naming,
            string_agg(format('%I = %s', p.column_name, p.left_behind), ', ') FILTER (WHERE p.column_name IS NOT NULL)
                AS assignments
        FROM agentadm.person_columns() p
        WHERE p.on_erase = 'delete' OR p.column_name IS NOT NULL
        GROUP BY p.table_name, p.link_column, p.via_table, p.on_erase, p.erase_unless
        -- What is found by way of other rows comes first, while those still say whose they are.
        ORDER BY p.via_table IS NULL, p.table_name, p.link_column
    LOOP
        keys := ARRAY(SELECT agentadm.person_keys(person, link.table_name, link.link_column));
        EXECUTE format(
            'SELECT array_agg(DISTINCT s.value #>> ''{}'') FILTER (WHERE v.key = ANY ($3) AND length(s.value #>> ''{}'') > 2), '
            'array_agg(DISTINCT s.value #>> ''{}'') FILTER (WHERE length(s.value #>> ''{}'') > 1) FROM ('
            'SELECT to_jsonb(t) AS image FROM agentadm.%1$I t WHERE t.id = ANY ($1::uuid[]) UNION ALL '
            'SELECT i.image FROM agentadm.audit_changes c CROSS JOIN LATERAL (VALUES (c.before), (c.after)) i (image) '
            'WHERE c.table_name = %1$L AND c.row_key = ANY ($1)) images '
            'CROSS JOIN LATERAL jsonb_each(images.image) v '
            'CROSS JOIN LATERAL jsonb_path_query(v.value, ''strict $.**'') s (value) '
            'WHERE v.key = ANY ($2) AND jsonb_typeof(s.value) IN (''string'', ''number'')', link.table_name
        ) INTO found_names, found_words USING keys, link.columns, link.naming;
        names := names || coalesce(found_names, '{}');
        own_words := own_words || coalesce(found_words, '{}');

        erased_table := link.table_name;
        IF link.on_erase = 'delete' THEN
            EXECUTE format('DELETE FROM agentadm.%I WHERE %I = ANY ($1) AND (%s) IS NOT TRUE',
                link.table_name, link.link_column, coalesce(link.erase_unless, 'false'))
                USING agentadm.person_holders(person, link.table_name, link.link_column);
        ELSE
            -- Also what is nobody's now and once was this person's.
            EXECUTE format('UPDATE agentadm.%1$I SET %2$s WHERE id = ANY ($1::uuid[]) AND (%3$I IS NULL OR %3$I = ANY ($2))',
                link.table_name, link.assignments, link.link_column)
                USING keys, agentadm.person_holders(person, link.table_name, link.link_column);
        END IF;
        GET DIAGNOSTICS erased_rows = ROW_COUNT;
        IF erased_rows > 0 THEN
            RETURN NEXT;
        END IF;

        -- What the audit says of those rows, the changes just made included.
        WITH marked AS (
            UPDATE agentadm.audit_changes c
            SET before = agentadm.erased_image(c.before, link.columns), after = agentadm.erased_image(c.after, link.columns)
            WHERE c.table_name = link.table_name AND c.row_key = ANY (keys)
                AND (c.before ?| link.columns OR c.after ?| link.columns)
            RETURNING c.seq
        )
        SELECT array_agg(m.seq), count(*) INTO found_seqs, erased_rows FROM marked m;
        touched := touched || coalesce(found_seqs, '{}');
        erased_table := 'audit_changes';
        IF erased_rows > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;

    -- A single word that is a name of somebody is a word to everybody else.
    everywhere := agentadm.names_pattern(ARRAY(SELECT n FROM unnest(names) n WHERE n ~ '[^[:alpha:]]' AND length(n) > 4));
    -- A namesake has the same name of two words, but not the same address or id.
    strong := agentadm.names_pattern(ARRAY(SELECT n FROM unnest(names) n WHERE n ~ '[@0-9]' AND length(n) > 4));
    addresses := agentadm.names_pattern(ARRAY(SELECT n FROM unnest(names) n WHERE n ~ '@'));
    nearby := agentadm.names_pattern(names || own_words);

    -- What others wrote in rows that are theirs.
    FOR free IN SELECT f.table_name, f.column_name FROM agentadm.free_texts() f LOOP
        EXECUTE format('UPDATE agentadm.%1$I SET %2$I = agentadm.redacted_text(%2$I, $1) WHERE %2$I ~* $1',
            free.table_name, free.column_name) USING addresses;
        GET DIAGNOSTICS erased_rows = ROW_COUNT;
        erased_table := free.table_name;
        IF erased_rows > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;

    WITH marked AS (
        UPDATE agentadm.operations o
        SET arguments = agentadm.redacted(
                CASE WHEN p.here AND o.arguments ? 'metadata' THEN o.arguments || '{"metadata": "(erased)"}' ELSE o.arguments END,
                CASE WHEN p.here THEN nearby ELSE strong END
            ),
            ticket = agentadm.redacted_text(o.ticket, p.pattern),
            idempotency_key = agentadm.redacted_text(o.idempotency_key, p.pattern),
            reason = CASE WHEN p.alone THEN '(erased)' ELSE agentadm.redacted_text(o.reason, p.pattern) END
        FROM (
            SELECT e.id, e.started_at, near.here, near.pattern,
                -- A reason that was given for this person alone may say anything; that of the erasure itself is proof.
                near.here AND e.id <> operation AND e.reason IS NOT NULL AND NOT EXISTS (
                    SELECT FROM agentadm.audit_changes c
                    WHERE c.operation_id = e.id AND c.table_name || '/' || c.row_key <> ALL (own_rows)
                ) AS alone
            FROM agentadm.operations e
            CROSS JOIN LATERAL (
                SELECT about.here, CASE WHEN about.here THEN nearby ELSE everywhere END AS pattern
                FROM (
                    SELECT e.id = ANY (operations_of_person) OR e.id = operation OR e.arguments::text ~ person::text
                        -- Named by a single word, and nothing was to be changed.
                        OR EXISTS (
                            SELECT FROM jsonb_each(e.arguments) a
                            CROSS JOIN LATERAL jsonb_path_query(a.value, 'strict $.**') leaf (value)
                            WHERE a.key = ANY ('{user,into,owner,member,invited_by,email,username}')
                                AND jsonb_typeof(leaf.value) = 'string'
                                AND lower(leaf.value #>> '{}') = ANY (lower(names::text)::text[])
                        ) AS here
                ) about
            ) near
        ) p
        WHERE o.id = p.id AND o.started_at = p.started_at
            AND (
                p.alone OR o.arguments::text ~* p.pattern OR o.reason ~* p.pattern OR o.ticket ~* p.pattern
                OR o.idempotency_key ~* p.pattern OR p.here AND o.arguments ? 'metadata'
            )
        RETURNING o.seq
    )
    SELECT array_agg(m.seq), count(*) INTO found_seqs, erased_rows FROM marked m;
    touched := touched || coalesce(found_seqs, '{}');
    erased_table := 'operations';
    IF erased_rows > 0 THEN
        RETURN NEXT;
    END IF;

    -- Stored answers go with operations on the person; who asks again is told so. A key is what somebody chose.
    UPDATE agentadm.idempotency_keys k
    SET key = CASE WHEN k.key ~* nearby THEN '(erased) ' || k.id ELSE k.key END,
        result = CASE WHEN k.operation_id = ANY (operations_of_person) THEN '{"erased": true}'::json
            ELSE agentadm.redacted(k.result::jsonb, strong)::json END
    WHERE k.operation_id = ANY (operations_of_person) AND k.result IS NOT NULL OR k.result::text ~* strong
        OR k.key ~* everywhere;
    GET DIAGNOSTICS erased_rows = ROW_COUNT;
    erased_table := 'idempotency_keys';
    IF erased_rows > 0 THEN
        RETURN NEXT;
    END IF;
    UPDATE agentadm.chunk_progress p SET message = '(erased)' WHERE p.message ~* agentadm.names_pattern(names);
    UPDATE agentadm.import_rejects r SET reason = agentadm.redacted_text(r.reason, everywhere) WHERE r.reason ~* everywhere;
    UPDATE agentadm.job_runs j
    SET error = agentadm.redacted_text(j.error, everywhere), result = agentadm.redacted(j.result, everywhere)
    WHERE j.error ~* everywhere OR j.result::text ~* everywhere;
    UPDATE agentadm.provider_intents i
    SET request = agentadm.redacted(i.request, everywhere), answer = agentadm.redacted(i.answer, everywhere),
        error = agentadm.redacted_text(i.error, everywhere)
    WHERE i.request::text ~* everywhere OR i.answer::text ~* everywhere OR i.error ~* everywhere;

    -- Images of rows that are others', those of the changes just made included.
    WITH marked AS (
        UPDATE agentadm.audit_changes c
        SET before = agentadm.redacted_image(c.table_name, c.before, p.pattern),
            after = agentadm.redacted_image(c.table_name, c.after, p.pattern)
        -- Provider intents were just changed by the wider pattern, and so is what is kept of them.
        FROM (VALUES (true, everywhere), (false, strong)) AS p (of_intents, pattern)
        WHERE (c.table_name = 'provider_intents') = p.of_intents
            AND (c.before::text ~* p.pattern OR c.after::text ~* p.pattern)
        RETURNING c.seq
    )
    SELECT array_agg(m.seq), count(*) INTO found_seqs, erased_rows FROM marked m;
    touched := touched || coalesce(found_seqs, '{}');
    erased_table := 'audit_changes';
    IF erased_rows > 0 THEN
        RETURN NEXT;
    END IF;

    FOR seal IN
        SELECT s.id, s.from_seq, s.to_seq, coalesce(lag(s.digest) OVER (ORDER BY s.from_seq), ''::bytea) AS previous
        FROM agentadm.audit_seals s
    LOOP
        IF EXISTS (SELECT FROM unnest(touched) t WHERE t BETWEEN seal.from_seq AND seal.to_seq) THEN
            UPDATE agentadm.audit_seals s
            SET erased_by = operation, erased_digest = d.digest
            FROM agentadm.range_digest(seal.previous, seal.from_seq, seal.to_seq) d
            WHERE s.id = seal.id;
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION agentadm.person_columns() RETURNS TABLE (table_name text, link_column text, via_table text, via_column text, on_erase text, erase_unless text, column_name text, left_behind text, names_person boolean)
    LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'email'::pg_catalog.text, 'NULL'::pg_catalog.text, true),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'email_verified'::pg_catalog.text, 'false'::pg_catalog.text, false),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'username'::pg_catalog.text, 'NULL'::pg_catalog.text, true),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'first_name'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'last_name'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'full_name'::pg_catalog.text, 'NULL'::pg_catalog.text, true),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'avatar_url'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'suspended_reason'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'last_login_at'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('users'::pg_catalog.text, 'id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'metadata'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('users'::pg_catalog.text, 'merged_into_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('identities'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'delete'::pg_catalog.text, NULL::pg_catalog.text, 'subject'::pg_catalog.text, '''(erased)'''::pg_catalog.text, true),
    ('teams'::pg_catalog.text, 'owner_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'slug'::pg_catalog.text, '''erased-'' || right(id::text, 12)'::pg_catalog.text, false),
    ('teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'description'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'logo_url'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('projects'::pg_catalog.text, 'owner_user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('projects'::pg_catalog.text, 'owner_user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'description'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('team_members'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'delete'::pg_catalog.text, 'role = ''owner'''::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('team_members'::pg_catalog.text, 'invited_by'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('crews'::pg_catalog.text, 'project_id'::pg_catalog.text, 'projects'::pg_catalog.text, 'owner_user_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false)
$$;

CREATE OR REPLACE FUNCTION agentadm.free_texts() RETURNS TABLE (table_name text, column_name text)
    LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('users'::pg_catalog.text, 'suspended_reason'::pg_catalog.text),
    ('teams'::pg_catalog.text, 'name'::pg_catalog.text),
    ('teams'::pg_catalog.text, 'description'::pg_catalog.text),
    ('projects'::pg_catalog.text, 'name'::pg_catalog.text),
    ('projects'::pg_catalog.text, 'description'::pg_catalog.text),
    ('crews'::pg_catalog.text, 'name'::pg_catalog.text)
$$;

SELECT agentadm.grant_privileges();

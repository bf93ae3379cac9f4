SET LOCAL check_function_bodies = off;

-- Columns that a known table gets, of which changes are not audited.
ALTER TABLE agentadm.teams
    ADD COLUMN agent_count integer DEFAULT 0 NOT NULL,
    ADD COLUMN personal_agent_count integer DEFAULT 0 NOT NULL,
    ADD COLUMN work_agent_count integer DEFAULT 0 NOT NULL,
    ADD COLUMN workflow_count integer DEFAULT 0 NOT NULL,
    ADD CONSTRAINT teams_agent_count_check CHECK (agent_count <= max_agents);

CREATE INDEX users_deleted_idx ON agentadm.users (created_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX teams_deleted_idx ON agentadm.teams (created_at, id) WHERE deleted_at IS NOT NULL;

DROP TRIGGER audit_insert ON agentadm.teams;
DROP TRIGGER audit_update ON agentadm.teams;
DROP TRIGGER audit_delete ON agentadm.teams;
DROP TRIGGER note_cascade ON agentadm.teams;
DROP TRIGGER refuse_truncate ON agentadm.teams;
DROP TRIGGER refuse_key_change ON agentadm.teams;
DROP TRIGGER touch_updated_at ON agentadm.teams;
DROP TRIGGER touch_updated_at_beside ON agentadm.teams;

-- The columns of a table but for some, as a list for GRANT.
CREATE OR REPLACE FUNCTION agentadm.columns_but(target regclass, left_out text[]) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (left_out)
$$;

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
    hidden_in regclass;
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
                    'agentadm.teams_of_user(text[]), agentadm.is_graph(jsonb, jsonb), agentadm.changed_by(), '
                    'agentadm.is_undoing(), agentadm.may_say(), agentadm.agent_contacts(uuid), '
                    'agentadm.plan_of(uuid, uuid, text), agentadm.subscription_grants(text), '
                    'agentadm.agent_plan_of(uuid, uuid, uuid), agentadm.period_start(integer, timestamptz), '
                    'agentadm.limit_chain(uuid, uuid, uuid, text, timestamptz), '
                    'agentadm.effective_limit(uuid, uuid, uuid, text, timestamptz), '
                    'agentadm.current_period_start(uuid, uuid, timestamptz), '
                    'agentadm.runs_used(uuid, uuid, boolean, timestamptz)',
                'SELECT ON agentadm.users, agentadm.identities, agentadm.teams, agentadm.team_members, '
                    'agentadm.projects, agentadm.crews, agentadm.plans, agentadm.limit_overrides, '
                    'agentadm.subscriptions, agentadm.agents, agentadm.agent_versions, agentadm.agent_skills, '
                    'agentadm.agent_plans, agentadm.agent_configurations, agentadm.agent_instances, '
                    'agentadm.ssh_configs, agentadm.crew_instances, agentadm.runs, agentadm.error_logs, '
                    'agentadm.workflows, agentadm.workflow_versions, agentadm.workflow_schedules, '
                    'agentadm.agent_stats, agentadm.user_usage_summary',
                format('SELECT (%s) ON agentadm.api_keys', agentadm.columns_but('agentadm.api_keys', '{key_hash}')),
                'SELECT (id, name, provider, model_id, is_active, created_at) ON agentadm.ai_models',
                'SELECT (id, workflow_id, type, is_active, last_fired_at, created_at, updated_at) '
                    'ON agentadm.workflow_triggers',
                'INSERT (team_id, name, slug, handle, agent_type, description, icon_url, base_website, custom_website, '
                    'spec_content, spec_metadata, tools, invariants, behavior_examples, onboarding_data, settings, '
                    'llm_provider, model_name, temperature, max_iterations, max_execution_time), '
                    'UPDATE (name, slug, handle, description, icon_url, base_website, custom_website, spec_content, '
                    'spec_metadata, tools, invariants, behavior_examples, onboarding_data, settings, llm_provider, '
                    'model_name, temperature, max_iterations, max_execution_time, status) ON agentadm.agents',
                'INSERT (agent_id, name, description, config), UPDATE (name, description, config), DELETE '
                    'ON agentadm.agent_skills',
                'INSERT (user_id, agent_id, configuration), UPDATE (configuration), DELETE '
                    'ON agentadm.agent_configurations',
                'INSERT (crew_id, instance_id, position), UPDATE (position), DELETE ON agentadm.crew_instances',
                'INSERT (team_id, name, description, nodes, connections, settings, category, tags), '
                    'UPDATE (name, description, nodes, connections, settings, status, is_active, is_public, category, '
                    'tags) ON agentadm.workflows',
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
                    'agentadm.current_user_id(), agentadm.is_platform_admin(), agentadm.teams_of_user(text[]), '
                    'agentadm.customer_of_team(uuid), agentadm.plan_of(uuid, uuid, text), '
                    'agentadm.subscription_grants(text), agentadm.agent_plan_of(uuid, uuid, uuid), '
                    'agentadm.limit_chain(uuid, uuid, uuid, text, timestamptz), '
                    'agentadm.effective_limit(uuid, uuid, uuid, text, timestamptz), '
                    'agentadm.period_start(integer, timestamptz), '
                    'agentadm.current_period_start(uuid, uuid, timestamptz), '
                    'agentadm.runs_used(uuid, uuid, boolean, timestamptz), '
                    'agentadm.limit_used(uuid, uuid, text, timestamptz), agentadm.endpoint_needs(text), '
                    'agentadm.told(timestamptz), '
                    'agentadm.request_rules(uuid, uuid, uuid, text, text, timestamptz, boolean)',
                'SELECT ON agentadm.users, agentadm.identities, agentadm.teams, agentadm.team_members, agentadm.projects, '
                    'agentadm.crews, agentadm.crew_instances, agentadm.plans, agentadm.limit_overrides, '
                    'agentadm.subscriptions, agentadm.agent_plans, agentadm.agent_instances, agentadm.ssh_configs, '
                    'agentadm.error_logs, agentadm.workflow_schedules, agentadm.agent_stats, '
                    'agentadm.user_usage_summary, agentadm.table_sizes, agentadm.job_runs, agentadm.alembic_version',
                -- All rows, but neither secrets nor what people wrote for agents and got from them.
                format('SELECT (%s) ON agentadm.api_keys', agentadm.columns_but('agentadm.api_keys', '{key_hash}')),
                format('SELECT (%s) ON agentadm.agents', agentadm.columns_but('agentadm.agents',
                    '{contact_email,contact_phone,contact_whatsapp,spec_content,spec_metadata,invariants,behavior_examples,'
                    'onboarding_data,settings,generated_code,generated_tests}')),
                format('SELECT (%s) ON agentadm.agent_versions',
                    agentadm.columns_but('agentadm.agent_versions', '{spec_content,generated_code}')),
                format('SELECT (%s) ON agentadm.agent_skills', agentadm.columns_but('agentadm.agent_skills', '{config}')),
                format('SELECT (%s) ON agentadm.agent_configurations',
                    agentadm.columns_but('agentadm.agent_configurations', '{configuration}')),
                format('SELECT (%s) ON agentadm.runs',
                    agentadm.columns_but('agentadm.runs', '{input,output,error,tool_calls,logs}')),
                format('SELECT (%s) ON agentadm.ai_models', agentadm.columns_but('agentadm.ai_models', '{config,api_key}')),
                format('SELECT (%s) ON agentadm.workflows',
                    agentadm.columns_but('agentadm.workflows', '{nodes,connections,settings}')),
                format('SELECT (%s) ON agentadm.workflow_versions',
                    agentadm.columns_but('agentadm.workflow_versions', '{nodes,connections,settings}')),
                format('SELECT (%s) ON agentadm.workflow_triggers',
                    agentadm.columns_but('agentadm.workflow_triggers', '{config}')),
                'SELECT (id, environment, production, system_identifier, created_at, updated_at) ON agentadm.installation'
            ]),
            ('agentadm_support', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON ALL FUNCTIONS IN SCHEMA agentadm',
                'SELECT ON ALL TABLES IN SCHEMA agentadm',
                -- Money is billing's.
                format('INSERT (%1$s), UPDATE (%1$s) ON agentadm.users', agentadm.columns_but('agentadm.users',
                    '{stripe_customer_id,stripe_connect_account_id,erased_at}')),
                format('INSERT (%1$s), UPDATE (%1$s) ON agentadm.teams', agentadm.columns_but('agentadm.teams',
                    '{member_count,agent_count,personal_agent_count,work_agent_count,workflow_count}')),
                'INSERT, UPDATE, DELETE ON agentadm.identities, agentadm.team_members, agentadm.projects, agentadm.crews, '
                    'agentadm.crew_instances, agentadm.limit_overrides, agentadm.api_keys, agentadm.agents, '
                    'agentadm.agent_skills, agentadm.agent_configurations, agentadm.agent_instances, '
                    'agentadm.ssh_configs, agentadm.workflows, agentadm.workflow_triggers, agentadm.workflow_schedules',
                'INSERT, UPDATE ON agentadm.runs',
                'INSERT, UPDATE ON agentadm.idempotency_keys, agentadm.job_runs',
                'INSERT, UPDATE, DELETE ON agentadm.chunk_progress, agentadm.import_rejects'
            ]),
            ('agentadm_billing', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON ALL FUNCTIONS IN SCHEMA agentadm',
                'SELECT ON ALL TABLES IN SCHEMA agentadm',
                'INSERT, UPDATE ON agentadm.idempotency_keys, agentadm.job_runs, agentadm.provider_intents',
                'INSERT, UPDATE, DELETE ON agentadm.plans, agentadm.agent_plans, agentadm.limit_overrides',
                'INSERT, UPDATE ON agentadm.subscriptions',
                'INSERT, UPDATE, DELETE ON agentadm.chunk_progress'
            ]),
            ('agentadm_admin', ARRAY[
                'USAGE ON SCHEMA agentadm',
                'EXECUTE ON ALL FUNCTIONS IN SCHEMA agentadm',
                'SELECT ON ALL TABLES IN SCHEMA agentadm',
                'INSERT, UPDATE, DELETE ON agentadm.users, agentadm.identities, agentadm.teams, agentadm.team_members, '
                    'agentadm.projects, agentadm.crews, agentadm.crew_instances, agentadm.plans, agentadm.limit_overrides, '
                    'agentadm.api_keys, agentadm.agents, agentadm.agent_skills, agentadm.agent_plans, '
                    'agentadm.agent_configurations, agentadm.agent_instances, agentadm.ssh_configs, '
                    'agentadm.ai_models, agentadm.workflows, agentadm.workflow_triggers, agentadm.workflow_schedules',
                'INSERT, UPDATE ON agentadm.runs, agentadm.subscriptions, agentadm.key_material',
                -- Whom they name changes when people are merged.
                'UPDATE (changed_by) ON agentadm.agent_versions, agentadm.workflow_versions',
                'UPDATE (user_id) ON agentadm.error_logs',
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
    -- Secrets are read by administrators only. What others need of them, they ask functions for: see 84_secrets.sql.
    FOR role_name, hidden_in IN
        SELECT r.rolname, c.oid::regclass FROM pg_roles r CROSS JOIN pg_class c
        WHERE r.rolname IN ('agentadm_tenant', 'agentadm_analytics', 'agentadm_support', 'agentadm_billing')
            AND c.relnamespace = 'agentadm'::regnamespace AND c.relkind IN ('r', 'p')
            AND agentadm.secret_columns(c.relname) <> '{}' AND has_table_privilege(r.oid, c.oid, 'SELECT')
    LOOP
        EXECUTE format('REVOKE SELECT ON %s FROM %I', hidden_in, role_name);
        EXECUTE format('GRANT SELECT (%s) ON %s TO %I', agentadm.columns_but(
            hidden_in, agentadm.secret_columns((SELECT c.relname FROM pg_class c WHERE c.oid = hidden_in))
        ), hidden_in, role_name);
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

-- The same for what is still there: rows by way of which others are found must themselves be the person's now. A team
-- that once was personal is that person's for good.
CREATE OR REPLACE FUNCTION agentadm.living_holders(person uuid, named_table text, link text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    via record;
    found_ids uuid[];
BEGIN
    SELECT p.via_table, p.via_column INTO via
        FROM agentadm.person_columns() p WHERE p.table_name = named_table AND p.link_column = link LIMIT 1;
    IF via.via_table IS NULL OR NOT EXISTS (
        SELECT FROM agentadm.person_columns() p
        WHERE p.table_name = via.via_table AND p.link_column = via.via_column AND p.via_table IS NOT NULL
    ) THEN
        RETURN agentadm.person_holders(person, named_table, link);
    END IF;
    EXECUTE format('SELECT array_agg(t.id) FROM agentadm.%I t WHERE t.%I = ANY ($1)', via.via_table, via.via_column)
        INTO found_ids USING agentadm.living_holders(person, via.via_table, via.via_column);
    RETURN coalesce(found_ids, '{}');
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
                USING agentadm.living_holders(person, link.table_name, link.link_column);
        ELSE
            -- Also what is nobody's now and once was this person's.
            EXECUTE format('UPDATE agentadm.%1$I SET %2$s WHERE id = ANY ($1::uuid[]) AND (%3$I IS NULL OR %3$I = ANY ($2))',
                link.table_name, link.assignments, link.link_column)
                USING keys, agentadm.living_holders(person, link.table_name, link.link_column);
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

-- Limits: which plan a customer is on, and what is allowed of anything. A customer is a user, or a team that is not
-- somebody's personal team: what is in a personal team counts for its user.

CREATE OR REPLACE FUNCTION agentadm.customer_of_team(team uuid) RETURNS TABLE (customer_user uuid, customer_team uuid)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT t.personal_of, CASE WHEN t.personal_of IS NULL THEN t.id END FROM agentadm.teams t WHERE t.id = team
$$;

-- Whether a subscription in this state gives what its plan promises. A payment that is late is waited for; one that
-- failed for good, or a trial that ended without one, gives nothing; an incomplete one has not begun.
CREATE OR REPLACE FUNCTION agentadm.subscription_grants(status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT status IN ('trialing', 'active', 'past_due') $$;

-- The plan whose limits hold for a customer: that of the living subscription of the family, else free.
CREATE OR REPLACE FUNCTION agentadm.plan_of(of_user uuid, of_team uuid, of_family text DEFAULT 'platform') RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(
    (
        SELECT s.plan_id FROM agentadm.subscriptions s
        WHERE (s.user_id = of_user OR s.team_id = of_team) AND s.family = of_family
            AND agentadm.subscription_grants(s.status)
    ),
    (SELECT p.id FROM agentadm.plans p WHERE p.id = 'free' AND p.family = of_family)
)
$$;

-- The plan of one agent under which a customer uses it: that of the living subscription, else the agent's free one.
CREATE OR REPLACE FUNCTION agentadm.agent_plan_of(of_user uuid, of_team uuid, of_agent uuid) RETURNS uuid
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(
    (
        SELECT s.agent_plan_id FROM agentadm.subscriptions s
        WHERE (s.user_id = of_user OR s.team_id = of_team) AND s.agent_id = of_agent
            AND agentadm.subscription_grants(s.status)
    ),
    (SELECT p.id FROM agentadm.agent_plans p WHERE p.agent_id = of_agent AND p.code = 'free')
)
$$;

-- How the limit is found, in order; the first that applies decides. A value of NULL is unlimited.
CREATE OR REPLACE FUNCTION agentadm.limit_chain(of_user uuid, of_team uuid, of_agent uuid, wanted text, at timestamptz)
    RETURNS TABLE (place integer, source text, applies boolean, value bigint, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    override record;
    found_plan text;
    found_agent_plan record;
BEGIN
    SELECT o.value, o.reason, o.expires_at, o.expires_at IS NULL OR o.expires_at > at AS holds INTO override
    FROM agentadm.limit_overrides o
    WHERE (o.user_id = of_user OR o.team_id = of_team) AND o.limit_name = wanted;
    RETURN QUERY SELECT 1, 'override', FOUND AND override.holds, override.value,
        CASE WHEN NOT FOUND THEN 'none was granted'
            WHEN override.holds THEN override.reason
            ELSE format('expired at %s: %s', to_char(override.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                override.reason)
        END;

    IF of_agent IS NOT NULL AND wanted IN ('requests_per_day', 'requests_per_minute') THEN
        SELECT p.code, CASE wanted WHEN 'requests_per_day' THEN p.requests_per_day ELSE p.requests_per_minute END AS value
        INTO found_agent_plan
        FROM agentadm.agent_plans p WHERE p.id = agentadm.agent_plan_of(of_user, of_team, of_agent);
        RETURN QUERY SELECT 2, 'agent_plan', FOUND, found_agent_plan.value::bigint,
            coalesce(found_agent_plan.code, 'the agent has no plan for this customer');
    END IF;

    found_plan := agentadm.plan_of(of_user, of_team);
    RETURN QUERY SELECT 3, 'plan', p.id IS NOT NULL,
        CASE wanted
            WHEN 'max_personal_agents' THEN p.max_personal_agents::bigint
            WHEN 'max_work_agents' THEN p.max_work_agents::bigint
            WHEN 'max_total_agents' THEN p.max_total_agents::bigint
            WHEN 'max_workflows' THEN p.max_workflows::bigint
            WHEN 'runs_per_month' THEN p.runs_per_month
            WHEN 'workflow_runs_per_month' THEN p.workflow_runs_per_month
            WHEN 'messages_per_month' THEN p.messages_per_month
            WHEN 'storage_bytes' THEN p.storage_bytes
            WHEN 'requests_per_day' THEN p.requests_per_day::bigint
            WHEN 'requests_per_minute' THEN p.requests_per_minute::bigint
            WHEN 'monthly_credits' THEN p.monthly_credits
        END,
        coalesce(p.id, 'there is no plan, not even free')
    FROM (SELECT) one LEFT JOIN agentadm.plans p ON p.id = found_plan;

    RETURN QUERY SELECT 4, 'refused', true, 0::bigint, 'nothing grants it';
END
$$;

-- The effective limit of anybody for anything, and where it comes from. A value of NULL is unlimited.
CREATE OR REPLACE FUNCTION agentadm.effective_limit(
    of_user uuid, of_team uuid, of_agent uuid, wanted text, at timestamptz DEFAULT agentadm.now()
)
    RETURNS TABLE (source text, value bigint, detail text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT c.source, c.value, c.detail
FROM agentadm.limit_chain(of_user, of_team, of_agent, wanted, at) c
WHERE c.applies ORDER BY c.place LIMIT 1
$$;

-- When the period began in which a moment falls, for who has no subscription: on the anchor day, or on the last day of a
-- month that does not have it; 31 does not drift.
CREATE OR REPLACE FUNCTION agentadm.period_start(anchor_day integer, at timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT max(begun.day::timestamp AT TIME ZONE 'UTC')
FROM generate_series(0, 1) back
CROSS JOIN LATERAL (
    SELECT (date_trunc('month', at AT TIME ZONE 'UTC') - make_interval(months => back))::date AS first_day
) m
CROSS JOIN LATERAL (
    SELECT m.first_day + least(
        anchor_day, extract(day FROM m.first_day + interval '1 month' - interval '1 day')::integer
    ) - 1 AS day
) begun
WHERE begun.day::timestamp AT TIME ZONE 'UTC' <= at
$$;

-- When the month under way of a customer began: of the living subscription, month by month from its period's beginning,
-- so that 31 does not drift; else by the user's anchor day, a team's by its owner's.
CREATE OR REPLACE FUNCTION agentadm.current_period_start(of_user uuid, of_team uuid, at timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(
    (
        SELECT CASE WHEN s.billing_cycle = 'monthly' THEN s.current_period_start ELSE (
            SELECT max(b.begun)
            FROM generate_series(0, 12) n
            CROSS JOIN LATERAL (
                SELECT (s.current_period_start AT TIME ZONE 'UTC' + make_interval(months => n)) AT TIME ZONE 'UTC'
            ) AS b (begun)
            WHERE b.begun <= at
        ) END
        FROM agentadm.subscriptions s
        WHERE (s.user_id = of_user OR s.team_id = of_team) AND s.family = 'platform' AND s.status <> 'cancelled'
            AND s.current_period_start <= at AND s.current_period_end > at
    ),
    (
        SELECT agentadm.period_start(u.billing_anchor_day, at) FROM agentadm.users u
        WHERE u.id = coalesce(of_user, (SELECT t.owner_id FROM agentadm.teams t WHERE t.id = of_team))
    )
)
$$;

-- Runs of a customer that were completed in the month under way, each counted once, when it was completed, for the
-- customer of the team that it ran in.
CREATE OR REPLACE FUNCTION agentadm.runs_used(of_user uuid, of_team uuid, of_workflows boolean, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    since timestamptz := agentadm.current_period_start(of_user, of_team, at);
    counted uuid := coalesce(of_team, (SELECT t.id FROM agentadm.teams t WHERE t.personal_of = of_user));
BEGIN
    RETURN (
        SELECT count(*) FROM agentadm.runs r
        WHERE r.team_id = counted
            AND r.status = 'completed' AND r.completed_at >= since AND r.completed_at <= at
            AND (r.workflow_id IS NOT NULL) = of_workflows
    );
END
$$;

-- Agents, their instances and versions, workflows and runs: what the database keeps of itself.
-- An undo puts rows back as they were, over any edge: it says so by app.undoing.

-- Whether a setting of this session is to be believed: a tenant may set what it likes.
CREATE OR REPLACE FUNCTION agentadm.may_say() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT current_setting('role') IS DISTINCT FROM 'agentadm_tenant'
    AND (agentadm.is_operator() OR agentadm.is_administrator())
$$;

CREATE OR REPLACE FUNCTION agentadm.is_undoing() RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT current_setting('app.undoing', true) = 'on' AND agentadm.may_say() $$;

-- What may follow what. Trigger argument: the table's edges as JSON, from state to states.
CREATE OR REPLACE FUNCTION agentadm.check_status_edge() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    legal jsonb := coalesce(TG_ARGV[0]::jsonb -> OLD.status, '[]');
BEGIN
    IF legal ? NEW.status OR agentadm.is_undoing()
        OR (current_setting('app.deriving', true) = 'on' AND pg_trigger_depth() > 1)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% % is %, and cannot become %', TG_ARGV[1], OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'integrity_constraint_violation', HINT = CASE legal
            WHEN '[]' THEN format('%s is final', OLD.status)
            ELSE format('from %s it can become: %s', OLD.status, (
                SELECT string_agg(s, ', ') FROM jsonb_array_elements_text(legal) s
            ))
        END;
END
$$;

-- Whether connections name nodes that are there: an array of objects, each with an id of its own and a type; and an array
-- of objects with source and target.
CREATE OR REPLACE FUNCTION agentadm.is_graph(nodes jsonb, connections jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
SELECT CASE
    WHEN pg_catalog.jsonb_typeof(nodes) = 'array' AND pg_catalog.jsonb_typeof(connections) = 'array' THEN
        NOT EXISTS (
            SELECT FROM pg_catalog.jsonb_array_elements(nodes) n
            WHERE pg_catalog.jsonb_typeof(n -> 'id') IS DISTINCT FROM 'string'
                OR pg_catalog.jsonb_typeof(n -> 'type') IS DISTINCT FROM 'string'
        )
        AND (
            SELECT pg_catalog.count(*) = pg_catalog.count(DISTINCT n ->> 'id')
            FROM pg_catalog.jsonb_array_elements(nodes) n
        )
        AND NOT EXISTS (
            SELECT FROM pg_catalog.jsonb_array_elements(connections) c
            WHERE NOT EXISTS (
                    SELECT FROM pg_catalog.jsonb_array_elements(nodes) n WHERE n -> 'id' = c -> 'source'
                )
                OR NOT EXISTS (
                    SELECT FROM pg_catalog.jsonb_array_elements(nodes) n WHERE n -> 'id' = c -> 'target'
                )
        )
    ELSE false
END
$$;

-- Counts of a team's living agents: rows that everybody who makes one has to change, so that limits hold at whatever
-- isolation. Personal and work agents count against the limits of the team's customer.
CREATE OR REPLACE FUNCTION agentadm.count_agents() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    moved jsonb;
    team record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT jsonb_agg(m) INTO moved FROM (
            SELECT n.team_id, n.agent_type, count(*) AS agents
            FROM new_rows n WHERE n.deleted_at IS NULL GROUP BY 1, 2
        ) m;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT jsonb_agg(m) INTO moved FROM (
            SELECT o.team_id, o.agent_type, -count(*) AS agents
            FROM old_rows o WHERE o.deleted_at IS NULL GROUP BY 1, 2
        ) m;
    ELSE
        SELECT jsonb_agg(m) INTO moved FROM (
            SELECT r.team_id, r.agent_type, sum(r.one) AS agents
            FROM (
                SELECT n.team_id, n.agent_type, 1 AS one FROM new_rows n WHERE n.deleted_at IS NULL
                UNION ALL
                SELECT o.team_id, o.agent_type, -1 FROM old_rows o WHERE o.deleted_at IS NULL
            ) r
            GROUP BY 1, 2 HAVING sum(r.one) <> 0
        ) m;
    END IF;
    IF moved IS NULL THEN
        RETURN NULL;
    END IF;
    FOR team IN
        UPDATE agentadm.teams t SET agent_count = t.agent_count + m.agents,
            personal_agent_count = t.personal_agent_count + m.personal, work_agent_count = t.work_agent_count + m.work
        FROM (
            SELECT r.team_id, sum(r.agents) AS agents,
                coalesce(sum(r.agents) FILTER (WHERE r.agent_type = 'personal'), 0) AS personal,
                coalesce(sum(r.agents) FILTER (WHERE r.agent_type = 'work'), 0) AS work
            FROM jsonb_to_recordset(moved) AS r (team_id uuid, agent_type text, agents integer)
            GROUP BY 1
        ) m
        WHERE t.id = m.team_id
        RETURNING t.id, t.personal_agent_count, t.work_agent_count, m.personal, m.work
    LOOP
        IF team.personal > 0 THEN
            PERFORM agentadm.refuse_above_limit(team.id, 'max_personal_agents', team.personal_agent_count);
        END IF;
        IF team.work > 0 THEN
            PERFORM agentadm.refuse_above_limit(team.id, 'max_work_agents', team.work_agent_count);
        END IF;
        IF team.personal + team.work > 0 THEN
            PERFORM agentadm.refuse_above_limit(
                team.id, 'max_total_agents', team.personal_agent_count + team.work_agent_count
            );
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentadm.count_workflows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    moved jsonb;
    team record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT jsonb_object_agg(m.team_id, m.workflows) INTO moved FROM (
            SELECT n.team_id, count(*) AS workflows FROM new_rows n WHERE n.deleted_at IS NULL GROUP BY 1
        ) m;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT jsonb_object_agg(m.team_id, m.workflows) INTO moved FROM (
            SELECT o.team_id, -count(*) AS workflows FROM old_rows o WHERE o.deleted_at IS NULL GROUP BY 1
        ) m;
    ELSE
        SELECT jsonb_object_agg(m.team_id, m.workflows) INTO moved FROM (
            SELECT r.team_id, sum(r.one) AS workflows
            FROM (
                SELECT n.team_id, 1 AS one FROM new_rows n WHERE n.deleted_at IS NULL
                UNION ALL
                SELECT o.team_id, -1 FROM old_rows o WHERE o.deleted_at IS NULL
            ) r
            GROUP BY 1 HAVING sum(r.one) <> 0
        ) m;
    END IF;
    IF moved IS NULL THEN
        RETURN NULL;
    END IF;
    FOR team IN
        UPDATE agentadm.teams t SET workflow_count = t.workflow_count + m.value::integer
        FROM jsonb_each(moved) m WHERE t.id = m.key::uuid
        RETURNING t.id, t.workflow_count, m.value::integer AS more
    LOOP
        IF team.more > 0 THEN
            PERFORM agentadm.refuse_above_limit(team.id, 'max_workflows', team.workflow_count);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- Raise an error when a team's customer would have more of something than its limit. The caller holds the team's row.
CREATE OR REPLACE FUNCTION agentadm.refuse_above_limit(team uuid, wanted text, number bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    customer record;
    allowed record;
BEGIN
    SELECT * INTO customer FROM agentadm.customer_of_team(team);
    SELECT * INTO allowed
    FROM agentadm.effective_limit(customer.customer_user, customer.customer_team, NULL, wanted) l;
    IF number > allowed.value THEN
        RAISE EXCEPTION '% % may have % % (% %), and would have %',
            CASE WHEN customer.customer_user IS NULL THEN 'team' ELSE 'user' END,
            coalesce(customer.customer_user, customer.customer_team),
            allowed.value, replace(regexp_replace(wanted, '^max_', ''), '_', ' '), allowed.source, allowed.detail, number
            USING ERRCODE = 'integrity_constraint_violation',
                HINT = format('agentadm limits show %s %s; an exception is granted with: agentadm limits set',
                    CASE WHEN customer.customer_user IS NULL THEN '--team' ELSE '--user' END,
                    coalesce(customer.customer_user, customer.customer_team));
    END IF;
END
$$;

-- A change of what is versioned makes the next version; an undo brings an earlier one back.
CREATE OR REPLACE FUNCTION agentadm.next_agent_version() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF agentadm.is_undoing() THEN
        RETURN NEW;
    END IF;
    NEW.spec_version := 1 + greatest(OLD.spec_version, (
        SELECT max(v.version) FROM agentadm.agent_versions v WHERE v.agent_id = NEW.id
    ));
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION agentadm.next_workflow_version() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF agentadm.is_undoing() THEN
        RETURN NEW;
    END IF;
    NEW.version := 1 + greatest(OLD.version, (
        SELECT max(v.version) FROM agentadm.workflow_versions v WHERE v.workflow_id = NEW.id
    ));
    RETURN NEW;
END
$$;

-- Who changed it and why come as settings of the transaction: app.changed_by, app.change_notes.
CREATE OR REPLACE FUNCTION agentadm.changed_by() RETURNS uuid
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(
    CASE WHEN agentadm.may_say() THEN nullif(current_setting('app.changed_by', true), '')::uuid END,
    agentadm.current_user_id()
)
$$;

CREATE OR REPLACE FUNCTION agentadm.keep_agent_versions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    before text := coalesce(current_setting('app.deriving', true), '');
BEGIN
    IF agentadm.is_undoing() THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('app.deriving', 'on', true);
    IF TG_OP = 'INSERT' THEN
        INSERT INTO agentadm.agent_versions (agent_id, version, spec_content, generated_code, changed_by, change_notes)
        SELECT n.id, n.spec_version, n.spec_content, n.generated_code, coalesce(agentadm.changed_by(), n.created_by),
            nullif(current_setting('app.change_notes', true), '')
        FROM new_rows n;
    ELSE
        INSERT INTO agentadm.agent_versions (agent_id, version, spec_content, generated_code, changed_by, change_notes)
        SELECT n.id, n.spec_version, n.spec_content, n.generated_code, agentadm.changed_by(),
            nullif(current_setting('app.change_notes', true), '')
        FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE o.spec_version <> n.spec_version;
    END IF;
    PERFORM set_config('app.deriving', before, true);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentadm.keep_workflow_versions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    before text := coalesce(current_setting('app.deriving', true), '');
BEGIN
    IF agentadm.is_undoing() THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('app.deriving', 'on', true);
    IF TG_OP = 'INSERT' THEN
        INSERT INTO agentadm.workflow_versions (workflow_id, version, nodes, connections, settings, changed_by, change_notes)
        SELECT n.id, n.version, n.nodes, n.connections, n.settings, coalesce(agentadm.changed_by(), n.user_id),
            nullif(current_setting('app.change_notes', true), '')
        FROM new_rows n;
    ELSE
        INSERT INTO agentadm.workflow_versions (workflow_id, version, nodes, connections, settings, changed_by, change_notes)
        SELECT n.id, n.version, n.nodes, n.connections, n.settings, agentadm.changed_by(),
            nullif(current_setting('app.change_notes', true), '')
        FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE o.version <> n.version;
    END IF;
    PERFORM set_config('app.deriving', before, true);
    RETURN NULL;
END
$$;

-- A personal or work agent has an instance of its own from the beginning.
CREATE OR REPLACE FUNCTION agentadm.make_own_instances() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    before text := coalesce(current_setting('app.deriving', true), '');
BEGIN
    IF agentadm.is_undoing() THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('app.deriving', 'on', true);
    INSERT INTO agentadm.agent_instances (user_id, agent_id, origin)
    SELECT coalesce(t.personal_of, n.created_by, t.owner_id), n.id, 'own'
    FROM new_rows n JOIN agentadm.teams t ON t.id = n.team_id
    WHERE n.agent_type IN ('personal', 'work') AND n.deleted_at IS NULL;
    PERFORM set_config('app.deriving', before, true);
    RETURN NULL;
END
$$;

-- Deleting an agent destroys its instances; restoring it brings back exactly those.
CREATE OR REPLACE FUNCTION agentadm.delete_with_agent() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    before text := coalesce(current_setting('app.deriving', true), '');
BEGIN
    PERFORM set_config('app.deriving', 'on', true);
    UPDATE agentadm.agent_instances i
    SET status = CASE WHEN n.deleted_at IS NULL THEN i.status_before ELSE 'destroyed' END,
        status_before = CASE WHEN n.deleted_at IS NULL THEN NULL ELSE i.status END
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE i.agent_id = n.id AND (n.deleted_at IS NULL) <> (o.deleted_at IS NULL)
        AND CASE WHEN n.deleted_at IS NULL THEN i.status_before IS NOT NULL ELSE i.status <> 'destroyed' END;
    PERFORM set_config('app.deriving', before, true);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentadm.note_last_run() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    UPDATE agentadm.agents a SET last_run_at = n.newest
    FROM (SELECT r.agent_id, max(r.created_at) AS newest FROM new_rows r WHERE r.agent_id IS NOT NULL GROUP BY 1) n
    WHERE a.id = n.agent_id AND (a.last_run_at IS NULL OR a.last_run_at < n.newest);
    RETURN NULL;
END
$$;

-- What is secret is read by administrators only. Others ask here for what they need of it, and get no more. No
-- setting of a session but the one that row-level security trusts is heeded here.

-- The contacts of one agent, encrypted, to be revealed: to operators, and to whoever sees the agent as one of its team.
CREATE OR REPLACE FUNCTION agentadm.agent_contacts(of_agent uuid)
    RETURNS TABLE (contact_email text, contact_phone text, contact_whatsapp text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT a.contact_email, a.contact_phone, a.contact_whatsapp
FROM agentadm.agents a
WHERE a.id = of_agent AND (
    agentadm.is_operator() OR agentadm.is_platform_admin()
    OR current_setting('role') IS DISTINCT FROM 'agentadm_tenant' AND agentadm.is_administrator()
    OR a.team_id = ANY (agentadm.teams_of_user('{owner,admin,member,viewer}'))
)
$$;

-- With which version of the encryption key the configuration of a trigger is encrypted; NULL where it has none.
CREATE OR REPLACE FUNCTION agentadm.trigger_key_version(of_trigger uuid) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT split_part(t.config, ':', 1)::integer FROM agentadm.workflow_triggers t WHERE t.id = of_trigger $$;

-- The same of the key of a model.
CREATE OR REPLACE FUNCTION agentadm.model_key_version(of_model uuid) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT split_part(m.api_key, ':', 1)::integer FROM agentadm.ai_models m WHERE m.id = of_model $$;

-- The hashes of keys that bcrypt has hashed and that begin so. With none that begins so, another's: to compare with it
-- takes as long. What is under a pepper does not come out.
CREATE OR REPLACE FUNCTION agentadm.bcrypt_candidates(beginnings text[]) RETURNS TABLE (key_hash text, begins_so boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
(SELECT k.key_hash, true FROM agentadm.api_keys k
 WHERE k.hash_version = 'bcrypt' AND k.display_start = ANY (beginnings))
UNION ALL
(SELECT k.key_hash, false FROM agentadm.api_keys k WHERE k.hash_version = 'bcrypt' LIMIT 1)
$$;

-- An HMAC-SHA-256 of what tells the inputs of operations apart, with the key of the installation, which stays here.
CREATE OR REPLACE FUNCTION agentadm.inputs_digest(message bytea) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT encode(sha256(outer_pad || sha256(inner_pad || message)), 'hex')
FROM (
    SELECT string_agg(set_byte(decode('00', 'hex'), 0, k.octet # 54), ''::bytea ORDER BY k.place) AS inner_pad,
        string_agg(set_byte(decode('00', 'hex'), 0, k.octet # 92), ''::bytea ORDER BY k.place) AS outer_pad
    FROM (
        SELECT p.place, CASE WHEN p.place < length(i.digest_key) THEN get_byte(i.digest_key, p.place) ELSE 0 END AS octet
        FROM agentadm.installation i CROSS JOIN generate_series(0, 63) p (place)
    ) k
) pads
$$;

-- API keys: what the database keeps of itself.

-- A key does not come back to life under a pepper that was taken out of use meanwhile: nothing could verify it. Who takes
-- one out of use waits for us, and then counts the key among the living.
CREATE OR REPLACE FUNCTION agentadm.refuse_dead_pepper() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM FROM agentadm.key_material m
    WHERE m.purpose = 'pepper' AND m.version::text = NEW.hash_version AND m.retired_at IS NULL
    FOR SHARE;
    IF NOT FOUND AND NEW.hash_version <> 'bcrypt' THEN
        RAISE EXCEPTION 'key % is hashed with pepper %, which is not in use: nothing would know the key',
            NEW.display_start, NEW.hash_version
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'make a new key: agentadm keys create';
    END IF;
    RETURN NEW;
END
$$;

-- Requests: would one be let through? What enforces and what explains are one function, so that they cannot disagree.

-- What a request needs: a scope, given as such, or found from a method and a path; and the limit that it uses up, where
-- it makes something. /v1/agents/ID/runs is about runs.
CREATE OR REPLACE FUNCTION agentadm.endpoint_needs(endpoint text) RETURNS TABLE (scope text, resource text, uses text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parts text[] := regexp_match(endpoint, '^([A-Za-z]+) +/(?:api/)?(?:v[0-9]+/)?([^?#]*)');
    segments text[];
    known integer;
BEGIN
    IF parts IS NULL THEN
        scope := endpoint;
        resource := split_part(scope, ':', 1);
        RETURN NEXT;
        RETURN;
    END IF;
    segments := regexp_split_to_array(lower(btrim(parts[2], '/')), '/');
    known := greatest(1, array_position(segments, 'runs'));
    resource := replace(segments[known], '-', '_');
    scope := resource || CASE WHEN upper(parts[1]) IN ('GET', 'HEAD', 'OPTIONS') THEN ':read' ELSE ':write' END;
    IF upper(parts[1]) = 'POST' AND known = cardinality(segments) THEN
        uses := CASE
            WHEN resource = 'agents' THEN 'max_total_agents'
            WHEN resource = 'workflows' THEN 'max_workflows'
            WHEN resource = 'runs' AND segments[1] = 'workflows' THEN 'workflow_runs_per_month'
            WHEN resource = 'runs' THEN 'runs_per_month'
        END;
    END IF;
    RETURN NEXT;
END
$$;

-- How much of a limit a customer has used.
CREATE OR REPLACE FUNCTION agentadm.limit_used(of_user uuid, of_team uuid, wanted text, at timestamptz) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT CASE
    WHEN wanted = 'runs_per_month' THEN agentadm.runs_used(of_user, of_team, false, at)
    WHEN wanted = 'workflow_runs_per_month' THEN agentadm.runs_used(of_user, of_team, true, at)
    ELSE coalesce((
        SELECT CASE wanted
            WHEN 'max_personal_agents' THEN t.personal_agent_count
            WHEN 'max_work_agents' THEN t.work_agent_count
            WHEN 'max_total_agents' THEN t.personal_agent_count + t.work_agent_count
            WHEN 'max_workflows' THEN t.workflow_count
        END
        FROM agentadm.teams t WHERE t.personal_of = of_user OR t.id = of_team
    ), CASE WHEN wanted LIKE 'max%' THEN 0 END)
END
$$;

-- A moment as it is told, whatever the session's time zone.
CREATE OR REPLACE FUNCTION agentadm.told(moment timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT pg_catalog.to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- The rules that a request must pass, in order, each with what was found and what was wanted. Whole: all of them that
-- apply, whether or not they pass. Otherwise: the first that refuses, or no row.
-- Every request asks it: without a setting of its own, which would cost an eighth, and with no statement that does not
-- apply. It runs with the caller's rights, and names everything in full.
CREATE OR REPLACE FUNCTION agentadm.request_rules(
    of_user uuid, of_key uuid, of_agent uuid, endpoint text, wanted_environment text, at timestamptz, whole boolean
)
    RETURNS TABLE (rule text, allowed boolean, value text, wanted text, message text)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    f record;
    scope text;
    resource text;
    uses text;
    acting_team uuid;
    team_slug text;
    team record;
    state text;
    granted record;
    used bigint;
    charged boolean := false;
    hired boolean := false;
    customer_user uuid;
    customer_team uuid;
BEGIN
    IF endpoint IS NOT NULL THEN
        SELECT n.scope, n.resource, n.uses INTO scope, resource, uses FROM agentadm.endpoint_needs(endpoint) n;
    END IF;
    SELECT u.id AS user_id, u.status, u.suspended_reason, u.deleted_at,
        k.id AS key_id, k.user_id AS key_user_id, k.revoked_at, k.revoked_reason, k.expires_at,
        k.environment, k.scopes, k.agent_id AS key_agent_id, k.team_id AS key_team_id,
        a.id AS agent_id, a.status AS agent_status, a.deleted_at AS agent_deleted_at, a.agent_type,
        a.team_id AS agent_team_id
    INTO f
    FROM (SELECT) one
    LEFT JOIN agentadm.api_keys k ON k.id = of_key
    LEFT JOIN agentadm.users u ON u.id = coalesce(of_user, k.user_id)
    LEFT JOIN agentadm.agents a ON a.id = coalesce(of_agent, k.agent_id);

    allowed := coalesce(f.status = 'active', false);
    IF whole OR NOT allowed THEN
        rule := 'user_suspended'; value := coalesce(f.status, 'unknown'); wanted := 'active';
        message := CASE WHEN allowed THEN 'the user is active' WHEN f.user_id IS NULL THEN 'there is no such user'
            ELSE 'the user is suspended' || coalesce(': ' || f.suspended_reason, '') END;
        RETURN NEXT;
        IF NOT whole THEN RETURN; END IF;
    END IF;

    allowed := f.deleted_at IS NULL;
    IF whole OR NOT allowed THEN
        rule := 'user_deleted'; value := agentadm.told(f.deleted_at); wanted := NULL;
        message := CASE WHEN allowed THEN 'the user is not deleted' ELSE format('the user was deleted at %s', agentadm.told(f.deleted_at)) END;
        RETURN NEXT;
        IF NOT whole THEN RETURN; END IF;
    END IF;

    IF f.key_id IS NOT NULL THEN
        allowed := f.key_user_id = f.user_id;
        IF whole OR NOT allowed THEN
            rule := 'key_owner'; value := f.key_user_id; wanted := f.user_id;
            message := CASE WHEN allowed THEN 'the key is the user''s' ELSE 'the key is another user''s' END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := f.revoked_at IS NULL OR f.revoked_at > at;
        IF whole OR NOT allowed THEN
            rule := 'key_revoked'; value := agentadm.told(f.revoked_at); wanted := NULL;
            message := CASE WHEN allowed THEN 'the key is not revoked'
                ELSE format('the key was revoked at %s', agentadm.told(f.revoked_at)) || coalesce(': ' || f.revoked_reason, '') END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := f.expires_at IS NULL OR f.expires_at > at;
        IF whole OR NOT allowed THEN
            rule := 'key_expired'; value := agentadm.told(f.expires_at); wanted := 'after ' || agentadm.told(at);
            message := CASE WHEN f.expires_at IS NULL THEN 'the key does not expire'
                WHEN allowed THEN format('the key expires at %s', agentadm.told(f.expires_at))
                ELSE format('the key expired at %s', agentadm.told(f.expires_at)) END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := wanted_environment IS NULL OR f.environment = wanted_environment;
        IF wanted_environment IS NOT NULL AND (whole OR NOT allowed) THEN
            rule := 'key_environment'; value := f.environment; wanted := wanted_environment;
            message := format('the key is for %s', f.environment);
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := scope IS NULL OR scope = ANY (f.scopes);
        IF scope IS NOT NULL AND (whole OR NOT allowed) THEN
            rule := 'key_scope'; value := array_to_string(f.scopes, ' '); wanted := scope;
            message := CASE WHEN allowed THEN format('the key has the scope %s', scope)
                ELSE format('the key does not have the scope %s', scope) END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := f.key_agent_id IS NULL OR coalesce(f.key_agent_id = f.agent_id, false);
        IF f.key_agent_id IS NOT NULL AND (whole OR NOT allowed) THEN
            rule := 'key_agent'; value := f.key_agent_id; wanted := f.agent_id;
            message := CASE WHEN allowed THEN 'the key opens this agent' ELSE 'the key opens another agent only' END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;
    END IF;

    IF of_agent IS NOT NULL AND f.agent_id IS NULL THEN
        rule := 'agent_unknown'; allowed := false; value := of_agent; wanted := NULL;
        message := 'there is no such agent';
        RETURN NEXT;
        RETURN;
    END IF;

    IF f.agent_id IS NOT NULL AND f.agent_type <> 'catalog' THEN
        hired := EXISTS (
            SELECT FROM agentadm.agent_instances i
            WHERE i.agent_id = f.agent_id AND i.user_id = f.user_id AND i.origin = 'hire' AND i.status <> 'destroyed'
        );
    END IF;
    -- A key works for its team, else for that of the agent, unless everybody may use that or the user has hired it.
    acting_team := coalesce(f.key_team_id, CASE WHEN f.agent_type <> 'catalog' AND NOT hired THEN f.agent_team_id END);
    IF acting_team IS NULL THEN
        customer_user := f.user_id;
    ELSE
        SELECT t.slug, t.personal_of, t.deleted_at, m.role INTO team
        FROM agentadm.teams t
        LEFT JOIN agentadm.team_members m ON m.team_id = t.id AND m.user_id = f.user_id
        WHERE t.id = acting_team;
        team_slug := team.slug;
        customer_user := team.personal_of;
        customer_team := CASE WHEN team.personal_of IS NULL THEN acting_team END;

        allowed := team.deleted_at IS NULL;
        IF whole OR NOT allowed THEN
            rule := 'team_deleted'; value := agentadm.told(team.deleted_at); wanted := NULL;
            message := CASE WHEN allowed THEN format('team %s is not deleted', team.slug)
                ELSE format('team %s was deleted at %s', team.slug, agentadm.told(team.deleted_at)) END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := team.role IS NOT NULL;
        IF whole OR NOT allowed THEN
            rule := 'team_membership'; value := team.role; wanted := 'owner admin member viewer';
            message := CASE WHEN allowed THEN format('the user is %s of team %s', team.role, team.slug)
                ELSE format('the user is not a member of team %s', team.slug) END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := scope IS NULL OR scope NOT LIKE '%:write' OR coalesce(team.role, '') <> 'viewer';
        IF scope LIKE '%:write' AND (whole OR NOT allowed) THEN
            rule := 'team_role'; value := team.role; wanted := 'owner admin member';
            message := CASE WHEN allowed THEN 'the role may write' ELSE 'a viewer may only read' END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;
    END IF;

    IF f.agent_id IS NOT NULL THEN
        allowed := f.agent_type = 'catalog' OR hired OR coalesce(f.agent_team_id = acting_team, false);
        IF whole OR NOT allowed THEN
            rule := 'agent_team'; value := f.agent_team_id; wanted := acting_team;
            message := CASE WHEN f.agent_type = 'catalog' THEN 'everybody may use the agent'
                WHEN hired THEN 'the user has hired the agent' WHEN allowed THEN 'the agent is the team''s'
                ELSE format('the agent is of another team than %s, for which the key works', team_slug) END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        allowed := f.agent_deleted_at IS NULL;
        IF whole OR NOT allowed THEN
            rule := 'agent_deleted'; value := agentadm.told(f.agent_deleted_at); wanted := NULL;
            message := CASE WHEN allowed THEN 'the agent is not deleted'
                ELSE format('the agent was deleted at %s', agentadm.told(f.agent_deleted_at)) END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;

        -- One that is not active can still be read and changed.
        allowed := f.agent_status = 'active' OR coalesce(resource = 'agents', false);
        IF whole OR NOT allowed THEN
            rule := 'agent_status'; value := f.agent_status; wanted := 'active';
            message := format('the agent is %s', f.agent_status);
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;
    END IF;

    IF customer_team IS NULL THEN
        SELECT s.status INTO state FROM agentadm.subscriptions s
        WHERE s.user_id = customer_user AND s.family = 'platform' AND s.status <> 'cancelled';
    ELSE
        SELECT s.status INTO state FROM agentadm.subscriptions s
        WHERE s.team_id = customer_team AND s.family = 'platform' AND s.status <> 'cancelled';
    END IF;
    allowed := coalesce(state NOT IN ('paused', 'unpaid'), true);
    IF whole OR NOT allowed THEN
        rule := 'subscription'; value := state; wanted := 'trialing active past_due';
        message := CASE WHEN state IS NULL THEN 'there is no subscription: the free plan holds'
            WHEN state = 'incomplete' THEN 'the subscription has not begun: the free plan holds'
            ELSE format('the subscription is %s', state) END;
        RETURN NEXT;
        IF NOT whole THEN RETURN; END IF;
    END IF;

    IF f.agent_id IS NOT NULL THEN
        SELECT s.status INTO state FROM agentadm.subscriptions s
        WHERE (s.user_id = customer_user OR s.team_id = customer_team) AND s.agent_id = f.agent_id
            AND s.status <> 'cancelled';
        allowed := coalesce(state NOT IN ('paused', 'unpaid'), true) AND (
            agentadm.agent_plan_of(customer_user, customer_team, f.agent_id) IS NOT NULL
            OR NOT EXISTS (SELECT FROM agentadm.agent_plans p WHERE p.agent_id = f.agent_id)
        );
        IF whole OR NOT allowed THEN
            rule := 'agent_subscription'; value := state; wanted := 'trialing active past_due';
            message := CASE WHEN state IS NOT NULL AND state <> 'incomplete' THEN
                    format('the subscription to the agent is %s', state)
                WHEN allowed THEN 'the agent can be used without a subscription'
                ELSE 'the agent has no free plan, and there is no subscription to it' END;
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;
    END IF;

    IF uses IS NOT NULL THEN
        SELECT l.source, l.value, l.detail INTO granted
        FROM agentadm.effective_limit(customer_user, customer_team, f.agent_id, uses, at) l;
        used := agentadm.limit_used(customer_user, customer_team, uses, at);
        allowed := granted.value IS NULL OR used < granted.value;
        IF NOT allowed AND granted.source = 'plan' THEN
            -- What is above the plan is charged, where it has a price.
            charged := (
                SELECT CASE uses
                    WHEN 'runs_per_month' THEN p.overage_run WHEN 'workflow_runs_per_month' THEN p.overage_workflow_run
                END IS NOT NULL
                FROM agentadm.plans p WHERE p.id = granted.detail
            );
            allowed := charged;
        END IF;
        IF whole OR NOT allowed THEN
            rule := 'limit_' || uses; value := used; wanted := coalesce('below ' || granted.value, 'unlimited');
            message := format('%s of %s used, by the %s (%s)%s', used, coalesce(granted.value::text, 'unlimited'),
                granted.source, granted.detail, CASE WHEN charged THEN '; what is above is charged' ELSE '' END);
            RETURN NEXT;
            IF NOT whole THEN RETURN; END IF;
        END IF;
    END IF;

    -- What is counted from usage joins here, in this order: the key's quota, requests a minute and a day, the daily
    -- budget, credits.
END
$$;

-- The key that one of some hashes belongs to, and whether a request with it would be let through. Always one row, found by
-- the same steps whether or not there is such a key. With our rights: nobody else needs to read a hash.
CREATE OR REPLACE FUNCTION agentadm.verify_key(
    hashes text[], endpoint text, wanted_environment text, of_agent uuid, at timestamptz DEFAULT agentadm.now()
)
    RETURNS TABLE (
        key_id uuid, hash_version text, display_start text, user_id uuid, team_id uuid, agent_id uuid, allowed boolean,
        rule text, message text
    )
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    hash text;
    k record;
    refusal record;
BEGIN
    -- One by one: a look-up by an array would be planned anew each time. All of them, found or not.
    FOREACH hash IN ARRAY hashes LOOP
        SELECT x.id, x.hash_version, x.display_start, x.user_id, x.team_id, x.agent_id INTO k
        FROM agentadm.api_keys x WHERE x.key_hash = hash;
        IF FOUND THEN
            key_id := k.id; hash_version := k.hash_version; display_start := k.display_start;
            user_id := k.user_id; team_id := k.team_id; agent_id := k.agent_id;
        END IF;
    END LOOP;
    SELECT r.rule, r.message INTO refusal
    FROM agentadm.request_rules(NULL, key_id, of_agent, endpoint, wanted_environment, at, false) r;
    IF key_id IS NULL THEN
        allowed := false; rule := 'key_unknown'; message := 'there is no such key';
    ELSE
        allowed := refusal.rule IS NULL; rule := refusal.rule; message := refusal.message;
    END IF;
    RETURN NEXT;
END
$$;

CREATE TABLE agentadm.ai_models (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	name TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	model_id TEXT NOT NULL, 
	config JSONB DEFAULT '{}' NOT NULL, 
	api_key TEXT, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT ai_models_pkey PRIMARY KEY (id), 
	CONSTRAINT ai_models_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT ai_models_model_id_check CHECK (model_id !~ '[[:cntrl:]]' AND char_length(model_id) BETWEEN 1 AND 200), 
	CONSTRAINT ai_models_provider_check CHECK (provider ~ '^[a-z][a-z0-9_]*$'), 
	CONSTRAINT ai_models_config_check CHECK (jsonb_typeof(config) = 'object'), 
	CONSTRAINT ai_models_api_key_check CHECK (api_key ~ '^[1-9][0-9]*[:]gAAAA')
);

CREATE INDEX ai_models_created_at_id_idx ON agentadm.ai_models (created_at, id);

CREATE INDEX ai_models_id_ending_idx ON agentadm.ai_models ("right"(id::text, 8));

CREATE UNIQUE INDEX ai_models_name_key ON agentadm.ai_models (lower(name));

CREATE INDEX ai_models_provider_idx ON agentadm.ai_models (provider);

COMMENT ON TABLE agentadm.ai_models IS 'Models that agents and conversations may use';

COMMENT ON COLUMN agentadm.ai_models.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.ai_models.name IS 'Name for people, unique whatever its case';

COMMENT ON COLUMN agentadm.ai_models.provider IS 'gemini, groq, openai, anthropic, custom, ...';

COMMENT ON COLUMN agentadm.ai_models.model_id IS 'What the provider calls it';

COMMENT ON COLUMN agentadm.ai_models.config IS 'endpoint, maxTokens, temperature, ...; no secrets';

COMMENT ON COLUMN agentadm.ai_models.api_key IS 'Key at the provider; encrypted';

COMMENT ON COLUMN agentadm.ai_models.is_active IS 'Whether it can be chosen';

COMMENT ON COLUMN agentadm.ai_models.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.ai_models.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.key_material (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	purpose TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	fingerprint TEXT NOT NULL, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT key_material_pkey PRIMARY KEY (id), 
	CONSTRAINT key_material_purpose_version_key UNIQUE (purpose, version), 
	CONSTRAINT key_material_purpose_check CHECK (purpose IN ('pepper', 'encryption')), 
	CONSTRAINT key_material_version_check CHECK (version >= 1), 
	CONSTRAINT key_material_fingerprint_check CHECK (fingerprint ~ '^[0-9a-f]{32}$')
);

COMMENT ON TABLE agentadm.key_material IS 'Peppers and encryption keys, which are kept outside the database';

COMMENT ON COLUMN agentadm.key_material.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.key_material.purpose IS 'pepper, for the hashes of API keys, or encryption, of columns';

COMMENT ON COLUMN agentadm.key_material.version IS 'Counts up from 1; the newest is used for what is new';

COMMENT ON COLUMN agentadm.key_material.fingerprint IS 'Tells whether another is in its place; the key is not in it';

COMMENT ON COLUMN agentadm.key_material.retired_at IS 'When nothing used it any more';

COMMENT ON COLUMN agentadm.key_material.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.key_material.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.plans (
	id TEXT NOT NULL, 
	family TEXT DEFAULT 'platform' NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT, 
	currency CHAR(3) DEFAULT 'USD' NOT NULL, 
	price_monthly BIGINT, 
	price_yearly BIGINT, 
	stripe_product_id TEXT, 
	stripe_price_monthly TEXT, 
	stripe_price_yearly TEXT, 
	max_personal_agents INTEGER, 
	max_work_agents INTEGER, 
	max_total_agents INTEGER, 
	max_workflows INTEGER, 
	runs_per_month BIGINT, 
	workflow_runs_per_month BIGINT, 
	messages_per_month BIGINT, 
	storage_bytes BIGINT, 
	requests_per_day INTEGER, 
	requests_per_minute INTEGER, 
	monthly_credits BIGINT, 
	overage_run BIGINT, 
	overage_workflow_run BIGINT, 
	overage_message BIGINT, 
	overage_gb BIGINT, 
	overage_1000_requests BIGINT, 
	features JSONB DEFAULT '[]' NOT NULL, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT plans_pkey PRIMARY KEY (id), 
	CONSTRAINT plans_id_family_key UNIQUE (id, family), 
	CONSTRAINT plans_id_check CHECK (id ~ '^[a-z0-9]+([_-][a-z0-9]+)*$' AND char_length(id) <= 100), 
	CONSTRAINT plans_family_check CHECK (family ~ '^[a-z0-9]+([_-][a-z0-9]+)*$'), 
	CONSTRAINT plans_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT plans_currency_check CHECK (currency ~ '^[A-Z]{3}$'), 
	CONSTRAINT plans_features_check CHECK (jsonb_typeof(features) = 'array'), 
	CONSTRAINT plans_price_monthly_check CHECK (price_monthly >= 0), 
	CONSTRAINT plans_price_yearly_check CHECK (price_yearly >= 0), 
	CONSTRAINT plans_max_personal_agents_check CHECK (max_personal_agents >= 0), 
	CONSTRAINT plans_max_work_agents_check CHECK (max_work_agents >= 0), 
	CONSTRAINT plans_max_total_agents_check CHECK (max_total_agents >= 0), 
	CONSTRAINT plans_max_workflows_check CHECK (max_workflows >= 0), 
	CONSTRAINT plans_runs_per_month_check CHECK (runs_per_month >= 0), 
	CONSTRAINT plans_workflow_runs_per_month_check CHECK (workflow_runs_per_month >= 0), 
	CONSTRAINT plans_messages_per_month_check CHECK (messages_per_month >= 0), 
	CONSTRAINT plans_storage_bytes_check CHECK (storage_bytes >= 0), 
	CONSTRAINT plans_requests_per_day_check CHECK (requests_per_day >= 0), 
	CONSTRAINT plans_requests_per_minute_check CHECK (requests_per_minute >= 1), 
	CONSTRAINT plans_monthly_credits_check CHECK (monthly_credits >= 0), 
	CONSTRAINT plans_overage_run_check CHECK (overage_run >= 0), 
	CONSTRAINT plans_overage_workflow_run_check CHECK (overage_workflow_run >= 0), 
	CONSTRAINT plans_overage_message_check CHECK (overage_message >= 0), 
	CONSTRAINT plans_overage_gb_check CHECK (overage_gb >= 0), 
	CONSTRAINT plans_overage_1000_requests_check CHECK (overage_1000_requests >= 0)
);

COMMENT ON TABLE agentadm.plans IS 'What the platform sells';

COMMENT ON COLUMN agentadm.plans.id IS 'What the platform calls it: free, pro, enterprise, ...';

COMMENT ON COLUMN agentadm.plans.family IS 'A customer has one living subscription of each family';

COMMENT ON COLUMN agentadm.plans.name IS 'Name for people';

COMMENT ON COLUMN agentadm.plans.description IS 'What it offers, for people';

COMMENT ON COLUMN agentadm.plans.currency IS 'ISO 4217 code of all its prices';

COMMENT ON COLUMN agentadm.plans.price_monthly IS 'Minor units a month; NULL where it is not sold by the month';

COMMENT ON COLUMN agentadm.plans.price_yearly IS 'Minor units a year; NULL where it is not sold by the year';

COMMENT ON COLUMN agentadm.plans.stripe_product_id IS 'Product at Stripe (prod_...)';

COMMENT ON COLUMN agentadm.plans.stripe_price_monthly IS 'Monthly price at Stripe (price_...)';

COMMENT ON COLUMN agentadm.plans.stripe_price_yearly IS 'Yearly price at Stripe (price_...)';

COMMENT ON COLUMN agentadm.plans.max_personal_agents IS 'Personal agents; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.max_work_agents IS 'Work agents; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.max_total_agents IS 'Personal and work agents; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.max_workflows IS 'Workflows; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.runs_per_month IS 'Runs of agents a period; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.workflow_runs_per_month IS 'Runs of workflows a period; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.messages_per_month IS 'Messages a period; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.storage_bytes IS 'Bytes kept; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.requests_per_day IS 'API requests a day; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.requests_per_minute IS 'API requests a minute; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.monthly_credits IS 'Credits granted a period; NULL is unlimited';

COMMENT ON COLUMN agentadm.plans.overage_run IS 'Minor units for each run above the limit; NULL refuses it';

COMMENT ON COLUMN agentadm.plans.overage_workflow_run IS 'Minor units for each workflow run above the limit; NULL refuses it';

COMMENT ON COLUMN agentadm.plans.overage_message IS 'Minor units for each message above the limit; NULL refuses it';

COMMENT ON COLUMN agentadm.plans.overage_gb IS 'Minor units for each GB above the limit; NULL refuses it';

COMMENT ON COLUMN agentadm.plans.overage_1000_requests IS 'Minor units for each 1,000 requests above the limit; NULL refuses them';

COMMENT ON COLUMN agentadm.plans.features IS 'What it offers, for web pages';

COMMENT ON COLUMN agentadm.plans.is_active IS 'Whether it can be subscribed to; a retired one serves who has it';

COMMENT ON COLUMN agentadm.plans.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.plans.updated_at IS 'When the row last changed';

COMMENT ON COLUMN agentadm.teams.agent_count IS 'How many living agents it has; kept by trigger, not audited';

COMMENT ON COLUMN agentadm.teams.personal_agent_count IS 'How many of them are personal; kept by trigger, not audited';

COMMENT ON COLUMN agentadm.teams.work_agent_count IS 'How many of them are work agents; kept by trigger, not audited';

COMMENT ON COLUMN agentadm.teams.workflow_count IS 'How many living workflows it has; kept by trigger, not audited';

CREATE TABLE agentadm.agents (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	team_id UUID NOT NULL, 
	created_by UUID DEFAULT agentadm.current_user_id(), 
	name TEXT NOT NULL, 
	slug TEXT NOT NULL, 
	handle TEXT, 
	agent_type TEXT DEFAULT 'team' NOT NULL, 
	description TEXT, 
	icon_url TEXT, 
	contact_email TEXT, 
	contact_phone TEXT, 
	contact_whatsapp TEXT, 
	base_website TEXT, 
	custom_website TEXT, 
	spec_content TEXT, 
	spec_version INTEGER DEFAULT 1 NOT NULL, 
	spec_metadata JSONB, 
	tools JSONB DEFAULT '[]' NOT NULL, 
	invariants JSONB DEFAULT '[]' NOT NULL, 
	behavior_examples JSONB DEFAULT '[]' NOT NULL, 
	onboarding_data JSONB, 
	settings JSONB DEFAULT '{}' NOT NULL, 
	llm_provider TEXT DEFAULT 'openai' NOT NULL, 
	model_name TEXT DEFAULT 'gpt-4o-mini' NOT NULL, 
	temperature NUMERIC(3, 2) DEFAULT 0.7 NOT NULL, 
	max_iterations INTEGER DEFAULT 15 NOT NULL, 
	max_execution_time INTEGER DEFAULT 120 NOT NULL, 
	generated_code TEXT, 
	generated_tests TEXT, 
	status TEXT DEFAULT 'draft' NOT NULL, 
	last_run_at TIMESTAMP WITH TIME ZONE, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT agents_pkey PRIMARY KEY (id), 
	CONSTRAINT agents_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT agents_slug_check CHECK (slug ~ '^[a-z0-9-]+$' AND char_length(slug) <= 100), 
	CONSTRAINT agents_handle_check CHECK (handle ~ '^[A-Za-z0-9_]+$' AND char_length(handle) <= 64), 
	CONSTRAINT agents_agent_type_check CHECK (agent_type IN ('personal', 'work', 'team', 'catalog')), 
	CONSTRAINT agents_status_check CHECK (status IN ('draft', 'active', 'paused', 'archived')), 
	CONSTRAINT agents_contact_email_check CHECK (contact_email ~ '^[1-9][0-9]*[:]gAAAA'), 
	CONSTRAINT agents_contact_phone_check CHECK (contact_phone ~ '^[1-9][0-9]*[:]gAAAA'), 
	CONSTRAINT agents_contact_whatsapp_check CHECK (contact_whatsapp ~ '^[1-9][0-9]*[:]gAAAA'), 
	CONSTRAINT agents_temperature_check CHECK (temperature BETWEEN 0 AND 2), 
	CONSTRAINT agents_json_check CHECK (jsonb_typeof(tools) = 'array' AND jsonb_typeof(invariants) = 'array' AND jsonb_typeof(behavior_examples) = 'array' AND jsonb_typeof(settings) = 'object'), 
	CONSTRAINT agents_spec_content_check CHECK (octet_length(spec_content) <= 524288), 
	CONSTRAINT agents_description_check CHECK (octet_length(description) <= 524288), 
	CONSTRAINT agents_spec_version_check CHECK (spec_version >= 1), 
	CONSTRAINT agents_max_iterations_check CHECK (max_iterations >= 1), 
	CONSTRAINT agents_max_execution_time_check CHECK (max_execution_time >= 1), 
	CONSTRAINT agents_team_id_fkey FOREIGN KEY(team_id) REFERENCES agentadm.teams (id) DEFERRABLE, 
	CONSTRAINT agents_created_by_fkey FOREIGN KEY(created_by) REFERENCES agentadm.users (id) DEFERRABLE
);

CREATE INDEX agents_created_at_id_idx ON agentadm.agents (created_at, id);

CREATE INDEX agents_created_by_idx ON agentadm.agents (created_by) WHERE created_by IS NOT NULL;

CREATE INDEX agents_deleted_idx ON agentadm.agents (created_at, id) WHERE deleted_at IS NOT NULL;

CREATE UNIQUE INDEX agents_handle_key ON agentadm.agents (lower(handle));

CREATE INDEX agents_id_ending_idx ON agentadm.agents ("right"(id::text, 8));

CREATE INDEX agents_last_run_at_idx ON agentadm.agents (last_run_at);

CREATE INDEX agents_search_idx ON agentadm.agents USING gin (to_tsvector('simple', name || ' ' || coalesce(description, '') || ' ' || coalesce(spec_content, '')));

CREATE INDEX agents_slug_idx ON agentadm.agents (slug);

CREATE INDEX agents_status_idx ON agentadm.agents (status) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX agents_team_id_slug_key ON agentadm.agents (team_id, slug);

CREATE INDEX agents_tools_idx ON agentadm.agents USING gin (tools);

COMMENT ON TABLE agentadm.agents IS 'Definitions of agents';

COMMENT ON COLUMN agentadm.agents.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.agents.team_id IS 'The team that owns it';

COMMENT ON COLUMN agentadm.agents.created_by IS 'Who made it, where that is known';

COMMENT ON COLUMN agentadm.agents.name IS 'Name for people';

COMMENT ON COLUMN agentadm.agents.slug IS 'Name for references, unique in its team: lower case, digits and hyphens';

COMMENT ON COLUMN agentadm.agents.handle IS 'Public @name; a deleted agent keeps it';

COMMENT ON COLUMN agentadm.agents.agent_type IS 'personal, work, team or catalog';

COMMENT ON COLUMN agentadm.agents.description IS 'What it does';

COMMENT ON COLUMN agentadm.agents.icon_url IS 'Picture';

COMMENT ON COLUMN agentadm.agents.contact_email IS 'Its e-mail address; encrypted';

COMMENT ON COLUMN agentadm.agents.contact_phone IS 'Its phone number; encrypted';

COMMENT ON COLUMN agentadm.agents.contact_whatsapp IS 'Its WhatsApp number; encrypted';

COMMENT ON COLUMN agentadm.agents.base_website IS 'Its web page';

COMMENT ON COLUMN agentadm.agents.custom_website IS 'Its web page under a domain of its own';

COMMENT ON COLUMN agentadm.agents.spec_content IS 'The specification, in Markdown';

COMMENT ON COLUMN agentadm.agents.spec_version IS 'Version of specification and code; counted by trigger';

COMMENT ON COLUMN agentadm.agents.spec_metadata IS 'Sections of the specification';

COMMENT ON COLUMN agentadm.agents.tools IS 'Names of the tools that it may use';

COMMENT ON COLUMN agentadm.agents.invariants IS 'What must always hold';

COMMENT ON COLUMN agentadm.agents.behavior_examples IS 'How it is to answer';

COMMENT ON COLUMN agentadm.agents.onboarding_data IS 'Questions and answers of the first steps';

COMMENT ON COLUMN agentadm.agents.settings IS 'Further settings';

COMMENT ON COLUMN agentadm.agents.llm_provider IS 'Provider of its model';

COMMENT ON COLUMN agentadm.agents.model_name IS 'Its model';

COMMENT ON COLUMN agentadm.agents.temperature IS '0 to 2';

COMMENT ON COLUMN agentadm.agents.max_iterations IS 'Steps of a run at most';

COMMENT ON COLUMN agentadm.agents.max_execution_time IS 'Seconds of a run at most';

COMMENT ON COLUMN agentadm.agents.generated_code IS 'Code made from the specification';

COMMENT ON COLUMN agentadm.agents.generated_tests IS 'Tests made from the specification';

COMMENT ON COLUMN agentadm.agents.status IS 'draft, active, paused or archived';

COMMENT ON COLUMN agentadm.agents.last_run_at IS 'When its newest run was made; kept by trigger, not audited';

COMMENT ON COLUMN agentadm.agents.deleted_at IS 'When it was deleted';

COMMENT ON COLUMN agentadm.agents.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.agents.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.limit_overrides (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	user_id UUID, 
	team_id UUID, 
	limit_name TEXT NOT NULL, 
	value BIGINT, 
	reason TEXT NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT limit_overrides_pkey PRIMARY KEY (id), 
	CONSTRAINT limit_overrides_user_id_limit_name_key UNIQUE (user_id, limit_name), 
	CONSTRAINT limit_overrides_team_id_limit_name_key UNIQUE (team_id, limit_name), 
	CONSTRAINT limit_overrides_limit_name_check CHECK (limit_name IN ('max_personal_agents', 'max_work_agents', 'max_total_agents', 'max_workflows', 'runs_per_month', 'workflow_runs_per_month', 'messages_per_month', 'storage_bytes', 'requests_per_day', 'requests_per_minute', 'monthly_credits')), 
	CONSTRAINT limit_overrides_owner_check CHECK (num_nonnulls(user_id, team_id) = 1), 
	CONSTRAINT limit_overrides_reason_check CHECK (reason <> ''), 
	CONSTRAINT limit_overrides_value_check CHECK (value >= 0), 
	CONSTRAINT limit_overrides_rate_check CHECK (limit_name <> 'requests_per_minute' OR value >= 1), 
	CONSTRAINT limit_overrides_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT limit_overrides_team_id_fkey FOREIGN KEY(team_id) REFERENCES agentadm.teams (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX limit_overrides_expires_at_idx ON agentadm.limit_overrides (expires_at) WHERE expires_at IS NOT NULL;

COMMENT ON TABLE agentadm.limit_overrides IS 'Limits that support granted beside the plan''s';

COMMENT ON COLUMN agentadm.limit_overrides.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.limit_overrides.user_id IS 'Whose it is, where it is a user''s';

COMMENT ON COLUMN agentadm.limit_overrides.team_id IS 'Whose it is, where a team''s';

COMMENT ON COLUMN agentadm.limit_overrides.limit_name IS 'Which limit: a column of plans';

COMMENT ON COLUMN agentadm.limit_overrides.value IS 'What is allowed instead; NULL is unlimited';

COMMENT ON COLUMN agentadm.limit_overrides.reason IS 'Why it was granted';

COMMENT ON COLUMN agentadm.limit_overrides.expires_at IS 'From when on it does not hold; NULL is never';

COMMENT ON COLUMN agentadm.limit_overrides.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.limit_overrides.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.workflows (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	team_id UUID NOT NULL, 
	user_id UUID DEFAULT agentadm.current_user_id(), 
	name TEXT NOT NULL, 
	description TEXT, 
	nodes JSONB DEFAULT '[]' NOT NULL, 
	connections JSONB DEFAULT '[]' NOT NULL, 
	settings JSONB DEFAULT '{}' NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	status TEXT DEFAULT 'draft' NOT NULL, 
	is_active BOOLEAN DEFAULT false NOT NULL, 
	is_public BOOLEAN DEFAULT false NOT NULL, 
	category TEXT, 
	tags TEXT[] DEFAULT '{}' NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT workflows_pkey PRIMARY KEY (id), 
	CONSTRAINT workflows_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT workflows_status_check CHECK (status IN ('draft', 'active', 'paused', 'archived')), 
	CONSTRAINT workflows_graph_check CHECK (agentadm.is_graph(nodes, connections)), 
	CONSTRAINT workflows_settings_check CHECK (jsonb_typeof(settings) = 'object'), 
	CONSTRAINT workflows_version_check CHECK (version >= 1), 
	CONSTRAINT workflows_team_id_fkey FOREIGN KEY(team_id) REFERENCES agentadm.teams (id) DEFERRABLE, 
	CONSTRAINT workflows_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE
);

CREATE INDEX workflows_category_idx ON agentadm.workflows (category) WHERE category IS NOT NULL;

CREATE INDEX workflows_created_at_id_idx ON agentadm.workflows (created_at, id);

CREATE INDEX workflows_id_ending_idx ON agentadm.workflows ("right"(id::text, 8));

CREATE INDEX workflows_is_public_idx ON agentadm.workflows (is_public) WHERE is_public;

CREATE INDEX workflows_name_idx ON agentadm.workflows (lower(name));

CREATE INDEX workflows_status_idx ON agentadm.workflows (status);

CREATE INDEX workflows_team_id_idx ON agentadm.workflows (team_id);

CREATE INDEX workflows_user_id_idx ON agentadm.workflows (user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE agentadm.workflows IS 'Automations of nodes and connections';

COMMENT ON COLUMN agentadm.workflows.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.workflows.team_id IS 'The team that owns it';

COMMENT ON COLUMN agentadm.workflows.user_id IS 'Who made it, where that is known';

COMMENT ON COLUMN agentadm.workflows.name IS 'Name for people';

COMMENT ON COLUMN agentadm.workflows.description IS 'What it does';

COMMENT ON COLUMN agentadm.workflows.nodes IS 'Its steps, each with an id and a type';

COMMENT ON COLUMN agentadm.workflows.connections IS 'Which step follows which: source and target name nodes';

COMMENT ON COLUMN agentadm.workflows.settings IS 'Further settings';

COMMENT ON COLUMN agentadm.workflows.version IS 'Version of nodes, connections and settings; counted by trigger';

COMMENT ON COLUMN agentadm.workflows.status IS 'draft, active, paused or archived';

COMMENT ON COLUMN agentadm.workflows.is_active IS 'Whether its triggers and schedules fire';

COMMENT ON COLUMN agentadm.workflows.is_public IS 'Whether everybody may read it';

COMMENT ON COLUMN agentadm.workflows.category IS 'Where it is listed';

COMMENT ON COLUMN agentadm.workflows.tags IS 'Words to find it by';

COMMENT ON COLUMN agentadm.workflows.deleted_at IS 'When it was deleted';

COMMENT ON COLUMN agentadm.workflows.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.workflows.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.agent_configurations (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	user_id UUID NOT NULL, 
	agent_id UUID NOT NULL, 
	configuration JSONB DEFAULT '{}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT agent_configurations_pkey PRIMARY KEY (id), 
	CONSTRAINT agent_configurations_user_id_agent_id_key UNIQUE (user_id, agent_id), 
	CONSTRAINT agent_configurations_configuration_check CHECK (jsonb_typeof(configuration) = 'object'), 
	CONSTRAINT agent_configurations_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) ON DELETE CASCADE DEFERRABLE, 
	CONSTRAINT agent_configurations_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX agent_configurations_agent_id_idx ON agentadm.agent_configurations (agent_id);

COMMENT ON TABLE agentadm.agent_configurations IS 'A user''s own settings of an agent';

COMMENT ON COLUMN agentadm.agent_configurations.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.agent_configurations.user_id IS 'Whose settings they are';

COMMENT ON COLUMN agentadm.agent_configurations.agent_id IS 'For which agent';

COMMENT ON COLUMN agentadm.agent_configurations.configuration IS 'The settings';

COMMENT ON COLUMN agentadm.agent_configurations.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.agent_configurations.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.agent_instances (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	user_id UUID NOT NULL, 
	agent_id UUID NOT NULL, 
	origin TEXT NOT NULL, 
	runtime_provider TEXT, 
	app_name TEXT, 
	machine_id TEXT, 
	volume_id TEXT, 
	region TEXT DEFAULT 'iad' NOT NULL, 
	status TEXT DEFAULT 'provisioning' NOT NULL, 
	status_before TEXT, 
	error_message TEXT, 
	display_name TEXT, 
	model_preference TEXT, 
	metadata JSONB DEFAULT '{}' NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE, 
	stopped_at TIMESTAMP WITH TIME ZONE, 
	last_active_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT agent_instances_pkey PRIMARY KEY (id), 
	CONSTRAINT agent_instances_origin_check CHECK (origin IN ('hire', 'own', 'launch')), 
	CONSTRAINT agent_instances_status_check CHECK (status IN ('provisioning', 'running', 'suspended', 'stopped', 'error', 'destroyed')), 
	CONSTRAINT agent_instances_status_before_check CHECK (status = 'destroyed' OR status_before IS NULL), 
	CONSTRAINT agent_instances_metadata_check CHECK (jsonb_typeof(metadata) = 'object'), 
	CONSTRAINT agent_instances_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT agent_instances_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX agent_instances_agent_id_idx ON agentadm.agent_instances (agent_id);

CREATE INDEX agent_instances_created_at_id_idx ON agentadm.agent_instances (created_at, id);

CREATE UNIQUE INDEX agent_instances_hire_key ON agentadm.agent_instances (user_id, agent_id) WHERE origin = 'hire' AND status <> 'destroyed';

CREATE INDEX agent_instances_id_ending_idx ON agentadm.agent_instances ("right"(id::text, 8));

CREATE INDEX agent_instances_machine_id_idx ON agentadm.agent_instances (machine_id);

CREATE UNIQUE INDEX agent_instances_own_key ON agentadm.agent_instances (agent_id) WHERE origin = 'own' AND status <> 'destroyed';

CREATE INDEX agent_instances_status_idx ON agentadm.agent_instances (status);

CREATE INDEX agent_instances_user_id_idx ON agentadm.agent_instances (user_id);

COMMENT ON TABLE agentadm.agent_instances IS 'Agents that run for somebody';

COMMENT ON COLUMN agentadm.agent_instances.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.agent_instances.user_id IS 'For whom it runs';

COMMENT ON COLUMN agentadm.agent_instances.agent_id IS 'What runs';

COMMENT ON COLUMN agentadm.agent_instances.origin IS 'hire, own or launch';

COMMENT ON COLUMN agentadm.agent_instances.runtime_provider IS 'Where it runs: fly, ...';

COMMENT ON COLUMN agentadm.agent_instances.app_name IS 'Application at that provider';

COMMENT ON COLUMN agentadm.agent_instances.machine_id IS 'Machine at that provider';

COMMENT ON COLUMN agentadm.agent_instances.volume_id IS 'Volume at that provider';

COMMENT ON COLUMN agentadm.agent_instances.region IS 'Region at that provider';

COMMENT ON COLUMN agentadm.agent_instances.status IS 'provisioning, running, suspended, stopped, error or destroyed';

COMMENT ON COLUMN agentadm.agent_instances.status_before IS 'Its status until its agent was deleted, which restoring the agent brings back';

COMMENT ON COLUMN agentadm.agent_instances.error_message IS 'What went wrong';

COMMENT ON COLUMN agentadm.agent_instances.display_name IS 'What its user calls it';

COMMENT ON COLUMN agentadm.agent_instances.model_preference IS 'The model that its user prefers';

COMMENT ON COLUMN agentadm.agent_instances.metadata IS 'What the platform keeps beside the columns';

COMMENT ON COLUMN agentadm.agent_instances.started_at IS 'When it last started';

COMMENT ON COLUMN agentadm.agent_instances.stopped_at IS 'When it last stopped';

COMMENT ON COLUMN agentadm.agent_instances.last_active_at IS 'Last activity; not audited';

COMMENT ON COLUMN agentadm.agent_instances.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.agent_instances.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.agent_plans (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	agent_id UUID NOT NULL, 
	code TEXT NOT NULL, 
	price BIGINT DEFAULT 0 NOT NULL, 
	currency CHAR(3) DEFAULT 'USD' NOT NULL, 
	provider_plan_id TEXT, 
	requests_per_day INTEGER, 
	requests_per_minute INTEGER, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT agent_plans_pkey PRIMARY KEY (id), 
	CONSTRAINT agent_plans_agent_id_code_key UNIQUE (agent_id, code), 
	CONSTRAINT agent_plans_id_agent_id_key UNIQUE (id, agent_id), 
	CONSTRAINT agent_plans_code_check CHECK (code IN ('free', 'monthly', 'yearly')), 
	CONSTRAINT agent_plans_free_check CHECK (code <> 'free' OR price = 0), 
	CONSTRAINT agent_plans_currency_check CHECK (currency ~ '^[A-Z]{3}$'), 
	CONSTRAINT agent_plans_price_check CHECK (price >= 0), 
	CONSTRAINT agent_plans_requests_per_day_check CHECK (requests_per_day >= 0), 
	CONSTRAINT agent_plans_requests_per_minute_check CHECK (requests_per_minute >= 1), 
	CONSTRAINT agent_plans_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) DEFERRABLE
);

COMMENT ON TABLE agentadm.agent_plans IS 'Terms under which one agent is used; who has no living subscription to it is on free';

COMMENT ON COLUMN agentadm.agent_plans.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.agent_plans.agent_id IS 'The agent';

COMMENT ON COLUMN agentadm.agent_plans.code IS 'free, monthly or yearly';

COMMENT ON COLUMN agentadm.agent_plans.price IS 'Minor units a month or a year';

COMMENT ON COLUMN agentadm.agent_plans.currency IS 'ISO 4217 code';

COMMENT ON COLUMN agentadm.agent_plans.provider_plan_id IS 'The plan or price at the payment provider';

COMMENT ON COLUMN agentadm.agent_plans.requests_per_day IS 'Requests a day; NULL is unlimited';

COMMENT ON COLUMN agentadm.agent_plans.requests_per_minute IS 'Requests a minute; NULL is unlimited';

COMMENT ON COLUMN agentadm.agent_plans.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.agent_plans.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.agent_skills (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	agent_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT, 
	config JSONB DEFAULT '{}' NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT agent_skills_pkey PRIMARY KEY (id), 
	CONSTRAINT agent_skills_agent_id_name_key UNIQUE (agent_id, name), 
	CONSTRAINT agent_skills_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT agent_skills_config_check CHECK (jsonb_typeof(config) = 'object'), 
	CONSTRAINT agent_skills_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) ON DELETE CASCADE DEFERRABLE
);

COMMENT ON TABLE agentadm.agent_skills IS 'What an agent has learned';

COMMENT ON COLUMN agentadm.agent_skills.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.agent_skills.agent_id IS 'The agent';

COMMENT ON COLUMN agentadm.agent_skills.name IS 'What the skill is called, unique in the agent';

COMMENT ON COLUMN agentadm.agent_skills.description IS 'What it does';

COMMENT ON COLUMN agentadm.agent_skills.config IS 'Its settings';

COMMENT ON COLUMN agentadm.agent_skills.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.agent_skills.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.agent_versions (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	agent_id UUID NOT NULL, 
	version INTEGER NOT NULL, 
	spec_content TEXT, 
	generated_code TEXT, 
	changed_by UUID, 
	change_notes TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT agent_versions_pkey PRIMARY KEY (id), 
	CONSTRAINT agent_versions_agent_id_version_key UNIQUE (agent_id, version), 
	CONSTRAINT agent_versions_version_check CHECK (version >= 1), 
	CONSTRAINT agent_versions_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) ON DELETE CASCADE DEFERRABLE, 
	CONSTRAINT agent_versions_changed_by_fkey FOREIGN KEY(changed_by) REFERENCES agentadm.users (id) DEFERRABLE
);

CREATE INDEX agent_versions_changed_by_idx ON agentadm.agent_versions (changed_by) WHERE changed_by IS NOT NULL;

COMMENT ON TABLE agentadm.agent_versions IS 'Every specification and code that an agent had; made by trigger';

COMMENT ON COLUMN agentadm.agent_versions.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.agent_versions.agent_id IS 'The agent';

COMMENT ON COLUMN agentadm.agent_versions.version IS 'Counts up from 1';

COMMENT ON COLUMN agentadm.agent_versions.spec_content IS 'The specification of this version';

COMMENT ON COLUMN agentadm.agent_versions.generated_code IS 'The code of this version';

COMMENT ON COLUMN agentadm.agent_versions.changed_by IS 'Which user changed it, where that is known';

COMMENT ON COLUMN agentadm.agent_versions.change_notes IS 'What changed, for people';

COMMENT ON COLUMN agentadm.agent_versions.created_at IS 'When the row was made';

CREATE TABLE agentadm.api_keys (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	user_id UUID NOT NULL, 
	team_id UUID, 
	agent_id UUID, 
	name TEXT NOT NULL, 
	environment TEXT DEFAULT 'live' NOT NULL, 
	key_hash TEXT NOT NULL, 
	display_start TEXT NOT NULL, 
	hash_version TEXT NOT NULL, 
	scopes TEXT[] DEFAULT '{agents:read,agents:write,runs:read,runs:write}' NOT NULL, 
	rate_limit_per_minute INTEGER DEFAULT 60 NOT NULL, 
	quota BIGINT, 
	last_used_at TIMESTAMP WITH TIME ZONE, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	revoked_at TIMESTAMP WITH TIME ZONE, 
	revoked_reason TEXT, 
	rotated_from UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT api_keys_pkey PRIMARY KEY (id), 
	CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash), 
	CONSTRAINT api_keys_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT api_keys_environment_check CHECK (environment IN ('live', 'test')), 
	CONSTRAINT api_keys_key_hash_check CHECK (CASE WHEN hash_version = 'bcrypt' THEN key_hash ~ '^[$]2[aby][$]' ELSE hash_version ~ '^[1-9][0-9]*$' AND key_hash ~ '^[0-9a-f]{64}$' END), 
	CONSTRAINT api_keys_display_start_check CHECK (char_length(display_start) BETWEEN 4 AND 16), 
	CONSTRAINT api_keys_scopes_check CHECK (array_position(scopes, NULL) IS NULL AND array_to_string(scopes, ' ') ~ '^([a-z_]+:[a-z_]+( |$))*$'), 
	CONSTRAINT api_keys_rate_limit_per_minute_check CHECK (rate_limit_per_minute >= 1), 
	CONSTRAINT api_keys_quota_check CHECK (quota >= 0), 
	CONSTRAINT api_keys_revoked_reason_check CHECK (revoked_at IS NOT NULL OR revoked_reason IS NULL), 
	CONSTRAINT api_keys_rotated_from_check CHECK (rotated_from <> id), 
	CONSTRAINT api_keys_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT api_keys_team_id_fkey FOREIGN KEY(team_id) REFERENCES agentadm.teams (id) DEFERRABLE, 
	CONSTRAINT api_keys_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) ON DELETE CASCADE DEFERRABLE, 
	CONSTRAINT api_keys_rotated_from_fkey FOREIGN KEY(rotated_from) REFERENCES agentadm.api_keys (id) ON DELETE SET NULL DEFERRABLE
);

CREATE INDEX api_keys_agent_id_idx ON agentadm.api_keys (agent_id) WHERE agent_id IS NOT NULL;

CREATE INDEX api_keys_created_at_id_idx ON agentadm.api_keys (created_at, id);

CREATE INDEX api_keys_display_start_idx ON agentadm.api_keys (display_start);

CREATE INDEX api_keys_expires_at_idx ON agentadm.api_keys (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

CREATE INDEX api_keys_hash_version_idx ON agentadm.api_keys (hash_version);

CREATE INDEX api_keys_id_ending_idx ON agentadm.api_keys ("right"(id::text, 8));

CREATE INDEX api_keys_rotated_from_idx ON agentadm.api_keys (rotated_from) WHERE rotated_from IS NOT NULL;

CREATE INDEX api_keys_team_id_idx ON agentadm.api_keys (team_id) WHERE team_id IS NOT NULL;

CREATE INDEX api_keys_user_id_created_at_idx ON agentadm.api_keys (user_id, created_at);

COMMENT ON TABLE agentadm.api_keys IS 'API keys; several of one user may be live at once';

COMMENT ON COLUMN agentadm.api_keys.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.api_keys.user_id IS 'Whose it is';

COMMENT ON COLUMN agentadm.api_keys.team_id IS 'The team it works for; NULL for the user''s own';

COMMENT ON COLUMN agentadm.api_keys.agent_id IS 'The only agent it opens';

COMMENT ON COLUMN agentadm.api_keys.name IS 'Name for people';

COMMENT ON COLUMN agentadm.api_keys.environment IS 'live or test';

COMMENT ON COLUMN agentadm.api_keys.key_hash IS 'HMAC-SHA-256 with the pepper of hash_version, in hex; or bcrypt''s';

COMMENT ON COLUMN agentadm.api_keys.display_start IS 'Its first characters, for people';

COMMENT ON COLUMN agentadm.api_keys.hash_version IS 'Version of the pepper, or bcrypt until its first verification';

COMMENT ON COLUMN agentadm.api_keys.scopes IS 'What may be done with it';

COMMENT ON COLUMN agentadm.api_keys.rate_limit_per_minute IS 'Requests a minute';

COMMENT ON COLUMN agentadm.api_keys.quota IS 'Requests over its whole life; NULL is unlimited';

COMMENT ON COLUMN agentadm.api_keys.last_used_at IS 'Last use, to the minute; not audited';

COMMENT ON COLUMN agentadm.api_keys.expires_at IS 'From when on it is refused; NULL is never';

COMMENT ON COLUMN agentadm.api_keys.revoked_at IS 'When it was revoked';

COMMENT ON COLUMN agentadm.api_keys.revoked_reason IS 'Why it was revoked';

COMMENT ON COLUMN agentadm.api_keys.rotated_from IS 'The key it replaces';

COMMENT ON COLUMN agentadm.api_keys.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.api_keys.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.error_logs (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	type TEXT NOT NULL, 
	message TEXT NOT NULL, 
	stack TEXT, 
	user_id UUID, 
	agent_id UUID, 
	run_id UUID, 
	run_created_at TIMESTAMP WITH TIME ZONE, 
	request_path TEXT, 
	request_method TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT error_logs_pkey PRIMARY KEY (id), 
	CONSTRAINT error_logs_run_check CHECK ((run_id IS NULL) = (run_created_at IS NULL)), 
	CONSTRAINT error_logs_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT error_logs_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) ON DELETE SET NULL DEFERRABLE
);

CREATE INDEX error_logs_agent_id_created_at_idx ON agentadm.error_logs (agent_id, created_at);

CREATE INDEX error_logs_created_at_id_idx ON agentadm.error_logs (created_at, id);

CREATE INDEX error_logs_run_id_idx ON agentadm.error_logs (run_id) WHERE run_id IS NOT NULL;

CREATE INDEX error_logs_type_created_at_idx ON agentadm.error_logs (type, created_at);

CREATE INDEX error_logs_user_id_idx ON agentadm.error_logs (user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE agentadm.error_logs IS 'Errors of the platform';

COMMENT ON COLUMN agentadm.error_logs.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.error_logs.type IS 'Kind of the error';

COMMENT ON COLUMN agentadm.error_logs.message IS 'What it said';

COMMENT ON COLUMN agentadm.error_logs.stack IS 'Where in the code';

COMMENT ON COLUMN agentadm.error_logs.user_id IS 'Whose request';

COMMENT ON COLUMN agentadm.error_logs.agent_id IS 'Which agent';

COMMENT ON COLUMN agentadm.error_logs.run_id IS 'Which run (partitioned, so no foreign key)';

COMMENT ON COLUMN agentadm.error_logs.run_created_at IS 'When that run was made';

COMMENT ON COLUMN agentadm.error_logs.request_path IS 'Path of the request';

COMMENT ON COLUMN agentadm.error_logs.request_method IS 'Method of the request';

COMMENT ON COLUMN agentadm.error_logs.created_at IS 'When the row was made';

CREATE TABLE agentadm.workflow_schedules (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	workflow_id UUID NOT NULL, 
	cron TEXT NOT NULL, 
	timezone TEXT DEFAULT 'UTC' NOT NULL, 
	next_run_at TIMESTAMP WITH TIME ZONE, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT workflow_schedules_pkey PRIMARY KEY (id), 
	CONSTRAINT workflow_schedules_workflow_id_cron_timezone_key UNIQUE (workflow_id, cron, timezone), 
	CONSTRAINT workflow_schedules_cron_check CHECK (cron ~ '^\S+( \S+){4}$'), 
	CONSTRAINT workflow_schedules_timezone_check CHECK (timezone ~ '^[A-Za-z0-9_+/-]+$'), 
	CONSTRAINT workflow_schedules_workflow_id_fkey FOREIGN KEY(workflow_id) REFERENCES agentadm.workflows (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX workflow_schedules_id_ending_idx ON agentadm.workflow_schedules ("right"(id::text, 8));

CREATE INDEX workflow_schedules_next_run_at_idx ON agentadm.workflow_schedules (next_run_at) WHERE is_active;

COMMENT ON TABLE agentadm.workflow_schedules IS 'At what times a workflow starts';

COMMENT ON COLUMN agentadm.workflow_schedules.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.workflow_schedules.workflow_id IS 'The workflow';

COMMENT ON COLUMN agentadm.workflow_schedules.cron IS 'When it starts: minute, hour, day, month, weekday';

COMMENT ON COLUMN agentadm.workflow_schedules.timezone IS 'In which time zone, by its IANA name';

COMMENT ON COLUMN agentadm.workflow_schedules.next_run_at IS 'When it starts next; not audited';

COMMENT ON COLUMN agentadm.workflow_schedules.is_active IS 'Whether it starts anything';

COMMENT ON COLUMN agentadm.workflow_schedules.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.workflow_schedules.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.workflow_triggers (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	workflow_id UUID NOT NULL, 
	type TEXT NOT NULL, 
	config TEXT, 
	is_active BOOLEAN DEFAULT true NOT NULL, 
	last_fired_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT workflow_triggers_pkey PRIMARY KEY (id), 
	CONSTRAINT workflow_triggers_type_check CHECK (type ~ '^[a-z][a-z0-9_]*$'), 
	CONSTRAINT workflow_triggers_config_check CHECK (config ~ '^[1-9][0-9]*[:]gAAAA'), 
	CONSTRAINT workflow_triggers_workflow_id_fkey FOREIGN KEY(workflow_id) REFERENCES agentadm.workflows (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX workflow_triggers_id_ending_idx ON agentadm.workflow_triggers ("right"(id::text, 8));

CREATE INDEX workflow_triggers_workflow_id_idx ON agentadm.workflow_triggers (workflow_id);

COMMENT ON TABLE agentadm.workflow_triggers IS 'What starts a workflow';

COMMENT ON COLUMN agentadm.workflow_triggers.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.workflow_triggers.workflow_id IS 'The workflow';

COMMENT ON COLUMN agentadm.workflow_triggers.type IS 'webhook, event, email, ...';

COMMENT ON COLUMN agentadm.workflow_triggers.config IS 'Its settings as JSON; encrypted, for there are secrets in them';

COMMENT ON COLUMN agentadm.workflow_triggers.is_active IS 'Whether it fires';

COMMENT ON COLUMN agentadm.workflow_triggers.last_fired_at IS 'When it last fired; not audited';

COMMENT ON COLUMN agentadm.workflow_triggers.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.workflow_triggers.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.workflow_versions (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	workflow_id UUID NOT NULL, 
	version INTEGER NOT NULL, 
	nodes JSONB NOT NULL, 
	connections JSONB NOT NULL, 
	settings JSONB NOT NULL, 
	changed_by UUID, 
	change_notes TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT workflow_versions_pkey PRIMARY KEY (id), 
	CONSTRAINT workflow_versions_workflow_id_version_key UNIQUE (workflow_id, version), 
	CONSTRAINT workflow_versions_version_check CHECK (version >= 1), 
	CONSTRAINT workflow_versions_workflow_id_fkey FOREIGN KEY(workflow_id) REFERENCES agentadm.workflows (id) ON DELETE CASCADE DEFERRABLE, 
	CONSTRAINT workflow_versions_changed_by_fkey FOREIGN KEY(changed_by) REFERENCES agentadm.users (id) DEFERRABLE
);

CREATE INDEX workflow_versions_changed_by_idx ON agentadm.workflow_versions (changed_by) WHERE changed_by IS NOT NULL;

COMMENT ON TABLE agentadm.workflow_versions IS 'Every graph that a workflow had; made by trigger';

COMMENT ON COLUMN agentadm.workflow_versions.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.workflow_versions.workflow_id IS 'The workflow';

COMMENT ON COLUMN agentadm.workflow_versions.version IS 'Counts up from 1';

COMMENT ON COLUMN agentadm.workflow_versions.nodes IS 'The nodes of this version';

COMMENT ON COLUMN agentadm.workflow_versions.connections IS 'The connections of this version';

COMMENT ON COLUMN agentadm.workflow_versions.settings IS 'The settings of this version';

COMMENT ON COLUMN agentadm.workflow_versions.changed_by IS 'Which user changed it, where that is known';

COMMENT ON COLUMN agentadm.workflow_versions.change_notes IS 'What changed, for people';

COMMENT ON COLUMN agentadm.workflow_versions.created_at IS 'When the row was made';

CREATE TABLE agentadm.crew_instances (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	crew_id UUID NOT NULL, 
	instance_id UUID NOT NULL, 
	position INTEGER NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT crew_instances_pkey PRIMARY KEY (id), 
	CONSTRAINT crew_instances_crew_id_instance_id_key UNIQUE (crew_id, instance_id), 
	CONSTRAINT crew_instances_crew_id_position_key UNIQUE (crew_id, position) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT crew_instances_position_check CHECK (position >= 1), 
	CONSTRAINT crew_instances_crew_id_fkey FOREIGN KEY(crew_id) REFERENCES agentadm.crews (id) ON DELETE CASCADE DEFERRABLE, 
	CONSTRAINT crew_instances_instance_id_fkey FOREIGN KEY(instance_id) REFERENCES agentadm.agent_instances (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX crew_instances_instance_id_idx ON agentadm.crew_instances (instance_id);

COMMENT ON TABLE agentadm.crew_instances IS 'Which instances work in a crew';

COMMENT ON COLUMN agentadm.crew_instances.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.crew_instances.crew_id IS 'The crew';

COMMENT ON COLUMN agentadm.crew_instances.instance_id IS 'Who works in it';

COMMENT ON COLUMN agentadm.crew_instances.position IS 'Its place in the crew, from 1';

COMMENT ON COLUMN agentadm.crew_instances.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.crew_instances.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.runs (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	agent_id UUID, 
	workflow_id UUID, 
	user_id UUID NOT NULL, 
	team_id UUID NOT NULL, 
	instance_id UUID, 
	status TEXT DEFAULT 'queued' NOT NULL, 
	input TEXT, 
	output TEXT, 
	error TEXT, 
	triggered_by TEXT, 
	retry_count INTEGER DEFAULT 0 NOT NULL, 
	retried_from UUID, 
	started_at TIMESTAMP WITH TIME ZONE, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	duration_ms BIGINT, 
	model_used TEXT, 
	tokens_prompt BIGINT, 
	tokens_completion BIGINT, 
	tokens_total BIGINT, 
	cost_usd NUMERIC(18, 6), 
	llm_call_count INTEGER, 
	tool_calls JSONB, 
	logs JSONB, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT runs_pkey PRIMARY KEY (id, created_at), 
	CONSTRAINT runs_status_check CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled', 'timed_out')), 
	CONSTRAINT runs_what_check CHECK (num_nonnulls(agent_id, workflow_id) = 1), 
	CONSTRAINT runs_completed_at_check CHECK (status <> ALL ('{queued,running}') OR completed_at IS NULL), 
	CONSTRAINT runs_completed_check CHECK (status <> 'completed' OR completed_at IS NOT NULL), 
	CONSTRAINT runs_retry_count_check CHECK (retry_count >= 0), 
	CONSTRAINT runs_duration_ms_check CHECK (duration_ms >= 0), 
	CONSTRAINT runs_tokens_prompt_check CHECK (tokens_prompt >= 0), 
	CONSTRAINT runs_tokens_completion_check CHECK (tokens_completion >= 0), 
	CONSTRAINT runs_tokens_total_check CHECK (tokens_total >= 0), 
	CONSTRAINT runs_cost_usd_check CHECK (cost_usd >= 0), 
	CONSTRAINT runs_llm_call_count_check CHECK (llm_call_count >= 0), 
	CONSTRAINT runs_agent_id_fkey FOREIGN KEY(agent_id) REFERENCES agentadm.agents (id) DEFERRABLE, 
	CONSTRAINT runs_workflow_id_fkey FOREIGN KEY(workflow_id) REFERENCES agentadm.workflows (id) DEFERRABLE, 
	CONSTRAINT runs_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT runs_team_id_fkey FOREIGN KEY(team_id) REFERENCES agentadm.teams (id) DEFERRABLE, 
	CONSTRAINT runs_instance_id_fkey FOREIGN KEY(instance_id) REFERENCES agentadm.agent_instances (id) ON DELETE SET NULL DEFERRABLE
)
 PARTITION BY RANGE (created_at);

CREATE TABLE agentadm.runs_default PARTITION OF agentadm.runs DEFAULT;

CREATE INDEX runs_agent_id_created_at_idx ON agentadm.runs (agent_id, created_at);

CREATE INDEX runs_cost_usd_idx ON agentadm.runs (cost_usd);

CREATE INDEX runs_created_at_id_idx ON agentadm.runs (created_at, id);

CREATE INDEX runs_id_ending_idx ON agentadm.runs ("right"(id::text, 8));

CREATE INDEX runs_instance_id_idx ON agentadm.runs (instance_id) WHERE instance_id IS NOT NULL;

CREATE INDEX runs_retried_from_idx ON agentadm.runs (retried_from) WHERE retried_from IS NOT NULL;

CREATE INDEX runs_status_idx ON agentadm.runs (status);

CREATE INDEX runs_team_completed_idx ON agentadm.runs (team_id, completed_at) WHERE status = 'completed';

CREATE INDEX runs_team_id_created_at_idx ON agentadm.runs (team_id, created_at);

CREATE INDEX runs_user_id_created_at_idx ON agentadm.runs (user_id, created_at);

CREATE INDEX runs_workflow_id_created_at_idx ON agentadm.runs (workflow_id, created_at);

COMMENT ON TABLE agentadm.runs IS 'What agents and workflows did';

COMMENT ON COLUMN agentadm.runs.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.runs.created_at IS 'When it was asked for';

COMMENT ON COLUMN agentadm.runs.agent_id IS 'What ran, where it is an agent';

COMMENT ON COLUMN agentadm.runs.workflow_id IS 'What ran, where it is a workflow';

COMMENT ON COLUMN agentadm.runs.user_id IS 'For whom it ran';

COMMENT ON COLUMN agentadm.runs.team_id IS 'In which team';

COMMENT ON COLUMN agentadm.runs.instance_id IS 'On which instance';

COMMENT ON COLUMN agentadm.runs.status IS 'queued, running, completed, failed, cancelled or timed_out';

COMMENT ON COLUMN agentadm.runs.input IS 'What was asked';

COMMENT ON COLUMN agentadm.runs.output IS 'What was answered';

COMMENT ON COLUMN agentadm.runs.error IS 'What went wrong';

COMMENT ON COLUMN agentadm.runs.triggered_by IS 'api, schedule, retry, ...';

COMMENT ON COLUMN agentadm.runs.retry_count IS 'Which attempt it is, from 0';

COMMENT ON COLUMN agentadm.runs.retried_from IS 'Which run it does again (partitioned, so no foreign key)';

COMMENT ON COLUMN agentadm.runs.started_at IS 'When it began';

COMMENT ON COLUMN agentadm.runs.completed_at IS 'When it ended, however';

COMMENT ON COLUMN agentadm.runs.duration_ms IS 'Milliseconds from beginning to end';

COMMENT ON COLUMN agentadm.runs.model_used IS 'Which model';

COMMENT ON COLUMN agentadm.runs.tokens_prompt IS 'Tokens sent to models';

COMMENT ON COLUMN agentadm.runs.tokens_completion IS 'Tokens that models answered';

COMMENT ON COLUMN agentadm.runs.tokens_total IS 'All tokens, as reported';

COMMENT ON COLUMN agentadm.runs.cost_usd IS 'Infrastructure cost in USD';

COMMENT ON COLUMN agentadm.runs.llm_call_count IS 'Calls of models, as reported; used only where no calls are stored';

COMMENT ON COLUMN agentadm.runs.tool_calls IS 'Which tools, and for how long';

COMMENT ON COLUMN agentadm.runs.logs IS 'What it wrote on the way';

COMMENT ON COLUMN agentadm.runs.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.ssh_configs (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	instance_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	vault_ref TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT ssh_configs_pkey PRIMARY KEY (id), 
	CONSTRAINT ssh_configs_instance_id_name_key UNIQUE (instance_id, name), 
	CONSTRAINT ssh_configs_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT ssh_configs_vault_ref_check CHECK (vault_ref !~ '[[:cntrl:]]' AND char_length(vault_ref) BETWEEN 1 AND 500), 
	CONSTRAINT ssh_configs_instance_id_fkey FOREIGN KEY(instance_id) REFERENCES agentadm.agent_instances (id) ON DELETE CASCADE DEFERRABLE
);

COMMENT ON TABLE agentadm.ssh_configs IS 'References to what opens an instance';

COMMENT ON COLUMN agentadm.ssh_configs.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.ssh_configs.instance_id IS 'The instance';

COMMENT ON COLUMN agentadm.ssh_configs.name IS 'Name for people, unique in the instance';

COMMENT ON COLUMN agentadm.ssh_configs.vault_ref IS 'Where in a vault it is; the secret itself is never here';

COMMENT ON COLUMN agentadm.ssh_configs.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.ssh_configs.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.subscriptions (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	user_id UUID, 
	team_id UUID, 
	plan_id TEXT, 
	family TEXT, 
	agent_plan_id UUID, 
	agent_id UUID, 
	provider TEXT NOT NULL, 
	provider_subscription_id TEXT, 
	provider_price_id TEXT, 
	status TEXT DEFAULT 'active' NOT NULL, 
	billing_cycle TEXT DEFAULT 'monthly' NOT NULL, 
	quantity INTEGER DEFAULT 1 NOT NULL, 
	amount BIGINT DEFAULT 0 NOT NULL, 
	currency CHAR(3) DEFAULT 'USD' NOT NULL, 
	current_period_start TIMESTAMP WITH TIME ZONE, 
	current_period_end TIMESTAMP WITH TIME ZONE, 
	trial_end TIMESTAMP WITH TIME ZONE, 
	cancel_at TIMESTAMP WITH TIME ZONE, 
	cancel_at_period_end BOOLEAN DEFAULT false NOT NULL, 
	cancelled_at TIMESTAMP WITH TIME ZONE, 
	cancel_reason TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT subscriptions_pkey PRIMARY KEY (id), 
	CONSTRAINT subscriptions_plan_id_fkey FOREIGN KEY(plan_id, family) REFERENCES agentadm.plans (id, family) ON UPDATE CASCADE DEFERRABLE, 
	CONSTRAINT subscriptions_agent_plan_id_fkey FOREIGN KEY(agent_plan_id, agent_id) REFERENCES agentadm.agent_plans (id, agent_id) DEFERRABLE, 
	CONSTRAINT subscriptions_provider_provider_subscription_id_key UNIQUE (provider, provider_subscription_id), 
	CONSTRAINT subscriptions_provider_check CHECK (provider IN ('stripe', 'razorpay', 'manual')), 
	CONSTRAINT subscriptions_status_check CHECK (status IN ('trialing', 'active', 'past_due', 'paused', 'unpaid', 'incomplete', 'cancelled')), 
	CONSTRAINT subscriptions_billing_cycle_check CHECK (billing_cycle IN ('monthly', 'yearly')), 
	CONSTRAINT subscriptions_customer_check CHECK (num_nonnulls(user_id, team_id) = 1), 
	CONSTRAINT subscriptions_plan_check CHECK (num_nonnulls(plan_id, agent_plan_id) = 1 AND (plan_id IS NULL) = (family IS NULL) AND (agent_plan_id IS NULL) = (agent_id IS NULL)), 
	CONSTRAINT subscriptions_currency_check CHECK (currency ~ '^[A-Z]{3}$'), 
	CONSTRAINT subscriptions_period_check CHECK (current_period_end > current_period_start), 
	CONSTRAINT subscriptions_cancelled_at_check CHECK (cancelled_at IS NULL OR status = 'cancelled'), 
	CONSTRAINT subscriptions_quantity_check CHECK (quantity >= 1), 
	CONSTRAINT subscriptions_amount_check CHECK (amount >= 0), 
	CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT subscriptions_team_id_fkey FOREIGN KEY(team_id) REFERENCES agentadm.teams (id) DEFERRABLE
);

CREATE INDEX subscriptions_agent_plan_id_idx ON agentadm.subscriptions (agent_plan_id) WHERE agent_plan_id IS NOT NULL;

CREATE INDEX subscriptions_id_ending_idx ON agentadm.subscriptions ("right"(id::text, 8));

CREATE INDEX subscriptions_plan_id_idx ON agentadm.subscriptions (plan_id);

CREATE INDEX subscriptions_status_idx ON agentadm.subscriptions (status);

CREATE UNIQUE INDEX subscriptions_team_id_agent_id_key ON agentadm.subscriptions (team_id, agent_id) WHERE status <> 'cancelled' AND team_id IS NOT NULL AND agent_id IS NOT NULL;

CREATE UNIQUE INDEX subscriptions_team_id_family_key ON agentadm.subscriptions (team_id, family) WHERE status <> 'cancelled' AND team_id IS NOT NULL AND family IS NOT NULL;

CREATE INDEX subscriptions_team_id_idx ON agentadm.subscriptions (team_id) WHERE team_id IS NOT NULL;

CREATE UNIQUE INDEX subscriptions_user_id_agent_id_key ON agentadm.subscriptions (user_id, agent_id) WHERE status <> 'cancelled' AND user_id IS NOT NULL AND agent_id IS NOT NULL;

CREATE UNIQUE INDEX subscriptions_user_id_family_key ON agentadm.subscriptions (user_id, family) WHERE status <> 'cancelled' AND user_id IS NOT NULL AND family IS NOT NULL;

CREATE INDEX subscriptions_user_id_idx ON agentadm.subscriptions (user_id) WHERE user_id IS NOT NULL;

COMMENT ON TABLE agentadm.subscriptions IS 'Customers'' contracts for a plan, or for one agent';

COMMENT ON COLUMN agentadm.subscriptions.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.subscriptions.user_id IS 'The customer, where it is a user';

COMMENT ON COLUMN agentadm.subscriptions.team_id IS 'The customer, where it is a team';

COMMENT ON COLUMN agentadm.subscriptions.plan_id IS 'The plan, where one was subscribed to';

COMMENT ON COLUMN agentadm.subscriptions.family IS 'The plan''s family: one living subscription of each';

COMMENT ON COLUMN agentadm.subscriptions.agent_plan_id IS 'The agent''s plan, where one was subscribed to';

COMMENT ON COLUMN agentadm.subscriptions.agent_id IS 'That plan''s agent: one living subscription to each';

COMMENT ON COLUMN agentadm.subscriptions.provider IS 'Who collects the money: stripe, razorpay or manual';

COMMENT ON COLUMN agentadm.subscriptions.provider_subscription_id IS 'Its id there (sub_...)';

COMMENT ON COLUMN agentadm.subscriptions.provider_price_id IS 'Its price there (price_...)';

COMMENT ON COLUMN agentadm.subscriptions.status IS 'trialing, active, past_due, paused, unpaid, incomplete or cancelled';

COMMENT ON COLUMN agentadm.subscriptions.billing_cycle IS 'monthly or yearly';

COMMENT ON COLUMN agentadm.subscriptions.quantity IS 'How many seats or units';

COMMENT ON COLUMN agentadm.subscriptions.amount IS 'Minor units a cycle, for all of them';

COMMENT ON COLUMN agentadm.subscriptions.currency IS 'ISO 4217 code';

COMMENT ON COLUMN agentadm.subscriptions.current_period_start IS 'When the period under way began';

COMMENT ON COLUMN agentadm.subscriptions.current_period_end IS 'When it ends, and the limits of a month begin anew';

COMMENT ON COLUMN agentadm.subscriptions.trial_end IS 'When the trial ends';

COMMENT ON COLUMN agentadm.subscriptions.cancel_at IS 'When it will be cancelled';

COMMENT ON COLUMN agentadm.subscriptions.cancel_at_period_end IS 'Whether it will be cancelled when the period ends';

COMMENT ON COLUMN agentadm.subscriptions.cancelled_at IS 'When it was cancelled';

COMMENT ON COLUMN agentadm.subscriptions.cancel_reason IS 'Why it was cancelled';

COMMENT ON COLUMN agentadm.subscriptions.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.subscriptions.updated_at IS 'When the row last changed';

SELECT agentadm.watch('agentadm.ai_models', '{api_key}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.ai_models FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.ai_models ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.key_material', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.key_material FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.key_material ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.plans', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.plans FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.plans ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.teams', '{}', '{member_count,agent_count,personal_agent_count,work_agent_count,workflow_count}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.teams FOR EACH ROW WHEN (NOT (NEW.member_count IS DISTINCT FROM OLD.member_count OR NEW.agent_count IS DISTINCT FROM OLD.agent_count OR NEW.personal_agent_count IS DISTINCT FROM OLD.personal_agent_count OR NEW.work_agent_count IS DISTINCT FROM OLD.work_agent_count OR NEW.workflow_count IS DISTINCT FROM OLD.workflow_count)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.teams FOR EACH ROW WHEN (NEW.member_count IS DISTINCT FROM OLD.member_count OR NEW.agent_count IS DISTINCT FROM OLD.agent_count OR NEW.personal_agent_count IS DISTINCT FROM OLD.personal_agent_count OR NEW.work_agent_count IS DISTINCT FROM OLD.work_agent_count OR NEW.workflow_count IS DISTINCT FROM OLD.workflow_count) EXECUTE FUNCTION agentadm.touch_updated_at('{member_count,agent_count,personal_agent_count,work_agent_count,workflow_count}');

SELECT agentadm.watch('agentadm.agents', '{contact_email,contact_phone,contact_whatsapp}', '{last_run_at}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.agents FOR EACH ROW WHEN (NOT (NEW.last_run_at IS DISTINCT FROM OLD.last_run_at)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.agents FOR EACH ROW WHEN (NEW.last_run_at IS DISTINCT FROM OLD.last_run_at) EXECUTE FUNCTION agentadm.touch_updated_at('{last_run_at}');

ALTER TABLE agentadm.agents ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.limit_overrides', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.limit_overrides FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.limit_overrides ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.workflows', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.workflows FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.workflows ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.agent_configurations', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.agent_configurations FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.agent_configurations ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.agent_instances', '{}', '{last_active_at}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.agent_instances FOR EACH ROW WHEN (NOT (NEW.last_active_at IS DISTINCT FROM OLD.last_active_at)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.agent_instances FOR EACH ROW WHEN (NEW.last_active_at IS DISTINCT FROM OLD.last_active_at) EXECUTE FUNCTION agentadm.touch_updated_at('{last_active_at}');

ALTER TABLE agentadm.agent_instances ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.agent_plans', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.agent_plans FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.agent_plans ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.agent_skills', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.agent_skills FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.agent_skills ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.agent_versions', '{}', '{}');

ALTER TABLE agentadm.agent_versions ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.api_keys', '{key_hash}', '{last_used_at}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.api_keys FOR EACH ROW WHEN (NOT (NEW.last_used_at IS DISTINCT FROM OLD.last_used_at)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.api_keys FOR EACH ROW WHEN (NEW.last_used_at IS DISTINCT FROM OLD.last_used_at) EXECUTE FUNCTION agentadm.touch_updated_at('{last_used_at}');

ALTER TABLE agentadm.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE agentadm.error_logs ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.workflow_schedules', '{}', '{next_run_at}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.workflow_schedules FOR EACH ROW WHEN (NOT (NEW.next_run_at IS DISTINCT FROM OLD.next_run_at)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.workflow_schedules FOR EACH ROW WHEN (NEW.next_run_at IS DISTINCT FROM OLD.next_run_at) EXECUTE FUNCTION agentadm.touch_updated_at('{next_run_at}');

ALTER TABLE agentadm.workflow_schedules ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.workflow_triggers', '{config}', '{last_fired_at}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.workflow_triggers FOR EACH ROW WHEN (NOT (NEW.last_fired_at IS DISTINCT FROM OLD.last_fired_at)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.workflow_triggers FOR EACH ROW WHEN (NEW.last_fired_at IS DISTINCT FROM OLD.last_fired_at) EXECUTE FUNCTION agentadm.touch_updated_at('{last_fired_at}');

ALTER TABLE agentadm.workflow_triggers ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.workflow_versions', '{}', '{}');

ALTER TABLE agentadm.workflow_versions ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.crew_instances', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.crew_instances FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.crew_instances ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.runs FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

SELECT agentadm.equip_partition('agentadm.runs', 'agentadm.runs_default');

ALTER TABLE agentadm.runs ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.ssh_configs', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.ssh_configs FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.ssh_configs ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.subscriptions', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.subscriptions FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.subscriptions ENABLE ROW LEVEL SECURITY;

-- Agents, instances, workflows and runs: counts, states, versions, and what goes with what.

CREATE TRIGGER count_agents_inserted AFTER INSERT ON agentadm.agents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_agents();

CREATE TRIGGER count_agents_deleted AFTER DELETE ON agentadm.agents REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_agents();

CREATE TRIGGER count_agents_changed AFTER UPDATE ON agentadm.agents
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_agents();

CREATE TRIGGER next_agent_version BEFORE UPDATE ON agentadm.agents FOR EACH ROW
    WHEN (NEW.spec_content IS DISTINCT FROM OLD.spec_content OR NEW.generated_code IS DISTINCT FROM OLD.generated_code)
    EXECUTE FUNCTION agentadm.next_agent_version();

CREATE TRIGGER keep_versions_inserted AFTER INSERT ON agentadm.agents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_agent_versions();

CREATE TRIGGER keep_versions_changed AFTER UPDATE ON agentadm.agents
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_agent_versions();

CREATE TRIGGER make_own_instances AFTER INSERT ON agentadm.agents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.make_own_instances();

CREATE TRIGGER delete_with_agent AFTER UPDATE ON agentadm.agents
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.delete_with_agent();

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.agents
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"draft": ["active", "archived"], "active": ["paused", "archived"], "paused": ["active", "archived"], "archived": ["active"]}',
        'agent'
    );

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.agent_instances
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"provisioning": ["running", "stopped", "error", "destroyed"], "running": ["suspended", "stopped", "error", "destroyed"], "suspended": ["running", "stopped", "error", "destroyed"], "stopped": ["running", "error", "destroyed"], "error": ["running", "stopped", "destroyed"]}',
        'instance'
    );

CREATE TRIGGER count_workflows_inserted AFTER INSERT ON agentadm.workflows REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_workflows();

CREATE TRIGGER count_workflows_deleted AFTER DELETE ON agentadm.workflows REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_workflows();

CREATE TRIGGER count_workflows_changed AFTER UPDATE ON agentadm.workflows
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_workflows();

CREATE TRIGGER next_workflow_version BEFORE UPDATE ON agentadm.workflows FOR EACH ROW
    WHEN (
        NEW.nodes IS DISTINCT FROM OLD.nodes OR NEW.connections IS DISTINCT FROM OLD.connections
        OR NEW.settings IS DISTINCT FROM OLD.settings
    )
    EXECUTE FUNCTION agentadm.next_workflow_version();

CREATE TRIGGER keep_versions_inserted AFTER INSERT ON agentadm.workflows REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_workflow_versions();

CREATE TRIGGER keep_versions_changed AFTER UPDATE ON agentadm.workflows
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.keep_workflow_versions();

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.workflows
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"draft": ["active", "archived"], "active": ["paused", "archived"], "paused": ["active", "archived"], "archived": ["active"]}',
        'workflow'
    );

CREATE TRIGGER note_last_run AFTER INSERT ON agentadm.runs REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.note_last_run();

CREATE TRIGGER check_status_edge BEFORE UPDATE OF status ON agentadm.runs
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION agentadm.check_status_edge(
        '{"queued": ["running", "completed", "failed", "cancelled", "timed_out"], "running": ["completed", "failed", "cancelled", "timed_out"]}',
        'run'
    );

SELECT agentadm.equip_partition('agentadm.runs', 'agentadm.runs_default');

-- API keys.

CREATE TRIGGER refuse_dead_pepper BEFORE UPDATE OF revoked_at, expires_at ON agentadm.api_keys FOR EACH ROW
    WHEN (
        NEW.revoked_at IS NULL AND (
            OLD.revoked_at IS NOT NULL OR NEW.expires_at IS NULL AND OLD.expires_at IS NOT NULL
            OR NEW.expires_at > OLD.expires_at
        )
    )
    EXECUTE FUNCTION agentadm.refuse_dead_pepper();

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
    ('agents'::pg_catalog.text, 'created_by'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'slug'::pg_catalog.text, '''erased-'' || right(id::text, 12)'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'handle'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'description'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'icon_url'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'contact_email'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'contact_phone'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'contact_whatsapp'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'base_website'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'custom_website'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'spec_content'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'spec_metadata'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'invariants'::pg_catalog.text, '''[]'''::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'behavior_examples'::pg_catalog.text, '''[]'''::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'onboarding_data'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'settings'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'generated_code'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'generated_tests'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('limit_overrides'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'delete'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('projects'::pg_catalog.text, 'owner_user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('projects'::pg_catalog.text, 'owner_user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'description'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('team_members'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'delete'::pg_catalog.text, 'role = ''owner'''::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('team_members'::pg_catalog.text, 'invited_by'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'description'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'nodes'::pg_catalog.text, '''[]'''::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'connections'::pg_catalog.text, '''[]'''::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'settings'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'category'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'tags'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'teams'::pg_catalog.text, 'personal_of'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'is_public'::pg_catalog.text, 'false'::pg_catalog.text, false),
    ('agent_configurations'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'delete'::pg_catalog.text, NULL::pg_catalog.text, 'configuration'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('agent_instances'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'display_name'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agent_instances'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'error_message'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agent_instances'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'metadata'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('agent_skills'::pg_catalog.text, 'agent_id'::pg_catalog.text, 'agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased) '' || id'::pg_catalog.text, false),
    ('agent_skills'::pg_catalog.text, 'agent_id'::pg_catalog.text, 'agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'description'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agent_skills'::pg_catalog.text, 'agent_id'::pg_catalog.text, 'agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'config'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('agent_versions'::pg_catalog.text, 'changed_by'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('agent_versions'::pg_catalog.text, 'agent_id'::pg_catalog.text, 'agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'spec_content'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agent_versions'::pg_catalog.text, 'agent_id'::pg_catalog.text, 'agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'generated_code'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('agent_versions'::pg_catalog.text, 'agent_id'::pg_catalog.text, 'agents'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'change_notes'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('api_keys'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('api_keys'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'revoked_reason'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('crews'::pg_catalog.text, 'project_id'::pg_catalog.text, 'projects'::pg_catalog.text, 'owner_user_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('error_logs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'message'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('error_logs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'stack'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('error_logs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'request_path'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('workflow_triggers'::pg_catalog.text, 'workflow_id'::pg_catalog.text, 'workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'config'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('workflow_versions'::pg_catalog.text, 'changed_by'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, false),
    ('workflow_versions'::pg_catalog.text, 'workflow_id'::pg_catalog.text, 'workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'nodes'::pg_catalog.text, '''[]'''::pg_catalog.text, false),
    ('workflow_versions'::pg_catalog.text, 'workflow_id'::pg_catalog.text, 'workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'connections'::pg_catalog.text, '''[]'''::pg_catalog.text, false),
    ('workflow_versions'::pg_catalog.text, 'workflow_id'::pg_catalog.text, 'workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'settings'::pg_catalog.text, '''{}'''::pg_catalog.text, false),
    ('workflow_versions'::pg_catalog.text, 'workflow_id'::pg_catalog.text, 'workflows'::pg_catalog.text, 'team_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'change_notes'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('runs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'input'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('runs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'output'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('runs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'error'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('runs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'tool_calls'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('runs'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'logs'::pg_catalog.text, 'NULL'::pg_catalog.text, false),
    ('ssh_configs'::pg_catalog.text, 'instance_id'::pg_catalog.text, 'agent_instances'::pg_catalog.text, 'user_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'name'::pg_catalog.text, '''(erased) '' || id'::pg_catalog.text, false),
    ('ssh_configs'::pg_catalog.text, 'instance_id'::pg_catalog.text, 'agent_instances'::pg_catalog.text, 'user_id'::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'vault_ref'::pg_catalog.text, '''(erased)'''::pg_catalog.text, false),
    ('subscriptions'::pg_catalog.text, 'user_id'::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, 'keep'::pg_catalog.text, NULL::pg_catalog.text, 'cancel_reason'::pg_catalog.text, 'NULL'::pg_catalog.text, false)
$$;

CREATE OR REPLACE FUNCTION agentadm.free_texts() RETURNS TABLE (table_name text, column_name text)
    LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('plans'::pg_catalog.text, 'description'::pg_catalog.text),
    ('users'::pg_catalog.text, 'suspended_reason'::pg_catalog.text),
    ('teams'::pg_catalog.text, 'name'::pg_catalog.text),
    ('teams'::pg_catalog.text, 'description'::pg_catalog.text),
    ('agents'::pg_catalog.text, 'description'::pg_catalog.text),
    ('agents'::pg_catalog.text, 'spec_content'::pg_catalog.text),
    ('limit_overrides'::pg_catalog.text, 'reason'::pg_catalog.text),
    ('projects'::pg_catalog.text, 'name'::pg_catalog.text),
    ('projects'::pg_catalog.text, 'description'::pg_catalog.text),
    ('workflows'::pg_catalog.text, 'name'::pg_catalog.text),
    ('workflows'::pg_catalog.text, 'description'::pg_catalog.text),
    ('agent_instances'::pg_catalog.text, 'display_name'::pg_catalog.text),
    ('agent_instances'::pg_catalog.text, 'error_message'::pg_catalog.text),
    ('agent_skills'::pg_catalog.text, 'description'::pg_catalog.text),
    ('agent_versions'::pg_catalog.text, 'spec_content'::pg_catalog.text),
    ('agent_versions'::pg_catalog.text, 'change_notes'::pg_catalog.text),
    ('api_keys'::pg_catalog.text, 'name'::pg_catalog.text),
    ('api_keys'::pg_catalog.text, 'revoked_reason'::pg_catalog.text),
    ('crews'::pg_catalog.text, 'name'::pg_catalog.text),
    ('workflow_versions'::pg_catalog.text, 'change_notes'::pg_catalog.text),
    ('subscriptions'::pg_catalog.text, 'cancel_reason'::pg_catalog.text)
$$;

CREATE OR REPLACE FUNCTION agentadm.encrypted_values() RETURNS TABLE (version text, number bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT v.version, count(*) FROM (
    SELECT pg_catalog.split_part(api_key, ':', 1) FROM agentadm.ai_models WHERE api_key IS NOT NULL
    UNION ALL
    SELECT pg_catalog.split_part(contact_email, ':', 1) FROM agentadm.agents WHERE contact_email IS NOT NULL
    UNION ALL
    SELECT pg_catalog.split_part(contact_phone, ':', 1) FROM agentadm.agents WHERE contact_phone IS NOT NULL
    UNION ALL
    SELECT pg_catalog.split_part(contact_whatsapp, ':', 1) FROM agentadm.agents WHERE contact_whatsapp IS NOT NULL
    UNION ALL
    SELECT pg_catalog.split_part(config, ':', 1) FROM agentadm.workflow_triggers WHERE config IS NOT NULL
) v (version) GROUP BY v.version
$$;

CREATE VIEW agentadm.agent_stats WITH (security_invoker = true) AS
SELECT a.id, a.name, a.team_id, a.status,
    coalesce(r.total_runs, 0) AS total_runs,
    coalesce(r.successful_runs, 0) AS successful_runs,
    coalesce(r.failed_runs, 0) AS failed_runs,
    r.avg_duration_ms,
    coalesce(r.total_cost_usd, 0) AS total_cost_usd,
    r.last_run_at
FROM agentadm.agents a
LEFT JOIN LATERAL (
    SELECT count(*) AS total_runs,
        count(*) FILTER (WHERE x.status = 'completed') AS successful_runs,
        count(*) FILTER (WHERE x.status IN ('failed', 'timed_out')) AS failed_runs,
        avg(x.duration_ms) FILTER (WHERE x.status = 'completed') AS avg_duration_ms,
        sum(x.cost_usd) AS total_cost_usd,
        max(x.created_at) AS last_run_at
    FROM agentadm.runs x WHERE x.agent_id = a.id
) r ON true
WHERE a.deleted_at IS NULL;

COMMENT ON VIEW agentadm.agent_stats IS 'What living agents did: each run is counted once';

CREATE VIEW agentadm.user_usage_summary WITH (security_invoker = true) AS
SELECT u.id, u.email,
    agentadm.plan_of(u.id, NULL) AS plan,
    quota.value AS monthly_runs_quota,
    agentadm.runs_used(u.id, NULL, false, agentadm.now()) AS monthly_runs_used,
    coalesce(a.agent_count, 0) AS agent_count,
    coalesce(r.total_runs, 0) AS total_runs_lifetime,
    coalesce(r.total_cost_usd, 0) AS total_cost_lifetime
FROM agentadm.users u
LEFT JOIN LATERAL agentadm.effective_limit(u.id, NULL, NULL, 'runs_per_month') quota ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS agent_count
    FROM agentadm.team_members m
    JOIN agentadm.teams t ON t.id = m.team_id AND t.deleted_at IS NULL
    JOIN agentadm.agents g ON g.team_id = m.team_id AND g.deleted_at IS NULL
    WHERE m.user_id = u.id
) a ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS total_runs, sum(x.cost_usd) AS total_cost_usd FROM agentadm.runs x WHERE x.user_id = u.id
) r ON true
WHERE u.deleted_at IS NULL;

COMMENT ON VIEW agentadm.user_usage_summary IS 'Plan, use of the period under way, and use ever, of living users; NULL quota is unlimited';

-- Plans, keys, agents, instances, runs, models and workflows as their people see them. Tenants never write plans, money or
-- hashes. A key is its user's; admins of a team see those that work for it.

CREATE POLICY operators ON agentadm.plans USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.plans FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY everybody_reads ON agentadm.plans FOR SELECT
    USING (is_active AND (SELECT agentadm.current_user_id()) IS NOT NULL);
CREATE POLICY own_plan ON agentadm.plans FOR SELECT USING (EXISTS (
    -- The subscriptions asked are those that their own policies show.
    SELECT FROM agentadm.subscriptions s WHERE s.plan_id = plans.id
));

CREATE POLICY operators ON agentadm.limit_overrides USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.limit_overrides FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.limit_overrides FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
);

CREATE POLICY operators ON agentadm.subscriptions USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.subscriptions FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.subscriptions FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner}'))::uuid[])
);

CREATE POLICY operators ON agentadm.key_material USING ((SELECT agentadm.is_operator()));

CREATE POLICY operators ON agentadm.api_keys USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.api_keys FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.api_keys FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[])
);

CREATE POLICY operators ON agentadm.agents USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agents FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY everybody_reads_the_catalogue ON agentadm.agents FOR SELECT USING (
    agent_type = 'catalog' AND status = 'active' AND deleted_at IS NULL
    AND (SELECT agentadm.current_user_id()) IS NOT NULL
);
CREATE POLICY members_read ON agentadm.agents FOR SELECT
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
-- What everybody may use, the platform offers.
CREATE POLICY members_write ON agentadm.agents
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[]))
    WITH CHECK (
        team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[]) AND agent_type <> 'catalog'
    );

-- What belongs to an agent is read by its team, and written by its members.
CREATE POLICY operators ON agentadm.agent_versions USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_versions FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.agent_versions FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.agents a
    WHERE a.id = agent_id AND a.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));

CREATE POLICY operators ON agentadm.agent_skills USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_skills FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.agent_skills FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.agents a
    WHERE a.id = agent_id AND a.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));
CREATE POLICY members_write ON agentadm.agent_skills USING (EXISTS (
    SELECT FROM agentadm.agents a
    WHERE a.id = agent_id AND a.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
));

CREATE POLICY operators ON agentadm.agent_plans USING ((SELECT agentadm.is_operator()));
-- Who sees the agent sees its prices.
CREATE POLICY readers_of_the_agent ON agentadm.agent_plans FOR SELECT
    USING (EXISTS (SELECT FROM agentadm.agents a WHERE a.id = agent_id));

CREATE POLICY operators ON agentadm.agent_configurations USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_configurations FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.agent_configurations USING (user_id = (SELECT agentadm.current_user_id()))
    -- A foreign key looks past the policies: settings are of agents that the tenant may see.
    WITH CHECK (
        user_id = (SELECT agentadm.current_user_id())
        AND EXISTS (SELECT FROM agentadm.agents a WHERE a.id = agent_id)
    );

CREATE POLICY operators ON agentadm.agent_instances USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.agent_instances FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.agent_instances FOR SELECT USING (user_id = (SELECT agentadm.current_user_id()));

CREATE POLICY operators ON agentadm.ssh_configs USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.ssh_configs FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.ssh_configs FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.agent_instances i WHERE i.id = instance_id AND i.user_id = (SELECT agentadm.current_user_id())
));

CREATE POLICY operators ON agentadm.crew_instances USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.crew_instances FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY readers_of_the_crew ON agentadm.crew_instances FOR SELECT
    USING (EXISTS (SELECT FROM agentadm.crews c WHERE c.id = crew_id));
CREATE POLICY owners_and_members_write ON agentadm.crew_instances
    USING (EXISTS (
        SELECT FROM agentadm.crews c JOIN agentadm.projects p ON p.id = c.project_id
        WHERE c.id = crew_id AND (
            p.owner_user_id = (SELECT agentadm.current_user_id())
            OR p.owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
        )
    ))
    -- A foreign key looks past the policies: only what the tenant may see joins a crew.
    WITH CHECK (
        EXISTS (SELECT FROM agentadm.agent_instances i WHERE i.id = instance_id)
        AND EXISTS (
            SELECT FROM agentadm.crews c JOIN agentadm.projects p ON p.id = c.project_id
            WHERE c.id = crew_id AND (
                p.owner_user_id = (SELECT agentadm.current_user_id())
                OR p.owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
            )
        )
    );

CREATE POLICY operators ON agentadm.runs USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.runs FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_and_team_rows ON agentadm.runs FOR SELECT USING (
    user_id = (SELECT agentadm.current_user_id())
    OR team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
);

CREATE POLICY operators ON agentadm.error_logs USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.error_logs FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY own_rows ON agentadm.error_logs FOR SELECT USING (user_id = (SELECT agentadm.current_user_id()));

CREATE POLICY operators ON agentadm.ai_models USING ((SELECT agentadm.is_operator()));
CREATE POLICY everybody_reads ON agentadm.ai_models FOR SELECT
    USING (is_active AND (SELECT agentadm.current_user_id()) IS NOT NULL);

CREATE POLICY operators ON agentadm.workflows USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflows FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY everybody_reads_public ON agentadm.workflows FOR SELECT USING (
    is_public AND status = 'active' AND deleted_at IS NULL AND (SELECT agentadm.current_user_id()) IS NOT NULL
);
CREATE POLICY members_read ON agentadm.workflows FOR SELECT
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
CREATE POLICY members_write ON agentadm.workflows
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[]));

CREATE POLICY operators ON agentadm.workflow_versions USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflow_versions FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.workflow_versions FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.workflows w
    WHERE w.id = workflow_id AND w.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));

CREATE POLICY operators ON agentadm.workflow_triggers USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflow_triggers FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.workflow_triggers FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.workflows w
    WHERE w.id = workflow_id AND w.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));

CREATE POLICY operators ON agentadm.workflow_schedules USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.workflow_schedules FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.workflow_schedules FOR SELECT USING (EXISTS (
    SELECT FROM agentadm.workflows w
    WHERE w.id = workflow_id AND w.team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[])
));

SELECT agentadm.ensure_partitions(3);

SELECT agentadm.make_roles();

SELECT agentadm.grant_privileges();

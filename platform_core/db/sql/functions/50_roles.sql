-- Roles are shared by all databases of a cluster: made where this login may, never dropped.

CREATE FUNCTION agentadm.make_roles() RETURNS SETOF text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    role_name text;
    member text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'agentadm_tenant', 'agentadm_as_user', 'agentadm_analytics', 'agentadm_support', 'agentadm_billing',
        'agentadm_admin'
    ]
    LOOP
        BEGIN
            EXECUTE format(
                'CREATE ROLE %I NOLOGIN %s', role_name, CASE role_name WHEN 'agentadm_as_user' THEN 'NOINHERIT' ELSE '' END
            );
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN RETURN NEXT role_name;
        END;
    END LOOP;
    -- Whoever reads as a customer takes on the tenant's role: operators may, and the owner. What stands in between does
    -- not inherit, so that nobody has a tenant's rights beside their own.
    FOR role_name, member IN
        VALUES ('agentadm_tenant', 'agentadm_as_user'), ('agentadm_as_user', 'agentadm_analytics'),
            ('agentadm_as_user', 'agentadm_support'), ('agentadm_as_user', 'agentadm_billing'),
            ('agentadm_as_user', 'agentadm_admin'), ('agentadm_as_user', current_user)
    LOOP
        BEGIN
            EXECUTE format('GRANT %I TO %I', role_name, member);
        EXCEPTION
            WHEN insufficient_privilege OR undefined_object THEN RETURN NEXT format('%s for %s', role_name, member);
        END;
    END LOOP;
END
$$;

-- The columns of a table but for some, as a list for GRANT.
CREATE FUNCTION agentadm.columns_but(target regclass, left_out text[]) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (left_out)
$$;

-- What each role may do, whole: run again after any change, and after a role was made.
CREATE FUNCTION agentadm.grant_privileges() RETURNS void
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

-- The user whose rows are to be seen. NULL when unset, and of who is suspended or deleted: then none are.
CREATE FUNCTION agentadm.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT u.id FROM agentadm.users u
WHERE u.id = nullif(current_setting('app.current_user_id', true), '')::uuid
    AND u.status = 'active' AND u.deleted_at IS NULL
$$;

-- Whether that user is an administrator of the platform, who reads all.
CREATE FUNCTION agentadm.is_platform_admin() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT EXISTS (SELECT FROM agentadm.users u WHERE u.id = agentadm.current_user_id() AND u.role = 'admin')
$$;

-- The living teams in which that user has one of these roles. It passes the policies that ask it.
CREATE FUNCTION agentadm.teams_of_user(roles text[]) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(array_agg(m.team_id), '{}')
FROM agentadm.team_members m
JOIN agentadm.teams t ON t.id = m.team_id AND t.deleted_at IS NULL
WHERE m.user_id = agentadm.current_user_id() AND m.role = ANY (roles)
$$;

-- Only administrators make one of a user: who is one reads all rows of everybody.
CREATE FUNCTION agentadm.refuse_promotion() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT agentadm.is_administrator() THEN
        RAISE EXCEPTION 'making a user an administrator of the platform needs the role agentadm_admin'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;

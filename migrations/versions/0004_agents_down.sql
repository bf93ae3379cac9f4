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

DROP FUNCTION agentadm.columns_but, agentadm.customer_of_team, agentadm.subscription_grants, agentadm.plan_of,
    agentadm.agent_plan_of, agentadm.limit_chain, agentadm.effective_limit, agentadm.period_start,
    agentadm.current_period_start, agentadm.runs_used, agentadm.check_status_edge, agentadm.is_graph,
    agentadm.count_agents, agentadm.count_workflows, agentadm.refuse_above_limit, agentadm.next_agent_version,
    agentadm.next_workflow_version, agentadm.changed_by, agentadm.keep_agent_versions,
    agentadm.keep_workflow_versions, agentadm.make_own_instances, agentadm.delete_with_agent,
    agentadm.note_last_run, agentadm.endpoint_needs, agentadm.limit_used, agentadm.told, agentadm.request_rules,
    agentadm.verify_key;

DROP TRIGGER audit_insert ON agentadm.teams;
DROP TRIGGER audit_update ON agentadm.teams;
DROP TRIGGER audit_delete ON agentadm.teams;
DROP TRIGGER note_cascade ON agentadm.teams;
DROP TRIGGER refuse_truncate ON agentadm.teams;
DROP TRIGGER refuse_key_change ON agentadm.teams;
DROP TRIGGER touch_updated_at ON agentadm.teams;
DROP TRIGGER touch_updated_at_beside ON agentadm.teams;

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

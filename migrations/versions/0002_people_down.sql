CREATE OR REPLACE FUNCTION agentadm.make_roles() RETURNS SETOF text
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
CREATE OR REPLACE FUNCTION agentadm.grant_privileges() RETURNS void
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

-- The user whose rows are to be seen, NULL when unset: then none are.
CREATE OR REPLACE FUNCTION agentadm.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$ SELECT nullif(pg_catalog.current_setting('app.current_user_id', true), '')::uuid $$;

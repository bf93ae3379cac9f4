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

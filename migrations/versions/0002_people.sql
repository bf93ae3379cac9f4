SET LOCAL check_function_bodies = off;

-- Columns that known tables get.
ALTER TABLE agentadm.users ADD COLUMN merged_into_id uuid
    CONSTRAINT users_merged_into_id_fkey REFERENCES agentadm.users (id) DEFERRABLE;

ALTER TABLE agentadm.chunk_progress ADD COLUMN counts jsonb;

ALTER TABLE agentadm.audit_seals ADD COLUMN erased_digest bytea, ADD COLUMN erased_by uuid,
    ADD CONSTRAINT audit_seals_erased_check CHECK ((erased_digest IS NULL) = (erased_by IS NULL));

-- Counts and digest of a closed range of the audit, chained to the digest before. Operations and changes share one
-- sequence; each row's text form is hashed by itself, then all of them in order, after the digest before and the range
-- itself. The columns are named, so that a column added later does not break old seals.
CREATE OR REPLACE FUNCTION agentadm.range_digest(previous bytea, first_seq bigint, last_seq bigint)
    RETURNS TABLE (operations bigint, changes bigint, digest bytea)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET intervalstyle = 'iso_8601' SET extra_float_digits = 1
    AS $$
SELECT count(*) FILTER (WHERE covered.kind = 'operation'),
    count(*) FILTER (WHERE covered.kind = 'change'),
    sha256(
        previous || int8send(first_seq) || int8send(last_seq)
            || coalesce(string_agg(covered.row_digest, ''::bytea ORDER BY covered.seq, covered.kind), ''::bytea)
    )
FROM (
    SELECT o.seq, 'operation' AS kind, sha256(convert_to(ROW(
        o.id, o.started_at, o.command, o.arguments, o.reason, o.ticket, o.idempotency_key, o.actor, o.session_user_name,
        o.application_name, o.os_user, o.host, o.undoes, o.schema_version, o.xid
    )::text, 'UTF8')) AS row_digest
    FROM agentadm.operations o WHERE o.seq BETWEEN first_seq AND last_seq
    UNION ALL
    SELECT c.seq, 'change', sha256(convert_to(ROW(
        c.changed_at, c.operation_id, c.table_name, c.row_key, c.action, c.origin, c.before, c.after, c.session_user_name,
        c.application_name, c.xid
    )::text, 'UTF8'))
    FROM agentadm.audit_changes c WHERE c.seq BETWEEN first_seq AND last_seq
) covered
$$;

CREATE OR REPLACE FUNCTION agentadm.make_roles() RETURNS SETOF text
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

-- The user whose rows are to be seen. NULL when unset, and of who is suspended or deleted: then none are.
CREATE OR REPLACE FUNCTION agentadm.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT u.id FROM agentadm.users u
WHERE u.id = nullif(current_setting('app.current_user_id', true), '')::uuid
    AND u.status = 'active' AND u.deleted_at IS NULL
$$;

-- Whether that user is an administrator of the platform, who reads all.
CREATE OR REPLACE FUNCTION agentadm.is_platform_admin() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT EXISTS (SELECT FROM agentadm.users u WHERE u.id = agentadm.current_user_id() AND u.role = 'admin')
$$;

-- The living teams in which that user has one of these roles. It passes the policies that ask it.
CREATE OR REPLACE FUNCTION agentadm.teams_of_user(roles text[]) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(array_agg(m.team_id), '{}')
FROM agentadm.team_members m
JOIN agentadm.teams t ON t.id = m.team_id AND t.deleted_at IS NULL
WHERE m.user_id = agentadm.current_user_id() AND m.role = ANY (roles)
$$;

-- Only administrators make one of a user: who is one reads all rows of everybody.
CREATE OR REPLACE FUNCTION agentadm.refuse_promotion() RETURNS trigger
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

-- Teams: their count of members, their owners, and the personal team of a user.

-- The count is a row that everybody who adds a member has to change: so max_members holds, at whatever isolation.
CREATE OR REPLACE FUNCTION agentadm.count_members() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE agentadm.teams t SET member_count = t.member_count + moved.members
        FROM (SELECT n.team_id, count(*) AS members FROM new_rows n GROUP BY 1) moved
        WHERE t.id = moved.team_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE agentadm.teams t SET member_count = t.member_count - moved.members
        FROM (SELECT o.team_id, count(*) AS members FROM old_rows o GROUP BY 1) moved
        WHERE t.id = moved.team_id;
    ELSIF EXISTS (SELECT FROM old_rows o JOIN new_rows n ON n.id = o.id WHERE n.team_id <> o.team_id) THEN
        UPDATE agentadm.teams t SET member_count = t.member_count + moved.members
        FROM (
            SELECT rows.team_id, sum(rows.one) AS members
            FROM (SELECT n.team_id, 1 AS one FROM new_rows n UNION ALL SELECT o.team_id, -1 FROM old_rows o) rows
            GROUP BY 1
        ) moved
        WHERE t.id = moved.team_id AND moved.members <> 0;
    END IF;
    RETURN NULL;
END
$$;

-- The owner of a living team lives. Whoever deletes the owner meanwhile waits for this row, and then finds the team.
CREATE OR REPLACE FUNCTION agentadm.refuse_deleted_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM FROM agentadm.users u WHERE u.id = NEW.owner_id AND u.deleted_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'team % would belong to the deleted user %', NEW.slug, NEW.owner_id
            USING ERRCODE = 'integrity_constraint_violation', HINT = 'restore the user, or transfer the team first';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentadm.refuse_teams_without_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    owned text;
BEGIN
    SELECT string_agg(t.slug, ', ' ORDER BY t.slug) INTO owned
    FROM agentadm.teams t WHERE t.owner_id = NEW.id AND t.personal_of IS NULL AND t.deleted_at IS NULL;
    IF owned IS NOT NULL THEN
        RAISE EXCEPTION 'user % owns teams: %', NEW.id, owned
            USING ERRCODE = 'integrity_constraint_violation',
                HINT = 'transfer them first: agentadm teams transfer TEAM NEW_OWNER';
    END IF;
    RETURN NEW;
END
$$;

-- Every user has a personal team as soon as one is asked for, so that every agent and workflow has a team. Two who ask
-- at once get the same.
CREATE OR REPLACE FUNCTION agentadm.personal_team(person uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    found_id uuid;
BEGIN
    SELECT t.id INTO found_id FROM agentadm.teams t WHERE t.personal_of = person;
    IF found_id IS NOT NULL THEN
        RETURN found_id;
    END IF;
    INSERT INTO agentadm.teams AS t (name, slug, owner_id, personal_of)
    VALUES ('Personal', 'personal-' || replace(person::text, '-', ''), person, person)
    ON CONFLICT (personal_of) DO NOTHING
    RETURNING t.id INTO found_id;
    IF found_id IS NULL THEN
        SELECT t.id INTO found_id FROM agentadm.teams t WHERE t.personal_of = person;
    ELSE
        INSERT INTO agentadm.team_members (team_id, user_id, role) VALUES (found_id, person, 'owner');
    END IF;
    RETURN found_id;
END
$$;

-- The erasure of a person: the one exception to what is append-only. It leaves a mark where something was.

-- A text as a regular expression that matches it, and nothing else.
CREATE OR REPLACE FUNCTION agentadm.quoted_pattern(plain text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT pg_catalog.regexp_replace(plain, '([^[:alnum:][:space:]])', '\\\1', 'g') $$;

-- A pattern for names, as they are and as JSON and URLs write them; NULL where there is nothing to look for. An address
-- or an id is known wherever it stands; a word must stand by itself. No id of ours is a name, whoever chose it for one.
CREATE OR REPLACE FUNCTION agentadm.names_pattern(names text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
SELECT pg_catalog.string_agg(
    CASE WHEN n ~ '@|%40|[0-9].*[_-]|[_-].*[0-9]'
        THEN '(?<![[:alnum:]])' || agentadm.quoted_pattern(n) || '(?![[:alnum:]])(?![.][[:alnum:]])'
        ELSE '(?<![[:alnum:]_@.-])' || agentadm.quoted_pattern(n) || '(?![[:alnum:]_@-])(?![.][[:alnum:]])'
    END, '|' ORDER BY pg_catalog.length(n) DESC
)
FROM (
    SELECT each_name AS n FROM pg_catalog.unnest(names) each_name
    UNION SELECT pg_catalog.btrim(pg_catalog.to_json(each_name)::text, '"') FROM pg_catalog.unnest(names) each_name
    UNION SELECT pg_catalog.replace(each_name, '@', '%40') FROM pg_catalog.unnest(names) each_name
) forms
WHERE n <> '' AND n !~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$'
$$;

CREATE OR REPLACE FUNCTION agentadm.redacted_text(told text, pattern text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN pattern IS NULL THEN told ELSE pg_catalog.regexp_replace(told, pattern, '(erased)', 'gi') END $$;

-- The same in every text of a JSON value, whatever its depth; keys stay.
CREATE OR REPLACE FUNCTION agentadm.redacted(image jsonb, pattern text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF image IS NULL OR pattern IS NULL THEN
        RETURN image;
    END IF;
    RETURN CASE jsonb_typeof(image)
        WHEN 'object' THEN (
            SELECT coalesce(jsonb_object_agg(e.key, agentadm.redacted(e.value, pattern)), '{}') FROM jsonb_each(image) e
        )
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(agentadm.redacted(e.value, pattern) ORDER BY e.place), '[]')
            FROM jsonb_array_elements(image) WITH ORDINALITY AS e (value, place)
        )
        WHEN 'string' THEN to_jsonb(agentadm.redacted_text(image #>> '{}', pattern))
        ELSE image
    END;
END
$$;

-- The same in an image of a row: in columns that hold free text or JSON, not in keys, times and fixed words.
CREATE OR REPLACE FUNCTION agentadm.redacted_image(of_table text, image jsonb, pattern text) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT CASE WHEN image IS NULL THEN NULL ELSE coalesce((
    SELECT jsonb_object_agg(
        e.key, CASE WHEN a.attname IS NULL THEN e.value ELSE agentadm.redacted(e.value, pattern) END
    )
    FROM jsonb_each(image) e
    LEFT JOIN pg_attribute a ON a.attrelid = to_regclass('agentadm.' || quote_ident(of_table)) AND a.attname = e.key
        AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype, 'json'::regtype)
        AND a.attname <> ALL ('{role,status,state,provider}')
), '{}') END
$$;

-- An image with marks in place of some columns.
CREATE OR REPLACE FUNCTION agentadm.erased_image(image jsonb, columns text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
SELECT image || coalesce((
    SELECT pg_catalog.jsonb_object_agg(c, '{"erased": true}'::pg_catalog.jsonb)
    FROM pg_catalog.unnest(columns) AS c WHERE image ? c AND image -> c <> 'null'::pg_catalog.jsonb
), '{}'::pg_catalog.jsonb)
$$;

-- What a link of a table has to hold so that its row is about a person: the person's id, or those of rows that are.
CREATE OR REPLACE FUNCTION agentadm.person_holders(person uuid, named_table text, link text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    via record;
BEGIN
    SELECT p.via_table, p.via_column INTO via
        FROM agentadm.person_columns() p WHERE p.table_name = named_table AND p.link_column = link LIMIT 1;
    IF via.via_table IS NULL THEN
        RETURN ARRAY[person];
    END IF;
    RETURN ARRAY(SELECT k::uuid FROM agentadm.person_keys(person, via.via_table, via.via_column) k);
END
$$;

-- The rows of a table that are about a person by one of its links, and those that once were, as the audit knows.
CREATE OR REPLACE FUNCTION agentadm.person_keys(person uuid, named_table text, link text) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT t.id::text FROM agentadm.%1$I t WHERE t.%2$I = ANY ($1) UNION '
        'SELECT c.row_key FROM agentadm.audit_changes c WHERE c.table_name = %1$L AND (%2$L = ''id'' AND c.row_key = ANY ($1::text[]) '
        'OR c.before ->> %2$L = ANY ($1::text[]) OR c.after ->> %2$L = ANY ($1::text[]))',
        named_table, link
    ) USING agentadm.person_holders(person, named_table, link);
END
$$;

CREATE OR REPLACE FUNCTION agentadm.person_rows(person uuid) RETURNS TABLE (named_table text, row_key text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT DISTINCT p.table_name, k
FROM (SELECT DISTINCT c.table_name, c.link_column FROM agentadm.person_columns() c) p
CROSS JOIN LATERAL agentadm.person_keys(person, p.table_name, p.link_column) k
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

COMMENT ON COLUMN agentadm.audit_seals.erased_digest IS 'The same after a person''s data in the range was erased; the next seal keeps to digest';

COMMENT ON COLUMN agentadm.audit_seals.erased_by IS 'The operation that last erased something in the range';

COMMENT ON COLUMN agentadm.chunk_progress.counts IS 'What a chunk of an import did, in numbers';

CREATE TABLE agentadm.import_rejects (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	digest TEXT NOT NULL, 
	line BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT import_rejects_pkey PRIMARY KEY (id), 
	CONSTRAINT import_rejects_digest_line_key UNIQUE (digest, line)
);

COMMENT ON TABLE agentadm.import_rejects IS 'Records that an import did not take, each written with its chunk';

COMMENT ON COLUMN agentadm.import_rejects.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.import_rejects.digest IS 'Which run this belongs to: as in chunk_progress';

COMMENT ON COLUMN agentadm.import_rejects.line IS 'Line of the input on which the record begins, from 1';

COMMENT ON COLUMN agentadm.import_rejects.reason IS 'Why it was not taken; nothing of what it held';

COMMENT ON COLUMN agentadm.import_rejects.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.users.merged_into_id IS 'The user that this one was merged into';

CREATE TABLE agentadm.teams (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	name TEXT NOT NULL, 
	slug TEXT NOT NULL, 
	description TEXT, 
	logo_url TEXT, 
	owner_id UUID NOT NULL, 
	personal_of UUID, 
	default_llm_provider TEXT DEFAULT 'openai' NOT NULL, 
	daily_budget NUMERIC(18, 6) DEFAULT 10.00, 
	max_agents INTEGER, 
	max_members INTEGER, 
	member_count INTEGER DEFAULT 0 NOT NULL, 
	deleted_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT teams_pkey PRIMARY KEY (id), 
	CONSTRAINT teams_personal_of_key UNIQUE (personal_of), 
	CONSTRAINT teams_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT teams_slug_check CHECK (slug ~ '^[a-z0-9-]+$' AND char_length(slug) <= 100), 
	CONSTRAINT teams_daily_budget_check CHECK (daily_budget >= 0), 
	CONSTRAINT teams_max_agents_check CHECK (max_agents >= 0), 
	CONSTRAINT teams_max_members_check CHECK (max_members >= 1), 
	CONSTRAINT teams_member_count_check CHECK (member_count <= max_members), 
	CONSTRAINT teams_personal_check CHECK (personal_of IS NULL OR personal_of = owner_id), 
	CONSTRAINT teams_personal_members_check CHECK (personal_of IS NULL OR member_count <= 1), 
	CONSTRAINT teams_owner_id_fkey FOREIGN KEY(owner_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT teams_personal_of_fkey FOREIGN KEY(personal_of) REFERENCES agentadm.users (id) DEFERRABLE
);

CREATE INDEX teams_created_at_id_idx ON agentadm.teams (created_at, id);

CREATE INDEX teams_id_ending_idx ON agentadm.teams ("right"(id::text, 8));

CREATE INDEX teams_owner_id_idx ON agentadm.teams (owner_id);

CREATE UNIQUE INDEX teams_slug_key ON agentadm.teams (lower(slug));

COMMENT ON TABLE agentadm.teams IS 'People who work together';

COMMENT ON COLUMN agentadm.teams.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.teams.name IS 'Name for people';

COMMENT ON COLUMN agentadm.teams.slug IS 'Name for references: lower case, digits and hyphens';

COMMENT ON COLUMN agentadm.teams.description IS 'What the team is for';

COMMENT ON COLUMN agentadm.teams.logo_url IS 'Picture';

COMMENT ON COLUMN agentadm.teams.owner_id IS 'The one member whose role is owner';

COMMENT ON COLUMN agentadm.teams.personal_of IS 'Whose personal team this is; made when first needed';

COMMENT ON COLUMN agentadm.teams.default_llm_provider IS 'Provider of new agents';

COMMENT ON COLUMN agentadm.teams.daily_budget IS 'Infrastructure cost in USD allowed a day; NULL is unlimited';

COMMENT ON COLUMN agentadm.teams.max_agents IS 'How many agents it may have; NULL is unlimited';

COMMENT ON COLUMN agentadm.teams.max_members IS 'How many members it may have; NULL is unlimited';

COMMENT ON COLUMN agentadm.teams.member_count IS 'How many members it has; kept by trigger, not audited';

COMMENT ON COLUMN agentadm.teams.deleted_at IS 'When the team was deleted';

COMMENT ON COLUMN agentadm.teams.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.teams.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.projects (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	owner_user_id UUID, 
	owner_team_id UUID, 
	name TEXT NOT NULL, 
	description TEXT, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT projects_pkey PRIMARY KEY (id), 
	CONSTRAINT projects_owner_check CHECK ((owner_user_id IS NULL) <> (owner_team_id IS NULL)), 
	CONSTRAINT projects_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT projects_owner_user_id_fkey FOREIGN KEY(owner_user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT projects_owner_team_id_fkey FOREIGN KEY(owner_team_id) REFERENCES agentadm.teams (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX projects_created_at_id_idx ON agentadm.projects (created_at, id);

CREATE INDEX projects_id_ending_idx ON agentadm.projects ("right"(id::text, 8));

CREATE INDEX projects_name_idx ON agentadm.projects (lower(name));

CREATE INDEX projects_owner_team_id_idx ON agentadm.projects (owner_team_id);

CREATE INDEX projects_owner_user_id_idx ON agentadm.projects (owner_user_id);

COMMENT ON TABLE agentadm.projects IS 'What hired agents work on, for a user or for a team';

COMMENT ON COLUMN agentadm.projects.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.projects.owner_user_id IS 'The user whose it is, or NULL';

COMMENT ON COLUMN agentadm.projects.owner_team_id IS 'The team whose it is, or NULL';

COMMENT ON COLUMN agentadm.projects.name IS 'Name for people';

COMMENT ON COLUMN agentadm.projects.description IS 'What it is about';

COMMENT ON COLUMN agentadm.projects.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.projects.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.team_members (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	team_id UUID NOT NULL, 
	user_id UUID NOT NULL, 
	role TEXT DEFAULT 'member' NOT NULL, 
	joined_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	invited_by UUID, 
	owner_of UUID GENERATED ALWAYS AS (CASE WHEN role = 'owner' THEN team_id END) STORED, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT team_members_pkey PRIMARY KEY (id), 
	CONSTRAINT team_members_team_id_user_id_key UNIQUE (team_id, user_id), 
	CONSTRAINT team_members_one_owner_key UNIQUE (owner_of) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT team_members_owner_key UNIQUE (owner_of, user_id), 
	CONSTRAINT team_members_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer')), 
	CONSTRAINT team_members_team_id_fkey FOREIGN KEY(team_id) REFERENCES agentadm.teams (id) ON DELETE CASCADE DEFERRABLE, 
	CONSTRAINT team_members_user_id_fkey FOREIGN KEY(user_id) REFERENCES agentadm.users (id) DEFERRABLE, 
	CONSTRAINT team_members_invited_by_fkey FOREIGN KEY(invited_by) REFERENCES agentadm.users (id) DEFERRABLE
);

CREATE INDEX team_members_invited_by_idx ON agentadm.team_members (invited_by) WHERE invited_by IS NOT NULL;

CREATE INDEX team_members_user_id_idx ON agentadm.team_members (user_id);

COMMENT ON TABLE agentadm.team_members IS 'Who belongs to a team, and what they may do there';

COMMENT ON COLUMN agentadm.team_members.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.team_members.team_id IS 'The team';

COMMENT ON COLUMN agentadm.team_members.user_id IS 'The member';

COMMENT ON COLUMN agentadm.team_members.role IS 'owner, admin, member or viewer';

COMMENT ON COLUMN agentadm.team_members.joined_at IS 'When the member joined';

COMMENT ON COLUMN agentadm.team_members.invited_by IS 'Who invited the member';

COMMENT ON COLUMN agentadm.team_members.owner_of IS 'The team, where this is its owner: so that a foreign key can hold that there is one';

COMMENT ON COLUMN agentadm.team_members.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.team_members.updated_at IS 'When the row last changed';

CREATE TABLE agentadm.crews (
	id UUID DEFAULT agentadm.uuid_v7() NOT NULL, 
	project_id UUID NOT NULL, 
	name TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE DEFAULT agentadm.now() NOT NULL, 
	CONSTRAINT crews_pkey PRIMARY KEY (id), 
	CONSTRAINT crews_name_check CHECK (name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200), 
	CONSTRAINT crews_project_id_fkey FOREIGN KEY(project_id) REFERENCES agentadm.projects (id) ON DELETE CASCADE DEFERRABLE
);

CREATE INDEX crews_created_at_id_idx ON agentadm.crews (created_at, id);

CREATE INDEX crews_id_ending_idx ON agentadm.crews ("right"(id::text, 8));

CREATE INDEX crews_name_idx ON agentadm.crews (lower(name));

CREATE INDEX crews_project_id_idx ON agentadm.crews (project_id);

COMMENT ON TABLE agentadm.crews IS 'Groups of hired agents in a project';

COMMENT ON COLUMN agentadm.crews.id IS 'Surrogate key, never changed';

COMMENT ON COLUMN agentadm.crews.project_id IS 'Its project';

COMMENT ON COLUMN agentadm.crews.name IS 'Name for people';

COMMENT ON COLUMN agentadm.crews.created_at IS 'When the row was made';

COMMENT ON COLUMN agentadm.crews.updated_at IS 'When the row last changed';

ALTER TABLE agentadm.teams ADD CONSTRAINT teams_owner_is_member_fkey FOREIGN KEY(id, owner_id) REFERENCES agentadm.team_members (owner_of, user_id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE agentadm.import_rejects ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.teams', '{}', '{member_count}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.teams FOR EACH ROW WHEN (NOT (NEW.member_count IS DISTINCT FROM OLD.member_count)) EXECUTE FUNCTION agentadm.touch_updated_at();

CREATE TRIGGER touch_updated_at_beside BEFORE UPDATE ON agentadm.teams FOR EACH ROW WHEN (NEW.member_count IS DISTINCT FROM OLD.member_count) EXECUTE FUNCTION agentadm.touch_updated_at('{member_count}');

ALTER TABLE agentadm.teams ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.projects', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.projects FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.projects ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.team_members', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.team_members FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.team_members ENABLE ROW LEVEL SECURITY;

SELECT agentadm.watch('agentadm.crews', '{}', '{}');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON agentadm.crews FOR EACH ROW EXECUTE FUNCTION agentadm.touch_updated_at();

ALTER TABLE agentadm.crews ENABLE ROW LEVEL SECURITY;

-- Teams: their count of members, and their owners. Users: who becomes an administrator.

CREATE TRIGGER count_members_inserted AFTER INSERT ON agentadm.team_members REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_members();

CREATE TRIGGER count_members_deleted AFTER DELETE ON agentadm.team_members REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_members();

CREATE TRIGGER count_members_moved AFTER UPDATE ON agentadm.team_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentadm.count_members();

CREATE TRIGGER refuse_deleted_owner AFTER INSERT OR UPDATE OF owner_id, personal_of, deleted_at ON agentadm.teams
    FOR EACH ROW WHEN (NEW.deleted_at IS NULL AND NEW.personal_of IS NULL)
    EXECUTE FUNCTION agentadm.refuse_deleted_owner();

CREATE TRIGGER refuse_teams_without_owner BEFORE UPDATE OF deleted_at ON agentadm.users
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION agentadm.refuse_teams_without_owner();

CREATE TRIGGER refuse_promotion AFTER INSERT OR UPDATE OF role ON agentadm.users
    FOR EACH ROW WHEN (NEW.role = 'admin') EXECUTE FUNCTION agentadm.refuse_promotion();

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

-- Views for people who write SQL: each with security_invoker, or row-level security would be its maker's.

CREATE VIEW agentadm.table_sizes WITH (security_invoker = true) AS
SELECT coalesce(parent.relname, c.relname)::text AS table_name,
    sum(pg_catalog.pg_table_size(c.oid))::bigint AS table_bytes,
    sum(pg_catalog.pg_indexes_size(c.oid))::bigint AS index_bytes,
    sum(greatest(c.reltuples, 0))::bigint AS estimated_rows
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent
WHERE c.relnamespace = 'agentadm'::pg_catalog.regnamespace AND c.relkind = 'r'
GROUP BY 1;

COMMENT ON VIEW agentadm.table_sizes IS 'What each table takes, its partitions included; rows as the planner last counted';

-- Users, teams, projects and crews as their people see them: viewers read, members write, admins also members.

CREATE POLICY platform_admins ON agentadm.users FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY platform_admins ON agentadm.identities FOR SELECT USING ((SELECT agentadm.is_platform_admin()));

CREATE POLICY operators ON agentadm.teams USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.teams FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.teams FOR SELECT
    USING (id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
CREATE POLICY admins_write ON agentadm.teams FOR UPDATE
    USING (id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[]));

CREATE POLICY operators ON agentadm.team_members USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.team_members FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.team_members FOR SELECT
    USING (team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
-- An owner is made and unmade by transfer only.
CREATE POLICY admins_add ON agentadm.team_members FOR INSERT
    WITH CHECK (
        role <> 'owner' AND (invited_by IS NULL OR invited_by = (SELECT agentadm.current_user_id()))
        AND team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[])
    );
CREATE POLICY admins_change ON agentadm.team_members FOR UPDATE
    USING (role <> 'owner' AND team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[]));
CREATE POLICY admins_remove ON agentadm.team_members FOR DELETE
    USING (role <> 'owner' AND team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin}'))::uuid[]));

CREATE POLICY operators ON agentadm.projects USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.projects FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
CREATE POLICY members_read ON agentadm.projects FOR SELECT
    USING (owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member,viewer}'))::uuid[]));
CREATE POLICY owners_and_members_write ON agentadm.projects
    USING (
        owner_user_id = (SELECT agentadm.current_user_id())
        OR owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
    );

CREATE POLICY operators ON agentadm.crews USING ((SELECT agentadm.is_operator()));
CREATE POLICY platform_admins ON agentadm.crews FOR SELECT USING ((SELECT agentadm.is_platform_admin()));
-- The projects asked are those that their own policies show.
CREATE POLICY readers_of_the_project ON agentadm.crews FOR SELECT
    USING (EXISTS (SELECT FROM agentadm.projects p WHERE p.id = project_id));
CREATE POLICY owners_and_members_write ON agentadm.crews
    USING (EXISTS (
        SELECT FROM agentadm.projects p
        WHERE p.id = project_id AND (
            p.owner_user_id = (SELECT agentadm.current_user_id())
            OR p.owner_team_id = ANY ((SELECT agentadm.teams_of_user('{owner,admin,member}'))::uuid[])
        )
    ));

CREATE POLICY operators ON agentadm.import_rejects USING ((SELECT agentadm.is_operator()));

SELECT agentadm.make_roles();

SELECT agentadm.grant_privileges();

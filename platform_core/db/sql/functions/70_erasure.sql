-- The erasure of a person: the one exception to what is append-only. It leaves a mark where something was.

-- A text as a regular expression that matches it, and nothing else.
CREATE FUNCTION agentadm.quoted_pattern(plain text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT pg_catalog.regexp_replace(plain, '([^[:alnum:][:space:]])', '\\\1', 'g') $$;

-- A pattern for names, as they are and as JSON and URLs write them; NULL where there is nothing to look for. An address
-- or an id is known wherever it stands; a word must stand by itself. No id of ours is a name, whoever chose it for one.
CREATE FUNCTION agentadm.names_pattern(names text[]) RETURNS text
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

CREATE FUNCTION agentadm.redacted_text(told text, pattern text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN pattern IS NULL THEN told ELSE pg_catalog.regexp_replace(told, pattern, '(erased)', 'gi') END $$;

-- The same in every text of a JSON value, whatever its depth; keys stay.
CREATE FUNCTION agentadm.redacted(image jsonb, pattern text) RETURNS jsonb
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
CREATE FUNCTION agentadm.redacted_image(of_table text, image jsonb, pattern text) RETURNS jsonb
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
CREATE FUNCTION agentadm.erased_image(image jsonb, columns text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
SELECT image || coalesce((
    SELECT pg_catalog.jsonb_object_agg(c, '{"erased": true}'::pg_catalog.jsonb)
    FROM pg_catalog.unnest(columns) AS c WHERE image ? c AND image -> c <> 'null'::pg_catalog.jsonb
), '{}'::pg_catalog.jsonb)
$$;

-- What a link of a table has to hold so that its row is about a person: the person's id, or those of rows that are.
CREATE FUNCTION agentadm.person_holders(person uuid, named_table text, link text) RETURNS uuid[]
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
CREATE FUNCTION agentadm.person_keys(person uuid, named_table text, link text) RETURNS SETOF text
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

-- The same for what is still there: rows by way of which others are found must themselves be the person's now. A team
-- that once was personal is that person's for good.
CREATE FUNCTION agentadm.living_holders(person uuid, named_table text, link text) RETURNS uuid[]
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

CREATE FUNCTION agentadm.person_rows(person uuid) RETURNS TABLE (named_table text, row_key text)
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
CREATE FUNCTION agentadm.erase_person(person uuid, operation uuid) RETURNS TABLE (erased_table text, erased_rows bigint)
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

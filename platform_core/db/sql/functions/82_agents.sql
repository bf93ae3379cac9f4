-- Agents, their instances and versions, workflows and runs: what the database keeps of itself.
-- An undo puts rows back as they were, over any edge: it says so by app.undoing.

-- Whether a setting of this session is to be believed: a tenant may set what it likes.
CREATE FUNCTION agentadm.may_say() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
SELECT current_setting('role') IS DISTINCT FROM 'agentadm_tenant'
    AND (agentadm.is_operator() OR agentadm.is_administrator())
$$;

CREATE FUNCTION agentadm.is_undoing() RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT current_setting('app.undoing', true) = 'on' AND agentadm.may_say() $$;

-- What may follow what. Trigger argument: the table's edges as JSON, from state to states.
CREATE FUNCTION agentadm.check_status_edge() RETURNS trigger
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
CREATE FUNCTION agentadm.is_graph(nodes jsonb, connections jsonb) RETURNS boolean
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
CREATE FUNCTION agentadm.count_agents() RETURNS trigger
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

CREATE FUNCTION agentadm.count_workflows() RETURNS trigger
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
CREATE FUNCTION agentadm.refuse_above_limit(team uuid, wanted text, number bigint) RETURNS void
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
CREATE FUNCTION agentadm.next_agent_version() RETURNS trigger
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

CREATE FUNCTION agentadm.next_workflow_version() RETURNS trigger
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
CREATE FUNCTION agentadm.changed_by() RETURNS uuid
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(
    CASE WHEN agentadm.may_say() THEN nullif(current_setting('app.changed_by', true), '')::uuid END,
    agentadm.current_user_id()
)
$$;

CREATE FUNCTION agentadm.keep_agent_versions() RETURNS trigger
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

CREATE FUNCTION agentadm.keep_workflow_versions() RETURNS trigger
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
CREATE FUNCTION agentadm.make_own_instances() RETURNS trigger
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
CREATE FUNCTION agentadm.delete_with_agent() RETURNS trigger
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

CREATE FUNCTION agentadm.note_last_run() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    UPDATE agentadm.agents a SET last_run_at = n.newest
    FROM (SELECT r.agent_id, max(r.created_at) AS newest FROM new_rows r WHERE r.agent_id IS NOT NULL GROUP BY 1) n
    WHERE a.id = n.agent_id AND (a.last_run_at IS NULL OR a.last_run_at < n.newest);
    RETURN NULL;
END
$$;

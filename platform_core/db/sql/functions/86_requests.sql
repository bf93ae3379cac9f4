-- Requests: would one be let through? What enforces and what explains are one function, so that they cannot disagree.

-- What a request needs: a scope, given as such, or found from a method and a path; and the limit that it uses up, where
-- it makes something. /v1/agents/ID/runs is about runs.
CREATE FUNCTION agentadm.endpoint_needs(endpoint text) RETURNS TABLE (scope text, resource text, uses text)
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
CREATE FUNCTION agentadm.limit_used(of_user uuid, of_team uuid, wanted text, at timestamptz) RETURNS bigint
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
CREATE FUNCTION agentadm.told(moment timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT pg_catalog.to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- The rules that a request must pass, in order, each with what was found and what was wanted. Whole: all of them that
-- apply, whether or not they pass. Otherwise: the first that refuses, or no row.
-- Every request asks it: without a setting of its own, which would cost an eighth, and with no statement that does not
-- apply. It runs with the caller's rights, and names everything in full.
CREATE FUNCTION agentadm.request_rules(
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
CREATE FUNCTION agentadm.verify_key(
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

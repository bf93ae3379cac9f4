-- Limits: which plan a customer is on, and what is allowed of anything. A customer is a user, or a team that is not
-- somebody's personal team: what is in a personal team counts for its user.

CREATE FUNCTION agentadm.customer_of_team(team uuid) RETURNS TABLE (customer_user uuid, customer_team uuid)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT t.personal_of, CASE WHEN t.personal_of IS NULL THEN t.id END FROM agentadm.teams t WHERE t.id = team
$$;

-- Whether a subscription in this state gives what its plan promises. A payment that is late is waited for; one that
-- failed for good, or a trial that ended without one, gives nothing; an incomplete one has not begun.
CREATE FUNCTION agentadm.subscription_grants(status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT status IN ('trialing', 'active', 'past_due') $$;

-- The plan whose limits hold for a customer: that of the living subscription of the family, else free.
CREATE FUNCTION agentadm.plan_of(of_user uuid, of_team uuid, of_family text DEFAULT 'platform') RETURNS text
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
CREATE FUNCTION agentadm.agent_plan_of(of_user uuid, of_team uuid, of_agent uuid) RETURNS uuid
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
CREATE FUNCTION agentadm.limit_chain(of_user uuid, of_team uuid, of_agent uuid, wanted text, at timestamptz)
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
CREATE FUNCTION agentadm.effective_limit(
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
CREATE FUNCTION agentadm.period_start(anchor_day integer, at timestamptz) RETURNS timestamptz
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
CREATE FUNCTION agentadm.current_period_start(of_user uuid, of_team uuid, at timestamptz) RETURNS timestamptz
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
CREATE FUNCTION agentadm.runs_used(of_user uuid, of_team uuid, of_workflows boolean, at timestamptz) RETURNS bigint
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

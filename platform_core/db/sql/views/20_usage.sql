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

"""Statements of completion: names that begin like what was typed. Each is one index scan, whatever the table's size.

Plain SQL for psycopg, because completion loads no SQLAlchemy. Each takes `start` in lower case, `version`, `near` and
`shown`, and finds nothing in a schema of another version.
"""

# An index in a locale of its own sorts almost, not quite, by prefix: so more are looked at than are shown.
NEAR = 200
SHOWN = 30

OUR_SCHEMA = "EXISTS (SELECT FROM agentadm.alembic_version WHERE version_num = %(version)s)"

USERS = f"""
SELECT value, '' FROM (
    (SELECT lower(email) AS value FROM agentadm.users
     WHERE deleted_at IS NULL AND lower(email) >= %(start)s ORDER BY lower(email) LIMIT %(near)s)
    UNION ALL
    (SELECT lower(username) FROM agentadm.users
     WHERE deleted_at IS NULL AND lower(username) >= %(start)s ORDER BY lower(username) LIMIT %(near)s)
) AS found
WHERE starts_with(value, %(start)s) AND {OUR_SCHEMA}
ORDER BY value LIMIT %(shown)s
"""  # noqa: S608 - a constant

OPERATIONS = f"""
SELECT value, told FROM (
    SELECT id::text AS value, command || to_char(started_at AT TIME ZONE 'UTC', ' YYYY-MM-DD HH24:MI') AS told,
        started_at
    FROM agentadm.operations ORDER BY started_at DESC LIMIT %(near)s
) AS found
WHERE starts_with(value, %(start)s) AND {OUR_SCHEMA}
ORDER BY started_at DESC LIMIT %(shown)s
"""  # noqa: S608 - a constant

TEAMS = f"""
SELECT value, told FROM (
    SELECT slug AS value, name AS told FROM agentadm.teams
    WHERE deleted_at IS NULL AND lower(slug) >= %(start)s ORDER BY lower(slug) LIMIT %(near)s
) AS found
WHERE starts_with(value, %(start)s) AND {OUR_SCHEMA}
ORDER BY value LIMIT %(shown)s
"""  # noqa: S608 - a constant

# By @handle, else by slug with its team; what comes after a / is completed within the team.
AGENTS = f"""
SELECT value, told FROM (
    (SELECT '@' || lower(handle) AS value, name AS told FROM agentadm.agents
     WHERE deleted_at IS NULL AND lower(handle) >= ltrim(%(start)s, '@') ORDER BY lower(handle) LIMIT %(near)s)
    UNION ALL
    (SELECT lower(t.slug) || '/' || a.slug, a.name FROM (
        SELECT id, slug FROM agentadm.teams
        WHERE deleted_at IS NULL AND lower(slug) >= split_part(%(start)s, '/', 1) ORDER BY lower(slug) LIMIT %(shown)s
     ) AS t
     JOIN LATERAL (
        SELECT slug, name FROM agentadm.agents
        WHERE team_id = t.id AND slug >= split_part(%(start)s, '/', 2) AND deleted_at IS NULL
        ORDER BY slug LIMIT %(near)s
     ) AS a ON true)
) AS found
WHERE starts_with(value, %(start)s) AND {OUR_SCHEMA}
ORDER BY value LIMIT %(shown)s
"""  # noqa: S608 - a constant

# The newest only: what a key begins with is no order that anybody knows.
KEYS = f"""
SELECT value, told FROM (
    SELECT display_start AS value, name AS told, created_at
    FROM agentadm.api_keys ORDER BY created_at DESC, id DESC LIMIT %(near)s
) AS found
WHERE starts_with(lower(value), %(start)s) AND {OUR_SCHEMA}
ORDER BY created_at DESC LIMIT %(shown)s
"""  # noqa: S608 - a constant

# The newest only, as with keys.
INSTANCES = f"""
SELECT value, told FROM (
    SELECT coalesce(machine_id, id::text) AS value, status AS told, created_at
    FROM agentadm.agent_instances ORDER BY created_at DESC, id DESC LIMIT %(near)s
) AS found
WHERE starts_with(lower(value), %(start)s) AND {OUR_SCHEMA}
ORDER BY created_at DESC LIMIT %(shown)s
"""  # noqa: S608 - a constant

RUNS = f"""
SELECT value, told FROM (
    SELECT id::text AS value, status || to_char(created_at AT TIME ZONE 'UTC', ' YYYY-MM-DD HH24:MI') AS told,
        created_at
    FROM agentadm.runs ORDER BY created_at DESC, id DESC LIMIT %(near)s
) AS found
WHERE starts_with(value, %(start)s) AND {OUR_SCHEMA}
ORDER BY created_at DESC LIMIT %(shown)s
"""  # noqa: S608 - a constant


PLANS = f"""
SELECT value, told FROM (
    SELECT id AS value, name AS told FROM agentadm.plans WHERE id >= %(start)s ORDER BY id LIMIT %(near)s
) AS found
WHERE starts_with(value, %(start)s) AND {OUR_SCHEMA}
ORDER BY value LIMIT %(shown)s
"""  # noqa: S608 - a constant


def _by_name(table: str, condition: str = "true") -> str:
    return f"""
SELECT value, told FROM (
    SELECT lower(name) AS value, id::text AS told FROM agentadm.{table}
    WHERE lower(name) >= %(start)s AND {condition} ORDER BY lower(name) LIMIT %(near)s
) AS found
WHERE starts_with(value, %(start)s) AND {OUR_SCHEMA}
ORDER BY value LIMIT %(shown)s
"""  # noqa: S608 - of names of ours


# By noun: a later one is a line here, and a completer beside its argument type in cli/options.py.
STATEMENTS = {
    "users": USERS,
    "operations": OPERATIONS,
    "teams": TEAMS,
    "projects": _by_name("projects"),
    "crews": _by_name("crews"),
    "instances": INSTANCES,
    "runs": RUNS,
    "models": _by_name("ai_models"),
    "workflows": _by_name("workflows", "deleted_at IS NULL"),
    "keys": KEYS,
    "plans": PLANS,
    "agents": AGENTS,
}

# One round trip with the statement itself, and what it asks for is gone at the end.
BEFORE = "BEGIN READ ONLY; SET LOCAL statement_timeout = {milliseconds}; SET LOCAL lock_timeout = {milliseconds};"
AFTER = "; COMMIT"

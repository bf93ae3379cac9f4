"""What `users show` adds to a user's row, as columns of the same statement.

Plain SQL: the tables of five other nouns would cost every command of this one more than the statement does.
"""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, literal_column
from sqlalchemy.dialects.postgresql import JSONB

RECENT = 5

LIVING_KEYS = """(
    SELECT count(*) FROM agentadm.api_keys k
    WHERE k.user_id = agentadm.users.id AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > agentadm.now())
)"""
LIVING_INSTANCES = """(
    SELECT count(*) FROM agentadm.agent_instances i
    WHERE i.user_id = agentadm.users.id AND i.status <> 'destroyed'
)"""
# By the index on user and time; what ran is looked up for those that are shown only.
RECENT_RUNS = f"""(
    SELECT coalesce(
        jsonb_agg(
            jsonb_build_object(
                'created_at', r.created_at,
                'what', coalesce(
                    (
                        SELECT t.slug || '/' || a.slug FROM agentadm.agents a JOIN agentadm.teams t ON t.id = a.team_id
                        WHERE a.id = r.agent_id
                    ),
                    (SELECT w.name FROM agentadm.workflows w WHERE w.id = r.workflow_id)
                ),
                'status', r.status
            )
            ORDER BY r.created_at DESC, r.id DESC
        ),
        '[]'
    )
    FROM (
        SELECT x.id, x.created_at, x.agent_id, x.workflow_id, x.status FROM agentadm.runs x
        WHERE x.user_id = agentadm.users.id ORDER BY x.created_at DESC LIMIT {RECENT}
    ) r
)"""  # noqa: S608 - a constant
PLAN = "agentadm.plan_of(agentadm.users.id, NULL)"
SCREEN: tuple[ColumnElement[Any], ...] = (
    literal_column(PLAN, Text()).label("plan"),
    literal_column(LIVING_KEYS, Integer()).label("api_keys"),
    literal_column(LIVING_INSTANCES, Integer()).label("instances"),
    literal_column(RECENT_RUNS, JSONB()).label("runs"),
)

"""Every statement about requests."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from platform_core.db.schema import AnyRow

RULES = text(
    """
    SELECT r.rule, r.allowed, r.value, r.wanted, r.message
    FROM agentadm.request_rules(:user_id, :key_id, :agent_id, :endpoint, :environment, :at, true) r
    """
)


def rules(
    connection: Connection,
    *,
    user_id: UUID | None,
    key_id: UUID | None,
    agent_id: UUID | None,
    endpoint: str | None,
    environment: str | None,
    at: datetime,
) -> list[AnyRow]:
    """Every rule that applies, in order: the function that refuses requests, asked for all of them."""
    parameters = {
        "user_id": user_id,
        "key_id": key_id,
        "agent_id": agent_id,
        "endpoint": endpoint,
        "environment": environment,
        "at": at,
    }
    return list(connection.execute(RULES, parameters).all())

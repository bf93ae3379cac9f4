"""The statements about versions of agents, and what of an agent can be made elsewhere."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from platform_core.agents.tables import agent_skills, agent_versions, agents
from platform_core.versions.queries import VersionStatements

VERSIONS = VersionStatements(agent_versions, "agent_id", agents, "spec_version")


def skills(connection: Connection, agent_id: UUID) -> list[dict[str, Any]]:
    """The skills of an agent, by name."""
    columns = agent_skills.c
    statement = select(columns.name, columns.description, columns.config).where(columns.agent_id == agent_id)
    return [dict(row._mapping) for row in connection.execute(statement.order_by(columns.name))]

"""Every statement about what users set for agents."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, update

from platform_core.agents.tables import agent_configurations, agents
from platform_core.db.schema import AnyRow
from platform_core.teams.tables import teams
from platform_core.users.tables import users

columns = agent_configurations.c
user = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.user_id).scalar_subquery()
agent = (
    select(teams.c.slug + "/" + agents.c.slug)
    .where(agents.c.id == columns.agent_id, teams.c.id == agents.c.team_id)
    .scalar_subquery()
)


def load(connection: Connection, agent_id: UUID, user_id: UUID, *, lock: bool = False) -> AnyRow | None:
    """What a user set for an agent; locked for the rest of the transaction if asked."""
    statement = select(agent_configurations, agent.label("agent"), user.label("user")).where(
        columns.agent_id == agent_id, columns.user_id == user_id
    )
    return connection.execute(statement.with_for_update(of=agent_configurations) if lock else statement).first()


def create(connection: Connection, agent_id: UUID, user_id: UUID, configuration: Mapping[str, Any]) -> None:
    """Insert what a user sets."""
    connection.execute(
        insert(agent_configurations).values(agent_id=agent_id, user_id=user_id, configuration=dict(configuration))
    )


def change(connection: Connection, configuration_id: UUID, configuration: Mapping[str, Any]) -> None:
    """Set it anew."""
    connection.execute(
        update(agent_configurations).where(columns.id == configuration_id).values(configuration=dict(configuration))
    )

"""The rules of what users set for agents; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.agents import configuration_queries as queries
from platform_core.agents.part_types import Configuration
from platform_core.db.schema import AnyRow
from platform_core.errors import NotFound
from platform_core.services import Service


class ConfigurationService(Service):
    """What users set for agents."""

    def show(self, agent: str, user: str) -> Configuration:
        """What a user set for an agent.

        Raises:
            NotFound, Conflict: a reference names none, or several; the user set nothing.
        """
        row = queries.load(self._connection, self._services.agents.find(agent), self._services.users.find(user))
        if row is None:
            raise NotFound(
                f"{user} has set nothing for agent {agent}", f"agentadm agents configurations set {agent} {user}"
            )
        return _configuration(row)

    def set(self, agent: str, user: str, configuration: Mapping[str, Any]) -> Configuration:
        """Set what a user's configuration of an agent is, in place of all that is there.

        Raises:
            NotFound, Conflict: a reference names none, or several.
        """
        agent_id, user_id = self._services.agents.hold(agent), self._services.users.hold(user)
        there = queries.load(self._connection, agent_id, user_id, lock=True)
        if there is None:
            queries.create(self._connection, agent_id, user_id, configuration)
        elif there.configuration != configuration:
            queries.change(self._connection, there.id, configuration)
        return self._loaded(agent_id, user_id)

    def _loaded(self, agent_id: UUID, user_id: UUID) -> Configuration:
        row = queries.load(self._connection, agent_id, user_id)
        if row is None:
            raise NotFound("the configuration is gone", "try again")
        return _configuration(row)


def _configuration(row: AnyRow) -> Configuration:
    return Configuration(**row._mapping)

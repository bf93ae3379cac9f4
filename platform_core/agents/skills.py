"""The rules of skills of agents; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.agents import skill_queries as queries
from platform_core.agents.part_types import Skill
from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import checked_name, exactly_one
from platform_core.services import Service


class SkillService(Service):
    """What agents have learned."""

    def list(self, agent: str, request: ListRequest) -> Rows[Skill]:
        """An agent's skills, by name.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = [queries.of_agent(self._services.agents.find(agent))]
        return ListService(self._connection, queries.LIST, request, _skill, filters)

    def add(self, agent: str, name: str, values: Mapping[str, Any], *, replace: bool = False) -> Skill:
        """Give an agent a skill. One that is there and like it stays as it is.

        Args:
            agent: reference.
            name: unique in the agent.
            values: description and config, as far as they are known.
            replace: change the skill of this name, if there is one.

        Raises:
            NotFound, Conflict: the reference names none, or several; there is another skill of this name.
            UsageError: the name is none.
        """
        checked_name(name)
        agent_id = self._services.agents.hold(agent)
        there = queries.named(self._connection, agent_id, name)
        if there is None:
            return self._skill(queries.create(self._connection, agent_id, name, values))
        changed = {field: value for field, value in values.items() if getattr(there, field) != value}
        if changed and not replace:
            raise Conflict(
                f"agent {agent} has a skill {name!r} already, with another {', '.join(changed)}",
                "--replace changes the one that is there",
            )
        if changed:
            queries.change(self._connection, there.id, changed)
        return self._skill(there.id)

    def remove(self, agent: str, reference: str) -> Skill:
        """Take a skill away; `audit undo` brings it back.

        Raises:
            NotFound, Conflict: a reference names none, or several.
        """
        row = self._one(agent, reference)
        queries.remove(self._connection, row.id)
        return _skill(row)

    def find(self, agent: str, reference: str) -> UUID:
        """The key of the skill that a reference names.

        Raises:
            NotFound, Conflict: a reference names none, or several.
        """
        found: UUID = self._one(agent, reference).id
        return found

    def _one(self, agent: str, reference: str) -> AnyRow:
        rows = queries.find(self._connection, self._services.agents.find(agent), reference)
        hint = f"agentadm agents skills list {agent} shows them"
        exactly_one("skill", reference, [(row.id, row.name) for row in rows], hint)
        return rows[0]

    def _skill(self, skill_id: UUID) -> Skill:
        return _skill(queries.load_by_id(self._connection, skill_id))


def _skill(row: AnyRow) -> Skill:
    return Skill(*row[: len(queries.SHOWN)])

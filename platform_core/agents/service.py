"""The rules of agents; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.agents import queries, rules
from platform_core.agents.types import (
    CONTACTS,
    EDGES,
    Agent,
    AgentStatus,
    AgentSummary,
    AgentType,
    NewAgent,
)
from platform_core.db.schema import AnyRow
from platform_core.deletable.service import DeletableService
from platform_core.errors import Conflict, NotFound
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.masking import MASK
from platform_core.slugs import checked_slug, slug_of
from platform_core.states import may_become
from platform_core.teams.rules import is_deleted
from platform_core.versions.service import hand_on
from platform_core.versions.types import NO_NOTE, ChangeNote


class AgentService(DeletableService):
    """Agents: what they are and what state they are in."""

    noun = "agent"
    statements = queries.AGENTS
    find_hint = "an agent is named as team/slug, by its @handle, its id, or the last 8 digits or more of its id"
    sigil = "@"

    def list(
        self,
        request: ListRequest,
        *,
        team: str | None = None,
        status: AgentStatus | None = None,
        agent_type: AgentType | None = None,
        tool: str | None = None,
        search: str | None = None,
        deleted: bool = False,
    ) -> Rows[AgentSummary]:
        """Agents, newest first.

        Args:
            request: conditions, order and limit.
            team: reference of a team; keep only its agents.
            status, agent_type: keep only these.
            tool: keep only those that may use it.
            search: keep only those in whose name, description or specification these words are.
            deleted: the deleted ones instead of the living.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(
            team_id=None if team is None else self._services.teams.find(team),
            status=status,
            agent_type=agent_type,
            tool=tool,
            search=search,
            deleted=deleted,
        )
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str, *, deleted: bool = False, reveal: bool = False) -> Agent:
        """One agent whole, in one statement. Contacts are decrypted only to be revealed.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: the key material is not here.
        """
        row = self._load(reference, deleted=deleted)
        return _agent(row, self._contacts(row) if reveal else {})

    def create(
        self, new: NewAgent, team_id: UUID, *, note: ChangeNote = NO_NOTE, created_by: str | None = None,
        if_not_exists: bool = False,
    ) -> Agent:  # fmt: skip
        """Make an agent. A personal or work agent has an instance of its own at once.

        Args:
            new: what is known.
            team_id: whose it is; see owner_of.
            note: what its first version keeps.
            created_by: reference of a user.
            if_not_exists: return the living agent of the team with this slug, unchanged, when there is one.

        Raises:
            NotFound, Conflict: a reference names none, or several; the slug or the handle is taken; the team or its
                customer has as many agents as it may.
            UsageError: the name, slug, handle or specification is none; the provider has no model by default.
        """
        values = rules.checked({**new.values, "name": new.name})
        slug = checked_slug(new.slug) if new.slug is not None else slug_of(new.name)
        creator = None if created_by is None else self._services.users.hold(created_by)
        hand_on(self._services, note)
        team = self._services.teams.lock_counts(team_id)
        if team.deleted_at is not None:
            raise NotFound(f"team {team.slug} was just deleted", "look at it, then try again")
        if (holder := queries.holder_of_slug(self._connection, team_id, slug)) is not None:
            if if_not_exists and holder.deleted_at is None:
                return self._agent(holder.id)
            raise Conflict(f"the slug {slug!r} is taken by {rules.told(holder)}", "choose another with --slug")
        personal = team.personal_of is not None
        agent_type = new.agent_type or (AgentType.PERSONAL if personal else AgentType.TEAM)
        rules.refuse_taken_handle(self._services, values.get("handle"))
        rules.refuse_full(self._services, team, agent_type)
        values |= rules.model_of(values, team.default_llm_provider)
        values |= {name: rules.encrypted(self._services, values[name]) for name in CONTACTS if name in values}
        values |= {"team_id": team_id, "slug": slug, "agent_type": agent_type.value, "created_by": creator}
        return self._agent(self.statements.create(self._connection, values))

    def owner_of(self, *, team: str | None, user: str | None) -> UUID:
        """The team that an agent is to belong to; see TeamService.owner_of."""
        return self._services.teams.owner_of("an agent", team=team, user=user)

    def update(self, reference: str, values: Mapping[str, Any], *, note: ChangeNote = NO_NOTE) -> Agent:
        """Set columns of an agent; None takes a value away. Another specification makes the next version.

        Raises:
            NotFound, Conflict: the reference names none, or several; the slug or the handle is taken; there are as many
                agents of the type as there may be, or no agent can become one of it.
            UsageError: the name, slug, handle or specification is none.
        """
        row = self._lock(reference)
        wanted = rules.checked(values)
        if (slug := wanted.get("slug")) is not None:
            holder = queries.holder_of_slug(self._connection, row.team_id, checked_slug(slug))
            if holder is not None and holder.id != row.id:
                raise Conflict(f"the slug {slug!r} is taken by {rules.told(holder)}", "choose another")
        rules.refuse_taken_handle(self._services, wanted.get("handle"), but=row.id)
        if (agent_type := wanted.get("agent_type")) is not None and agent_type != row.agent_type:
            rules.refuse_type(self._services, row, AgentType(agent_type))
        hand_on(self._services, note)
        if changed := rules.changed(self._services, row, wanted):
            self.statements.change(self._connection, row.id, changed)
        return self._agent(row.id)

    def pause(self, reference: str) -> Agent:
        """Stop an agent for a while; nothing is lost.

        Raises:
            NotFound, Conflict: the reference names none, or several; it is not active.
        """
        return self._move(reference, AgentStatus.PAUSED)

    def resume(self, reference: str) -> Agent:
        """Make an agent active: a draft, or one that was paused or archived.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._move(reference, AgentStatus.ACTIVE)

    def archive(self, reference: str) -> Agent:
        """Put an agent away.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._move(reference, AgentStatus.ARCHIVED)

    def delete(self, reference: str) -> Agent:
        """Delete an agent, softly, and destroy its instances; its slug and handle stay taken.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        row = self._lock(reference)
        self.statements.set_deleted(self._connection, row.id, deleted=True)
        return self._agent(row.id)

    def restore(self, reference: str) -> Agent:
        """Bring a deleted agent back, with the instances that were destroyed with it.

        Raises:
            NotFound, Conflict: the reference names none that is deleted, or several; its team is deleted, or may not
                have one more.
        """
        row = self._lock(reference, deleted=True)
        team = self._services.teams.lock_counts(row.team_id)
        if team.deleted_at is not None:
            raise is_deleted(team, f" of agent {row.label}")
        rules.refuse_full(self._services, team, AgentType(row.agent_type))
        self.statements.set_deleted(self._connection, row.id, deleted=False)
        return self._agent(row.id)

    def _move(self, reference: str, status: AgentStatus) -> Agent:
        row = self._lock(reference)
        if not may_become(f"agent {row.label}", AgentStatus(row.status), status, EDGES):
            return _agent(row, {})
        self.statements.change(self._connection, row.id, {"status": status.value})
        return self._agent(row.id)

    def _agent(self, agent_id: UUID) -> Agent:
        return _agent(self.statements.load_by_id(self._connection, agent_id), {})

    def _contacts(self, row: AnyRow) -> dict[str, str]:
        stored = {name: getattr(row, name) for name in CONTACTS}
        return {name: self._services.key_ring.decrypt(value) for name, value in stored.items() if value is not None}


def _summary(row: AnyRow) -> AgentSummary:
    return AgentSummary(*row[: len(queries.SUMMARY)])


def _agent(row: AnyRow, contacts: dict[str, str]) -> Agent:
    fields = dict(row._mapping)
    del fields["label"]
    fields |= {name: None if fields[name] is None else contacts.get(name, MASK) for name in CONTACTS}
    fields |= {name: tuple(fields[name]) for name in ("tools", "invariants", "behavior_examples")}
    return Agent(**{**fields, "agent_type": AgentType(row.agent_type), "status": AgentStatus(row.status)})

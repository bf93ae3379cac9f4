"""The rules of agents; one method a command."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from platform_core.agents import queries, rules
from platform_core.agents.types import (
    CONTACTS,
    EDGES,
    Agent,
    AgentStatus,
    AgentSummary,
    AgentType,
    ChangeNote,
    NewAgent,
)
from platform_core.db.schema import AnyRow
from platform_core.db.transaction_queries import note_change
from platform_core.errors import Conflict, NotFound, UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.masking import MASK
from platform_core.near import nearest
from platform_core.refs import exactly_one
from platform_core.teams.service import checked_slug, slug_of

if TYPE_CHECKING:
    from platform_core.services import Services

NO_NOTE = ChangeNote()
FIND_HINT = "an agent is named as team/slug, by its @handle, its id, or the last 8 digits or more of its id"


class AgentService:
    """Agents: what they are and what state they are in.

    Args:
        services: of the unit of work.
    """

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._connection = services.connection

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
        rows = queries.load(self._connection, reference, deleted=deleted)
        found = [(row.id, row.label) for row in rows]
        exactly_one("agent", reference, found, self._hint(reference, found, deleted=deleted))
        return _agent(rows[0], self._contacts(rows[0]) if reveal else {})

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
        self._note(note)
        team = queries.lock_team(self._connection, team_id)
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
        return self._agent(queries.create(self._connection, values))

    def owner_of(self, *, team: str | None, user: str | None) -> UUID:
        """The team that an agent is to belong to: the one named, or the user's personal one, made now if need be.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: both were named, or neither.
        """
        if (team is None) == (user is None):
            raise UsageError(
                "an agent belongs to a team, or to a user's personal one", "give --team TEAM, or --user USER"
            )
        return self._services.teams.find(team or "") if user is None else self._services.teams.personal(user).id

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
        self._note(note)
        if changed := rules.changed(self._services, row, wanted):
            queries.change(self._connection, row.id, changed)
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
        queries.set_deleted(self._connection, row.id, deleted=True)
        return self._agent(row.id)

    def restore(self, reference: str) -> Agent:
        """Bring a deleted agent back, with the instances that were destroyed with it.

        Raises:
            NotFound, Conflict: the reference names none that is deleted, or several; its team is deleted, or may not
                have one more.
        """
        row = self._lock(reference, deleted=True)
        team = queries.lock_team(self._connection, row.team_id)
        if team.deleted_at is not None:
            how = f"teams restore {team.slug}" if team.personal_of is None else f"users restore {team.personal_of}"
            raise Conflict(f"team {team.slug} of agent {row.label} is deleted", f"restore it first: agentadm {how}")
        rules.refuse_full(self._services, team, AgentType(row.agent_type))
        queries.set_deleted(self._connection, row.id, deleted=False)
        return self._agent(row.id)

    def find(self, reference: str, *, deleted: bool = False) -> UUID:
        """The key of the agent that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        found = queries.find(self._connection, reference, deleted=deleted)
        return exactly_one("agent", reference, found, self._hint(reference, found, deleted=deleted))

    def hold(self, reference: str) -> UUID:
        """As find, for a row that is to name the agent: nobody deletes the agent until the end.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        agent_id = self.find(reference)
        if not queries.hold(self._connection, agent_id):
            raise _gone(reference)
        return agent_id

    def _lock(self, reference: str, *, deleted: bool = False) -> AnyRow:
        """The agent's row, locked, and still as it was found."""
        row = queries.load_by_id(self._connection, self.find(reference, deleted=deleted), lock=True)
        if (row.deleted_at is not None) is not deleted:
            raise _gone(reference)
        return row

    def _note(self, note: ChangeNote) -> None:
        """Hand on what the next version keeps; also that it keeps nothing, where an earlier change had more to say."""
        user_id = None if note.changed_by is None else self._services.users.hold(note.changed_by)
        note_change(self._connection, note.notes, user_id)

    def _move(self, reference: str, status: AgentStatus) -> Agent:
        row = self._lock(reference)
        if row.status == status.value:
            return _agent(row, {})
        if status not in (legal := EDGES[AgentStatus(row.status)]):
            raise Conflict(
                f"agent {row.label} is {row.status}, and cannot become {status}",
                f"from {row.status} it can become: {', '.join(legal)}",
            )
        queries.change(self._connection, row.id, {"status": status.value})
        return self._agent(row.id)

    def _agent(self, agent_id: UUID) -> Agent:
        return _agent(queries.load_by_id(self._connection, agent_id), {})

    def _contacts(self, row: AnyRow) -> dict[str, str]:
        stored = {name: getattr(row, name) for name in CONTACTS}
        return {name: self._services.key_ring.decrypt(value) for name, value in stored.items() if value is not None}

    def _hint(self, reference: str, found: Sequence[object], *, deleted: bool) -> str:
        """What to name instead: who may have been meant, where there is nobody."""
        if found:
            return FIND_HINT
        if other := queries.find(self._connection, reference, deleted=not deleted):
            return f"{other[0][1]} is {'not ' if deleted else ''}deleted{'' if deleted else ': look with --deleted'}"
        around = queries.near(self._connection, reference)
        near = nearest(reference.removeprefix("@").rpartition("/")[2].lower(), around)
        return f"did you mean {around[near[0]]!r}? {FIND_HINT}" if near else FIND_HINT


def _gone(reference: str) -> NotFound:
    return NotFound(f"agent {reference!r} was just deleted or restored", "look at it, then try again")


def _summary(row: AnyRow) -> AgentSummary:
    return AgentSummary(*row[: len(queries.SUMMARY)])


def _agent(row: AnyRow, contacts: dict[str, str]) -> Agent:
    fields = dict(row._mapping)
    del fields["label"]
    fields |= {name: None if fields[name] is None else contacts.get(name, MASK) for name in CONTACTS}
    fields |= {name: tuple(fields[name]) for name in ("tools", "invariants", "behavior_examples")}
    return Agent(**{**fields, "agent_type": AgentType(row.agent_type), "status": AgentStatus(row.status)})

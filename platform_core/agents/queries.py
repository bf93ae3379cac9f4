"""Every statement about agents. Those about their versions and specifications are in spec_queries.py."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, or_, select, true

from platform_core.agents.tables import agents
from platform_core.agents.types import CONTACTS, AgentStatus, AgentType
from platform_core.db.reference_queries import around, ends_with, named_or_id
from platform_core.db.schema import AnyRow
from platform_core.deletable.queries import DeletableStatements
from platform_core.instances.tables import agent_instances
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.teams.tables import teams

columns = agents.c
team = select(teams.c.slug).where(teams.c.id == columns.team_id).scalar_subquery()
# As references name it.
label = func.concat_ws("/", team, columns.slug)
living_instances = (
    select(func.count())
    .where(agent_instances.c.agent_id == columns.id, agent_instances.c.status != "destroyed")
    .scalar_subquery()
)
# The expression of agents_search_idx, letter by letter.
SEARCHED: ColumnElement[Any] = literal_column(
    "to_tsvector('simple', agents.name || ' ' || coalesce(agents.description, '')"
    " || ' ' || coalesce(agents.spec_content, ''))"
)
# Encrypted, and handed out agent by agent.
contacts = func.agentadm.agent_contacts(columns.id).table_valued(*CONTACTS).lateral()
SUMMARY = (
    "team", "slug", "name", "handle", "agent_type", "status", "spec_version", "last_run_at", "created_at", "id",
)  # fmt: skip

LIST = ListSpec(
    fields={
        **fields_of(
            agents,
            words={"agent_type": tuple(AgentType), "status": tuple(AgentStatus)},
            leave_out=frozenset(CONTACTS),
        ),
        "team": Field(teams.c.slug, Kind.TEXT),
    },
    columns={name: teams.c.slug if name == "team" else columns[name] for name in SUMMARY},
    sorts={
        "created_at": Sort(columns.created_at),
        "last_run_at": Sort(columns.last_run_at, nullable=True),
        "slug": Sort(columns.slug),
        "id": Sort(columns.id),
    },
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
    # A user sees the catalogue's agents, and not their team.
    source=agents.outerjoin(teams, teams.c.id == columns.team_id),
)


def _is_named_by(reference: str) -> ColumnElement[bool]:
    """Whether an agent may be meant: by @handle, team/slug, id, ending of an id, or slug. Each uses its own index."""
    whole = as_uuid(reference)
    if whole is not None:
        return columns.id == whole
    if reference.startswith("@"):
        return func.lower(columns.handle) == reference[1:].lower()
    of_team, slash, slug = reference.rpartition("/")
    named = columns.slug == slug.lower()
    if slash:
        return named & columns.team_id.in_(select(teams.c.id).where(named_or_id(teams.c.id, teams.c.slug, of_team)))
    ending = as_uuid_ending(reference)
    return named if ending is None else or_(named, ends_with(columns.id, ending))


def near(connection: Connection, reference: str) -> dict[str, str]:
    """What stands around a reference in its index, handles or slugs, each with the reference that it would be."""
    by_handle = reference.startswith("@")
    value: ColumnElement[Any] = func.lower(columns.handle) if by_handle else columns.slug
    shown: ColumnElement[Any] = func.concat("@", columns.handle) if by_handle else label
    start = reference.removeprefix("@").rpartition("/")[2].lower()
    return around(connection, value, start, columns.deleted_at.is_(None), shown=shown)


def _whole() -> Select[*tuple[Any, ...]]:
    shown = [column for column in columns if column.name not in CONTACTS]
    whole = select(*shown, *contacts.c, team.label("team"), living_instances.label("instances"), label.label("label"))
    return whole.join_from(agents, contacts, true(), isouter=True)


AGENTS = DeletableStatements(agents, _whole(), label, named=_is_named_by, near=near)


def list_filters(
    *,
    team_id: UUID | None,
    status: AgentStatus | None,
    agent_type: AgentType | None,
    tool: str | None,
    search: str | None,
    deleted: bool,
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters = [AGENTS.in_state(deleted=deleted)]
    filters += [columns.team_id == team_id] if team_id is not None else []
    filters += [columns.status == status.value] if status is not None else []
    filters += [columns.agent_type == agent_type.value] if agent_type is not None else []
    filters += [columns.tools.contains([tool])] if tool is not None else []
    if search is not None:
        filters.append(SEARCHED.op("@@")(func.websearch_to_tsquery(literal_column("'simple'"), search)))
    return filters


def holder_of_slug(connection: Connection, team_id: UUID, slug: str) -> AnyRow | None:
    """The agent of a team, living or deleted, that has a slug."""
    named = select(columns.id, columns.deleted_at, label.label("label"))
    return connection.execute(named.where(columns.team_id == team_id, columns.slug == slug)).first()


def holder_of_handle(connection: Connection, handle: str) -> AnyRow | None:
    """The agent, living or deleted, that has a handle, whatever its case."""
    named = select(columns.id, columns.deleted_at, label.label("label"))
    return connection.execute(named.where(func.lower(columns.handle) == handle.lower())).first()

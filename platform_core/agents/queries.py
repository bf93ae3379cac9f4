"""Every statement about agents. Those about their versions and specifications are in spec_queries.py."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, insert, literal_column, or_, select, update

from platform_core.agents.tables import agents
from platform_core.agents.types import AgentStatus, AgentType
from platform_core.db.reference_queries import ends_with, named_or_id
from platform_core.db.schema import AnyRow
from platform_core.instances.tables import agent_instances
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.teams.tables import teams

CANDIDATES = 10

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
SUMMARY = (
    "team", "slug", "name", "handle", "agent_type", "status", "spec_version", "last_run_at", "created_at", "id",
)  # fmt: skip

LIST = ListSpec(
    fields={
        **fields_of(
            agents,
            words={"agent_type": tuple(AgentType), "status": tuple(AgentStatus)},
            leave_out=frozenset({"contact_email", "contact_phone", "contact_whatsapp"}),
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


def _in_state(*, deleted: bool) -> ColumnElement[bool]:
    return columns.deleted_at.is_not(None) if deleted else columns.deleted_at.is_(None)


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


def find(connection: Connection, reference: str, *, deleted: bool) -> list[tuple[UUID, str]]:
    """Candidates of a reference among the living, or among the deleted, as team/slug."""
    statement = select(columns.id, label.label("label")).where(_is_named_by(reference), _in_state(deleted=deleted))
    return [(row.id, row.label) for row in connection.execute(statement.limit(CANDIDATES))]


def near(connection: Connection, reference: str) -> dict[str, str]:
    """What stands around a reference in its index, handles or slugs, each with the reference that it would be."""
    by_handle = reference.startswith("@")
    value: ColumnElement[Any] = func.lower(columns.handle) if by_handle else columns.slug
    shown: ColumnElement[Any] = func.concat("@", columns.handle) if by_handle else label
    start = reference.removeprefix("@").rpartition("/")[2].lower()
    found: dict[str, str] = {}
    for side, order in ((value >= start, value), (value < start, value.desc())):
        around = select(value, shown).where(side, columns.deleted_at.is_(None)).order_by(order).limit(CANDIDATES)
        found |= {row[0]: row[1] for row in connection.execute(around)}
    return found


def _whole() -> Select[*tuple[Any, ...]]:
    return select(agents, team.label("team"), living_instances.label("instances"), label.label("label"))


def load(connection: Connection, reference: str, *, deleted: bool) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    statement = _whole().where(_is_named_by(reference), _in_state(deleted=deleted)).limit(CANDIDATES)
    return list(connection.execute(statement).all())


def load_by_id(connection: Connection, agent_id: UUID, *, lock: bool = False) -> AnyRow:
    """One row whole; locked for the rest of the transaction if asked."""
    statement = _whole().where(columns.id == agent_id)
    return connection.execute(statement.with_for_update(of=agents) if lock else statement).one()


def hold(connection: Connection, agent_id: UUID) -> bool:
    """Keep an agent from being deleted until the end of the transaction; False where that has happened."""
    living = select(columns.id).where(columns.id == agent_id, columns.deleted_at.is_(None))
    return connection.execute(living.with_for_update(read=True)).first() is not None


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
    filters = [_in_state(deleted=deleted)]
    filters += [columns.team_id == team_id] if team_id is not None else []
    filters += [columns.status == status.value] if status is not None else []
    filters += [columns.agent_type == agent_type.value] if agent_type is not None else []
    filters += [columns.tools.contains([tool])] if tool is not None else []
    if search is not None:
        filters.append(SEARCHED.op("@@")(func.websearch_to_tsquery(literal_column("'simple'"), search)))
    return filters


def change(connection: Connection, agent_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of an agent."""
    connection.execute(update(agents).where(columns.id == agent_id).values(**values))


def lock_team(connection: Connection, team_id: UUID) -> AnyRow:
    """A team's row, locked against whoever makes, deletes or restores agents in it: its counts stay as they are."""
    return connection.execute(select(teams).where(teams.c.id == team_id).with_for_update(key_share=True)).one()


def holder_of_slug(connection: Connection, team_id: UUID, slug: str) -> AnyRow | None:
    """The agent of a team, living or deleted, that has a slug."""
    named = select(columns.id, columns.deleted_at, label.label("label"))
    return connection.execute(named.where(columns.team_id == team_id, columns.slug == slug)).first()


def holder_of_handle(connection: Connection, handle: str) -> AnyRow | None:
    """The agent, living or deleted, that has a handle, whatever its case."""
    named = select(columns.id, columns.deleted_at, label.label("label"))
    return connection.execute(named.where(func.lower(columns.handle) == handle.lower())).first()


def create(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Insert an agent. Returns the key that the database made."""
    return connection.execute(insert(agents).values(**values).returning(columns.id)).scalar_one()


def set_deleted(connection: Connection, agent_id: UUID, *, deleted: bool) -> None:
    """Delete an agent, softly, or take that back; triggers do the same to its instances."""
    change(connection, agent_id, {"deleted_at": func.agentadm.now() if deleted else None})

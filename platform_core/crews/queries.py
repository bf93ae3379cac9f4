"""Every statement about crews."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from platform_core.agents.tables import agents
from platform_core.crews.tables import crew_instances, crews
from platform_core.db.reference_queries import CANDIDATES, named_or_id
from platform_core.db.schema import AnyRow
from platform_core.instances.tables import agent_instances
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.projects.tables import projects
from platform_core.teams.tables import teams
from platform_core.users.tables import users

columns = crews.c
placed = crew_instances.c
instances = agent_instances.c
project = select(projects.c.name).where(projects.c.id == columns.project_id).scalar_subquery()
LIST = ListSpec(
    fields={**fields_of(crews, words={}), "project": Field(project, Kind.TEXT)},
    columns={"name": columns.name, "project": project, "created_at": columns.created_at, "id": columns.id},
    sorts={"created_at": Sort(columns.created_at), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)
# What is seen of an instance in a crew. Its row may be hidden from whoever reads with a user's eyes.
_PLACED: Mapping[str, ColumnElement[Any]] = {
    "crew": columns.name,
    "position": placed.position,
    "agent": (
        select(teams.c.slug + "/" + agents.c.slug)
        .where(agents.c.id == instances.agent_id, teams.c.id == agents.c.team_id)
        .scalar_subquery()
    ),
    "user": (
        select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == instances.user_id).scalar_subquery()
    ),
    "display_name": instances.display_name,
    "status": instances.status,
    "instance_id": placed.instance_id,
    "id": placed.id,
}
_IN_CREW = crew_instances.outerjoin(agent_instances, instances.id == placed.instance_id)
instance_list = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(*(part for each in _PLACED.items() for part in each)), placed.position
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .select_from(_IN_CREW)
    .where(placed.crew_id == columns.id)
    .correlate(crews)
    .scalar_subquery()
)


def _whole() -> Select[*tuple[Any, ...]]:
    return select(crews, project.label("project"), instance_list.label("instances"))


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference, each with its project."""
    statement = select(columns.id, columns.name, project.label("project"))
    named = statement.where(named_or_id(columns.id, columns.name, reference)).limit(CANDIDATES)
    return [(row.id, f"{row.name} of {row.project}") for row in connection.execute(named)]


def load(connection: Connection, reference: str) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    statement = _whole().where(named_or_id(columns.id, columns.name, reference))
    return list(connection.execute(statement.limit(CANDIDATES)).all())


def load_by_id(connection: Connection, crew_id: UUID) -> AnyRow:
    """One row whole."""
    return connection.execute(_whole().where(columns.id == crew_id)).one()


def list_filters(project_id: UUID | None) -> list[ColumnElement[bool]]:
    """The real option of the list as a condition."""
    return [] if project_id is None else [columns.project_id == project_id]


def create(connection: Connection, project_id: UUID, name: str) -> UUID:
    """Insert a crew. Returns the key that the database made."""
    statement = insert(crews).values(project_id=project_id, name=name)
    return connection.execute(statement.returning(columns.id)).scalar_one()


def change(connection: Connection, crew_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a crew."""
    connection.execute(update(crews).where(columns.id == crew_id).values(**values))


def remove(connection: Connection, crew_id: UUID) -> None:
    """Delete a crew."""
    connection.execute(delete(crews).where(columns.id == crew_id))


# ----------------------------------------------------------------------------------------------------------- instances


def lock(connection: Connection, crew_id: UUID) -> None:
    """Keep others from the crew's places until the end of the transaction."""
    connection.execute(select(columns.id).where(columns.id == crew_id).with_for_update()).one()


def find_instance(connection: Connection, crew_id: UUID, instance_id: UUID) -> AnyRow | None:
    """An instance's place in a crew."""
    statement = (
        select(*(column.label(name) for name, column in _PLACED.items()))
        .select_from(_IN_CREW.join(crews, columns.id == placed.crew_id))
        .where(placed.crew_id == crew_id, placed.instance_id == instance_id)
    )
    return connection.execute(statement).first()


def add_instance(connection: Connection, crew_id: UUID, instance_id: UUID) -> None:
    """Give an instance the place after the last one. The caller holds the crew."""
    place = select(func.coalesce(func.max(placed.position), 0) + 1).where(placed.crew_id == crew_id).scalar_subquery()
    connection.execute(insert(crew_instances).values(crew_id=crew_id, instance_id=instance_id, position=place))


def remove_instance(connection: Connection, place_id: UUID) -> None:
    """Delete a place; the others keep theirs."""
    connection.execute(delete(crew_instances).where(placed.id == place_id))

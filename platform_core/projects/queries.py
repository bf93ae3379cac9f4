"""Every statement about projects."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from platform_core.crews.tables import crews
from platform_core.db.reference_queries import CANDIDATES, named_or_id
from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.projects.tables import projects
from platform_core.teams.tables import teams
from platform_core.users.tables import users

columns = projects.c
user = (
    select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.owner_user_id).scalar_subquery()
)
team = select(teams.c.slug).where(teams.c.id == columns.owner_team_id).scalar_subquery()
crew_names = (
    select(func.array_agg(aggregate_order_by(crews.c.name, crews.c.id)))
    .where(crews.c.project_id == columns.id)
    .scalar_subquery()
)

LIST = ListSpec(
    fields={**fields_of(projects, words={}), "user": Field(user, Kind.TEXT), "team": Field(team, Kind.TEXT)},
    columns={
        "name": columns.name,
        "user": user,
        "team": team,
        "created_at": columns.created_at,
        "id": columns.id,
    },
    sorts={"created_at": Sort(columns.created_at), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference."""
    statement = select(columns.id, columns.name).where(named_or_id(columns.id, columns.name, reference))
    return [(row.id, row.name) for row in connection.execute(statement.limit(CANDIDATES))]


def _whole() -> Select[*tuple[Any, ...]]:
    return select(projects, user.label("user"), team.label("team"), crew_names.label("crews"))


def load(connection: Connection, reference: str) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    statement = _whole().where(named_or_id(columns.id, columns.name, reference))
    return list(connection.execute(statement.limit(CANDIDATES)).all())


def load_by_id(connection: Connection, project_id: UUID) -> AnyRow:
    """One row whole."""
    return connection.execute(_whole().where(columns.id == project_id)).one()


def list_filters(*, user_id: UUID | None, team_id: UUID | None) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = [columns.owner_user_id == user_id] if user_id is not None else []
    return [*filters, columns.owner_team_id == team_id] if team_id is not None else filters


def create(
    connection: Connection, name: str, description: str | None, user_id: UUID | None, team_id: UUID | None
) -> UUID:
    """Insert a project. Returns the key that the database made."""
    statement = insert(projects).values(
        name=name, description=description, owner_user_id=user_id, owner_team_id=team_id
    )
    return connection.execute(statement.returning(columns.id)).scalar_one()


def change(connection: Connection, project_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a project."""
    connection.execute(update(projects).where(columns.id == project_id).values(**values))


def remove(connection: Connection, project_id: UUID) -> None:
    """Delete a project with its crews."""
    connection.execute(delete(projects).where(columns.id == project_id))

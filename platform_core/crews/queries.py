"""Every statement about crews."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, delete, insert, select, update

from platform_core.crews.tables import crews
from platform_core.db.reference_queries import named_or_id
from platform_core.db.schema import AnyRow
from platform_core.listing.queries import ListSpec, Sort, fields_of
from platform_core.projects.tables import projects

CANDIDATES = 10

columns = crews.c
project = select(projects.c.name).where(projects.c.id == columns.project_id).scalar_subquery()
LIST = ListSpec(
    fields=fields_of(crews, words={}),
    columns={"name": columns.name, "project": project, "created_at": columns.created_at, "id": columns.id},
    sorts={"created_at": Sort(columns.created_at), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def _whole() -> Select[*tuple[Any, ...]]:
    return select(crews, project.label("project"))


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

"""Every statement about skills of agents."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from platform_core.agents.tables import agent_skills
from platform_core.db.reference_queries import CANDIDATES, ends_with
from platform_core.db.schema import AnyRow
from platform_core.listing.queries import ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending

columns = agent_skills.c
SHOWN = ("name", "description", "config", "created_at", "updated_at", "id")
LIST = ListSpec(
    fields=fields_of(agent_skills, words={}),
    columns={name: columns[name] for name in SHOWN},
    sorts={"name": Sort(columns.name), "id": Sort(columns.id)},
    default_sort="name",
    key=columns.id,
    time=columns.created_at,
)


def of_agent(agent_id: UUID) -> ColumnElement[bool]:
    """The skills of one agent."""
    return columns.agent_id == agent_id


def named(connection: Connection, agent_id: UUID, name: str) -> AnyRow | None:
    """An agent's skill of this name, locked for the rest of the transaction."""
    statement = select(*(columns[each] for each in SHOWN)).where(of_agent(agent_id), columns.name == name)
    return connection.execute(statement.with_for_update()).first()


def find(connection: Connection, agent_id: UUID, reference: str) -> list[AnyRow]:
    """Candidates of a reference among an agent's skills, whole."""
    whole = as_uuid(reference)
    meant = [columns.name == reference] if whole is None else [columns.name == reference, columns.id == whole]
    if whole is None and (ending := as_uuid_ending(reference)) is not None:
        meant.append(ends_with(columns.id, ending))
    statement = select(*(columns[each] for each in SHOWN)).where(of_agent(agent_id), or_(*meant))
    return list(connection.execute(statement.limit(CANDIDATES)).all())


def load_by_id(connection: Connection, skill_id: UUID) -> AnyRow:
    """One row whole."""
    return connection.execute(select(*(columns[each] for each in SHOWN)).where(columns.id == skill_id)).one()


def create(connection: Connection, agent_id: UUID, name: str, values: Mapping[str, Any]) -> UUID:
    """Insert a skill. Returns the key that the database made."""
    statement = insert(agent_skills).values(agent_id=agent_id, name=name, **values)
    return connection.execute(statement.returning(columns.id)).scalar_one()


def change(connection: Connection, skill_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a skill."""
    connection.execute(update(agent_skills).where(columns.id == skill_id).values(**values))


def remove(connection: Connection, skill_id: UUID) -> None:
    """Delete a skill."""
    connection.execute(delete(agent_skills).where(columns.id == skill_id))

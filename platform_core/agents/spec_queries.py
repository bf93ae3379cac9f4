"""Every statement about the versions of agents, and what of an agent can be made elsewhere."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select

from platform_core.agents.tables import agent_skills, agent_versions, agents
from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.users.tables import users

versions = agent_versions.c
changed_by = (
    select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == versions.changed_by).scalar_subquery()
)
is_current = versions.version == select(agents.c.spec_version).where(agents.c.id == versions.agent_id).scalar_subquery()

VERSION_LIST = ListSpec(
    fields={
        **fields_of(agent_versions, words={}, leave_out=frozenset({"agent_id"})),
        "current": Field(is_current, Kind.BOOLEAN),
    },
    columns={
        "version": versions.version,
        "current": is_current,
        "changed_by": changed_by,
        "change_notes": versions.change_notes,
        "created_at": versions.created_at,
        "id": versions.id,
    },
    sorts={"version": Sort(versions.version)},
    default_sort="-version",
    key=versions.id,
    time=versions.created_at,
)


def version_filters(agent_id: UUID) -> list[ColumnElement[bool]]:
    """The versions of one agent."""
    return [versions.agent_id == agent_id]


def load_version(connection: Connection, agent_id: UUID, version: int) -> AnyRow | None:
    """One version whole."""
    named = select(agent_versions).where(versions.agent_id == agent_id, versions.version == version)
    return connection.execute(named).first()


def newest(connection: Connection, agent_id: UUID, *, before: int | None = None) -> int | None:
    """The highest version, or the highest below another."""
    statement = select(func.max(versions.version)).where(versions.agent_id == agent_id)
    found: int | None = connection.execute(
        statement if before is None else statement.where(versions.version < before)
    ).scalar_one()
    return found


def skills(connection: Connection, agent_id: UUID) -> list[dict[str, Any]]:
    """The skills of an agent, by name."""
    columns = agent_skills.c
    statement = select(columns.name, columns.description, columns.config).where(columns.agent_id == agent_id)
    return [dict(row._mapping) for row in connection.execute(statement.order_by(columns.name))]

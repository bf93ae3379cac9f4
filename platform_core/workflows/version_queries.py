"""Every statement about the versions of workflows."""

from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select

from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.users.tables import users
from platform_core.workflows.tables import workflow_versions, workflows

versions = workflow_versions.c
changed_by = (
    select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == versions.changed_by).scalar_subquery()
)
is_current = (
    versions.version == select(workflows.c.version).where(workflows.c.id == versions.workflow_id).scalar_subquery()
)
LIST = ListSpec(
    fields={
        **fields_of(workflow_versions, words={}, leave_out=frozenset({"workflow_id"})),
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


def of_workflow(workflow_id: UUID) -> list[ColumnElement[bool]]:
    """The versions of one workflow."""
    return [versions.workflow_id == workflow_id]


def load(connection: Connection, workflow_id: UUID, version: int) -> AnyRow | None:
    """One version whole."""
    named = select(workflow_versions).where(versions.workflow_id == workflow_id, versions.version == version)
    return connection.execute(named).first()


def newest(connection: Connection, workflow_id: UUID, *, before: int | None = None) -> int | None:
    """The highest version, or the highest below another."""
    statement = select(func.max(versions.version)).where(versions.workflow_id == workflow_id)
    found: int | None = connection.execute(
        statement if before is None else statement.where(versions.version < before)
    ).scalar_one()
    return found

"""Every statement about the schedules of workflows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Uuid, cast, delete, func, insert, or_, select, update

from platform_core.audit.tables import audit_changes
from platform_core.db.reference_queries import CANDIDATES
from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.workflows.queries import part_named
from platform_core.workflows.tables import workflow_schedules, workflows

columns = workflow_schedules.c
workflow = select(workflows.c.name).where(workflows.c.id == columns.workflow_id).scalar_subquery()
SHOWN: Mapping[str, ColumnElement[Any]] = {
    "workflow": workflow,
    "cron": columns.cron,
    "timezone": columns.timezone,
    "is_active": columns.is_active,
    "next_run_at": columns.next_run_at,
    "created_at": columns.created_at,
    "updated_at": columns.updated_at,
    "id": columns.id,
}
LIST = ListSpec(
    fields={
        **fields_of(workflow_schedules, words={}, leave_out=frozenset({"workflow_id"})),
        "workflow": Field(workflow, Kind.TEXT),
    },
    columns=SHOWN,
    sorts={"id": Sort(columns.id)},
    default_sort="id",
    key=columns.id,
    time=columns.created_at,
)


def list_filters(workflow_id: UUID, *, active: bool | None) -> list[ColumnElement[bool]]:
    """The schedules of one workflow, perhaps of one state."""
    filters = [columns.workflow_id == workflow_id]
    return [*filters, columns.is_active.is_(active)] if active is not None else filters


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference."""
    statement = select(columns.id, func.concat(columns.cron, " of ", workflow).label("label"))
    named = part_named(columns.id, columns.workflow_id, reference)
    return [(row.id, row.label) for row in connection.execute(statement.where(named).limit(CANDIDATES))]


def lock(connection: Connection, schedule_id: UUID) -> AnyRow | None:
    """One row, locked for the rest of the transaction; None where it is gone."""
    return connection.execute(select(workflow_schedules).where(columns.id == schedule_id).with_for_update()).first()


def lock_active(connection: Connection, workflow_id: UUID) -> list[AnyRow]:
    """The rows of a workflow that start something, locked for the rest of the transaction."""
    mine = select(workflow_schedules).where(columns.workflow_id == workflow_id, columns.is_active)
    return list(connection.execute(mine.order_by(columns.id).with_for_update()).all())


def lock_touched(connection: Connection, operation_id: UUID) -> list[AnyRow]:
    """The rows that an operation changed, or whose workflow it changed, locked for the rest of the transaction."""
    changed = audit_changes.c
    keys = {
        name: select(cast(changed.row_key, Uuid())).where(
            changed.operation_id == operation_id, changed.table_name == name
        )
        for name in (workflow_schedules.name, workflows.name)
    }
    mine = select(workflow_schedules).where(
        or_(columns.id.in_(keys[workflow_schedules.name]), columns.workflow_id.in_(keys[workflows.name]))
    )
    return list(connection.execute(mine.order_by(columns.id).with_for_update()).all())


def twin(connection: Connection, workflow_id: UUID, cron: str, timezone: str) -> UUID | None:
    """The schedule of a workflow that says this already."""
    same = (columns.workflow_id == workflow_id, columns.cron == cron, columns.timezone == timezone)
    return connection.execute(select(columns.id).where(*same)).scalar()


def load(connection: Connection, schedule_id: UUID) -> AnyRow:
    """One row as it is shown."""
    shown = select(*(column.label(name) for name, column in SHOWN.items()))
    return connection.execute(shown.where(columns.id == schedule_id)).one()


def create(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Insert a schedule. Returns the key that the database made."""
    return connection.execute(insert(workflow_schedules).values(**values).returning(columns.id)).scalar_one()


def change(connection: Connection, schedule_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a schedule."""
    connection.execute(update(workflow_schedules).where(columns.id == schedule_id).values(**values))


def remove(connection: Connection, schedule_id: UUID) -> None:
    """Delete a schedule."""
    connection.execute(delete(workflow_schedules).where(columns.id == schedule_id))

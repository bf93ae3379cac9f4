"""Every statement about what starts workflows. A configuration goes in, and is never read."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Integer, delete, func, insert, select, update

from platform_core.db.reference_queries import CANDIDATES
from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.workflows.queries import part_named
from platform_core.workflows.tables import workflow_triggers, workflows

columns = workflow_triggers.c
key_version = func.agentadm.trigger_key_version(columns.id, type_=Integer)
workflow = select(workflows.c.name).where(workflows.c.id == columns.workflow_id).scalar_subquery()
SHOWN: Mapping[str, ColumnElement[Any]] = {
    "workflow": workflow,
    "type": columns.type,
    "is_active": columns.is_active,
    "has_config": key_version.is_not(None),
    "key_version": key_version,
    "last_fired_at": columns.last_fired_at,
    "created_at": columns.created_at,
    "updated_at": columns.updated_at,
    "id": columns.id,
}
LIST = ListSpec(
    fields={
        **fields_of(workflow_triggers, words={}, leave_out=frozenset({"config", "workflow_id"})),
        "workflow": Field(workflow, Kind.TEXT),
        "has_config": Field(SHOWN["has_config"], Kind.BOOLEAN),
        "key_version": Field(key_version, Kind.INTEGER),
    },
    columns=SHOWN,
    sorts={"id": Sort(columns.id)},
    default_sort="id",
    key=columns.id,
    time=columns.created_at,
)


def list_filters(workflow_id: UUID, *, active: bool | None) -> list[ColumnElement[bool]]:
    """The triggers of one workflow, perhaps of one state."""
    filters = [columns.workflow_id == workflow_id]
    return [*filters, columns.is_active.is_(active)] if active is not None else filters


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference."""
    statement = select(columns.id, func.concat(columns.type, " of ", workflow).label("label"))
    named = part_named(columns.id, columns.workflow_id, reference)
    return [(row.id, row.label) for row in connection.execute(statement.where(named).limit(CANDIDATES))]


def lock(connection: Connection, trigger_id: UUID) -> AnyRow | None:
    """What is known of one row, locked for the rest of the transaction; None where it is gone."""
    known = select(columns.id, columns.type, columns.is_active, key_version.is_not(None).label("has_config"))
    return connection.execute(known.where(columns.id == trigger_id).with_for_update()).first()


def load(connection: Connection, trigger_id: UUID) -> AnyRow:
    """One row as it is shown."""
    shown = select(*(column.label(name) for name, column in SHOWN.items()))
    return connection.execute(shown.where(columns.id == trigger_id)).one()


def create(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Insert a trigger. Returns the key that the database made."""
    return connection.execute(insert(workflow_triggers).values(**values).returning(columns.id)).scalar_one()


def change(connection: Connection, trigger_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a trigger."""
    connection.execute(update(workflow_triggers).where(columns.id == trigger_id).values(**values))


def remove(connection: Connection, trigger_id: UUID) -> None:
    """Delete a trigger."""
    connection.execute(delete(workflow_triggers).where(columns.id == trigger_id))

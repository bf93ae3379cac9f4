"""Every statement about models. The key of one is read only to be compared with another."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Integer, Select, delete, func, insert, select, update

from platform_core.db.reference_queries import CANDIDATES, around, named_or_id
from platform_core.db.schema import AnyRow
from platform_core.listing.queries import ListSpec, Sort, fields_of
from platform_core.models.tables import ai_models

columns = ai_models.c
lower_name = func.lower(columns.name)
key_version = func.agentadm.model_key_version(columns.id, type_=Integer)
LIST = ListSpec(
    fields=fields_of(ai_models, words={}, leave_out=frozenset({"api_key"})),
    # No more than customers may read.
    columns={name: columns[name] for name in ("name", "provider", "model_id", "is_active", "created_at", "id")},
    sorts={"name": Sort(lower_name), "created_at": Sort(columns.created_at), "id": Sort(columns.id)},
    default_sort="name",
    key=columns.id,
    time=columns.created_at,
)
_WHOLE = (
    columns.id,
    columns.name,
    columns.provider,
    columns.model_id,
    columns.config,
    key_version.is_not(None).label("has_key"),
    key_version.label("key_version"),
    columns.is_active,
    columns.created_at,
    columns.updated_at,
)


def _whole() -> Select[*tuple[Any, ...]]:
    return select(*_WHOLE)


def find(connection: Connection, reference: str) -> list[tuple[UUID, str]]:
    """Candidates of a reference."""
    statement = select(columns.id, columns.name).where(named_or_id(columns.id, columns.name, reference))
    return [(row.id, row.name) for row in connection.execute(statement.limit(CANDIDATES))]


def near(connection: Connection, reference: str) -> dict[str, str]:
    """Names that stand around a reference in their index: in lower case, each as it is written."""
    return around(connection, lower_name, reference.lower(), shown=columns.name)


def load(connection: Connection, reference: str) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    statement = _whole().where(named_or_id(columns.id, columns.name, reference)).limit(CANDIDATES)
    return list(connection.execute(statement).all())


def load_by_id(connection: Connection, model_id: UUID) -> AnyRow:
    """One row whole."""
    return connection.execute(_whole().where(columns.id == model_id)).one()


def lock(connection: Connection, model_id: UUID) -> AnyRow | None:
    """One row as it is stored, locked for the rest of the transaction; None where it is gone."""
    return connection.execute(select(ai_models).where(columns.id == model_id).with_for_update()).first()


def list_filters(*, provider: str | None, active: bool | None) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = [columns.provider == provider] if provider is not None else []
    return [*filters, columns.is_active.is_(active)] if active is not None else filters


def holder_of_name(connection: Connection, name: str) -> UUID | None:
    """The model that has a name, whatever its case."""
    return connection.execute(select(columns.id).where(lower_name == func.lower(name))).scalar()


def create(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Insert a model. Returns the key that the database made."""
    return connection.execute(insert(ai_models).values(**values).returning(columns.id)).scalar_one()


def change(connection: Connection, model_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a model."""
    connection.execute(update(ai_models).where(columns.id == model_id).values(**values))


def remove(connection: Connection, model_id: UUID) -> None:
    """Delete a model."""
    connection.execute(delete(ai_models).where(columns.id == model_id))

"""Every statement about key material, and about what is encrypted with it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, Table, and_, func, insert, or_, select, text, update

from platform_core.db.schema import AnyRow
from platform_core.key_material.tables import key_material
from platform_core.key_material.types import Purpose
from platform_core.keys.tables import api_keys

columns = key_material.c
# Nobody else's: two who add a version at the same time would make two of the same number.
LOCK_NUMBER = 4_279_001


def lock(connection: Connection) -> None:
    """Keep others from adding versions until the end of the transaction."""
    connection.execute(select(func.pg_advisory_xact_lock(LOCK_NUMBER)))


def versions(connection: Connection) -> Sequence[AnyRow]:
    """Every version that was ever registered, retired ones included."""
    return connection.execute(select(key_material).order_by(columns.purpose.desc(), columns.version)).all()


def lock_version(connection: Connection, purpose: Purpose, version: int) -> AnyRow | None:
    """One version, locked for the rest of the transaction."""
    named = and_(columns.purpose == purpose.value, columns.version == version)
    return connection.execute(select(key_material).where(named).with_for_update()).first()


def register(connection: Connection, purpose: Purpose, version: int, fingerprint: str) -> None:
    """Insert a version."""
    connection.execute(insert(key_material).values(purpose=purpose.value, version=version, fingerprint=fingerprint))


def retire(connection: Connection, version_id: UUID) -> None:
    """Take a version out of use."""
    connection.execute(update(key_material).where(columns.id == version_id).values(retired_at=func.agentadm.now()))


def keys_by_version(connection: Connection) -> dict[str, int]:
    """By version of the pepper, how many living API keys are hashed with it."""
    living = and_(
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.agentadm.now()),
    )
    counted = select(api_keys.c.hash_version, func.count()).where(living).group_by(api_keys.c.hash_version)
    return {version: number for version, number in connection.execute(counted)}  # noqa: C416 - rows, not pairs


def values_by_version(connection: Connection) -> dict[str, int]:
    """By version of the encryption key, how many values of all encrypted columns are encrypted with it."""
    counted = text("SELECT version, number FROM agentadm.encrypted_values()")
    return {version: number for version, number in connection.execute(counted)}  # noqa: C416 - rows, not pairs


def outdated(
    connection: Connection, table: Table, column: str, newest: int, after: UUID | None, limit: int
) -> Sequence[AnyRow]:
    """Rows of which a column is encrypted with another version than the newest, locked, in the order of their keys."""
    value = table.c[column]
    statement = select(table.c.id, value.label("stored")).where(~value.startswith(f"{newest}:"))
    if after is not None:
        statement = statement.where(table.c.id > after)
    return connection.execute(statement.order_by(table.c.id).limit(limit).with_for_update(of=table)).all()


def store(connection: Connection, table: Table, column: str, values: Mapping[UUID, str]) -> None:
    """Set an encrypted column of many rows, in one statement."""
    # Names of tables and columns of our own.
    statement = f"""
        UPDATE {table.fullname} SET {column} = given.stored
        FROM unnest(CAST(:ids AS uuid[]), CAST(:stored AS text[])) AS given (id, stored)
        WHERE {table.name}.id = given.id
    """  # noqa: S608 - of names of ours
    connection.execute(text(statement), {"ids": list(values), "stored": list(values.values())})

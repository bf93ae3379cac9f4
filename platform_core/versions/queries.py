"""Every statement about versions, whatever they are versions of."""

from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, func, select

from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.users.tables import users


class VersionStatements:
    """The statements about the versions of one noun.

    Args:
        table: of the versions: version, changed_by, change_notes, created_at and id, beside their content.
        of: its column that says whose version it is.
        things: the table of what has the versions.
        current: the column there that says which version holds.
    """

    def __init__(self, table: Table, of: str, things: Table, current: str) -> None:
        self._table = table
        self._of = table.c[of]
        versions = self._versions = table.c
        by = users.c.id == versions.changed_by
        changed_by = select(func.coalesce(users.c.email, users.c.username)).where(by).scalar_subquery()
        newest = select(things.c[current]).where(things.c.id == self._of).scalar_subquery()
        is_current: ColumnElement[bool] = versions.version == newest
        self.list = ListSpec(
            fields={
                **fields_of(table, words={}, leave_out=frozenset({of})),
                "current": Field(is_current, Kind.BOOLEAN),
                "changed_by": Field(changed_by, Kind.TEXT),
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

    def of(self, key: UUID) -> list[ColumnElement[bool]]:
        """The versions of one thing, as a condition of the list."""
        return [self._of == key]

    def load(self, connection: Connection, key: UUID, version: int) -> AnyRow | None:
        """One version whole."""
        named = select(self._table).where(self._of == key, self._versions.version == version)
        return connection.execute(named).first()

    def newest(self, connection: Connection, key: UUID, *, before: int | None = None) -> int | None:
        """The highest version, or the highest below another."""
        statement = select(func.max(self._versions.version)).where(self._of == key)
        found: int | None = connection.execute(
            statement if before is None else statement.where(self._versions.version < before)
        ).scalar_one()
        return found

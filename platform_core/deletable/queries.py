"""The statements about things that are deleted softly, whatever the noun."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, select, update

from platform_core.db.reference_queries import CANDIDATES
from platform_core.db.schema import AnyRow


class DeletableStatements:
    """The statements about the things of one noun.

    Args:
        table: theirs, with id and deleted_at.
        whole: what is read of one, with its `label`: what it is called, as references name it.
        label: the same, by itself.
        named: whether one may be meant by a reference.
        near: what stands around a reference in its index, each with the reference that it would be.
    """

    def __init__(
        self,
        table: Table,
        whole: Select[*tuple[Any, ...]],
        label: ColumnElement[Any],
        *,
        named: Callable[[str], ColumnElement[bool]],
        near: Callable[[Connection, str], dict[str, str]],
    ) -> None:
        self._table = table
        self._key: ColumnElement[UUID] = table.c.id
        self._whole = whole
        self._label = label.label("label")
        self._named = named
        self.near = near

    def in_state(self, *, deleted: bool) -> ColumnElement[bool]:
        """Whether one is deleted, or is not."""
        at = self._table.c.deleted_at
        return at.is_not(None) if deleted else at.is_(None)

    def find(self, connection: Connection, reference: str, *, deleted: bool) -> list[tuple[UUID, str]]:
        """Candidates of a reference among the living, or among the deleted, each with its label."""
        statement = select(self._key, self._label).where(self._named(reference), self.in_state(deleted=deleted))
        return [(row.id, row.label) for row in connection.execute(statement.limit(CANDIDATES))]

    def load(self, connection: Connection, reference: str, *, deleted: bool) -> list[AnyRow]:
        """Whole rows of a reference's candidates, in one round trip."""
        statement = self._whole.where(self._named(reference), self.in_state(deleted=deleted)).limit(CANDIDATES)
        return list(connection.execute(statement).all())

    def load_by_id(self, connection: Connection, key: UUID, *, lock: bool = False) -> AnyRow:
        """One row whole; locked for the rest of the transaction if asked."""
        statement = self._whole.where(self._key == key)
        return connection.execute(statement.with_for_update(of=self._table) if lock else statement).one()

    def hold(self, connection: Connection, key: UUID) -> bool:
        """Keep one from being deleted until the end of the transaction; False where that has happened."""
        living = select(self._key).where(self._key == key, self.in_state(deleted=False))
        return connection.execute(living.with_for_update(read=True)).first() is not None

    def create(self, connection: Connection, values: Mapping[str, Any]) -> UUID:
        """Insert one. Returns the key that the database made."""
        made: UUID = connection.execute(insert(self._table).values(**values).returning(self._key)).scalar_one()
        return made

    def change(self, connection: Connection, key: UUID, values: Mapping[str, Any]) -> None:
        """Set columns of one."""
        connection.execute(update(self._table).where(self._key == key).values(**values))

    def set_deleted(self, connection: Connection, key: UUID, *, deleted: bool) -> None:
        """Delete one, softly, or take that back."""
        self.change(connection, key, {"deleted_at": func.agentadm.now() if deleted else None})

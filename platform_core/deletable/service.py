"""How the services of what is deleted softly find and lock it, whatever the noun."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.deletable.queries import DeletableStatements
from platform_core.errors import NotFound
from platform_core.near import near_hint
from platform_core.refs import exactly_one, other_state_hint
from platform_core.services import Service


class DeletableService(Service):
    """Things that references name, and that may be deleted and restored while we look.

    Attributes:
        noun: what one of them is called.
        statements: about them.
        find_hint: by what one is named.
        sigil: what may stand before a name.
    """

    noun: ClassVar[str]
    statements: ClassVar[DeletableStatements]
    find_hint: ClassVar[str]
    sigil: ClassVar[str] = ""

    def find(self, reference: str, *, deleted: bool = False) -> UUID:
        """The key of what a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        return self._one(reference, self.statements.find(self._connection, reference, deleted=deleted), deleted=deleted)

    def hold(self, reference: str) -> UUID:
        """As find, for a row that is to name it: nobody deletes it until the end.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        key = self.find(reference)
        if not self.statements.hold(self._connection, key):
            raise self._gone(reference)
        return key

    def _load(self, reference: str, *, deleted: bool) -> AnyRow:
        """The row whole, in one statement."""
        rows = self.statements.load(self._connection, reference, deleted=deleted)
        self._one(reference, [(row.id, row.label) for row in rows], deleted=deleted)
        return rows[0]

    def _lock(self, reference: str, *, deleted: bool = False) -> AnyRow:
        """The row whole, locked, and still as it was found."""
        row = self.statements.load_by_id(self._connection, self.find(reference, deleted=deleted), lock=True)
        if (row.deleted_at is not None) is not deleted:
            raise self._gone(reference)
        return row

    def _one(self, reference: str, found: Sequence[tuple[UUID, str]], *, deleted: bool) -> UUID:
        """The one candidate; where there is none, with what may have been meant."""
        hint = self.find_hint if found else self._hint(reference, deleted=deleted)
        return exactly_one(self.noun, reference, found, hint)

    def _hint(self, reference: str, *, deleted: bool) -> str:
        if other := self.statements.find(self._connection, reference, deleted=not deleted):
            return other_state_hint(other, deleted=deleted)
        start = reference.removeprefix(self.sigil).rpartition("/")[2].lower()
        return near_hint(start, self.statements.near(self._connection, reference), self.find_hint)

    def _gone(self, reference: str) -> NotFound:
        return NotFound(f"{self.noun} {reference!r} was just deleted or restored", "look at it, then try again")

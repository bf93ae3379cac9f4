"""The rules of versions: what differs between them, and the way back. What a noun adds is in a class of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.db.transaction_queries import note_change
from platform_core.errors import NotFound
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.services import Service, Services
from platform_core.text_diff import lines_of, unified
from platform_core.versions.queries import VersionStatements
from platform_core.versions.types import NO_NOTE, ChangeNote, Version, VersionDiff

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Versioned(Protocol[T_co]):
    """The service of what has versions: a change of one of its parts makes the next."""

    def find(self, reference: str, *, deleted: bool = False) -> UUID:
        """The key of what a reference names."""

    def update(self, reference: str, values: Mapping[str, Any], *, note: ChangeNote = NO_NOTE) -> T_co:
        """Set columns of what a reference names."""


class VersionService(Service, ABC, Generic[T]):
    """Versions of the things of one noun.

    Attributes:
        noun: what has them, in the singular.
        parts: the columns that are versioned.
        statements: about its versions.
    """

    noun: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]
    statements: ClassVar[VersionStatements]

    def list(self, reference: str, request: ListRequest, *, deleted: bool = False) -> Rows[Version]:
        """The versions of a thing, newest first.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = self.statements.of(self._things().find(reference, deleted=deleted))
        return ListService(self._connection, self.statements.list, request, _version, filters)

    def diff(self, reference: str, *, start: int | None, end: int | None, deleted: bool = False) -> VersionDiff:
        """What differs between two versions.

        Args:
            reference: of what.
            start: a version; None for the one before `end`.
            end: a version; None for the newest.
            deleted: look among the deleted ones.

        Raises:
            NotFound, Conflict: the reference names none, or several; there is no such version.
        """
        key = self._things().find(reference, deleted=deleted)
        last = end if end is not None else self.statements.newest(self._connection, key) or 1
        first = start if start is not None else self.statements.newest(self._connection, key, before=last) or last
        old, new = (self.load(key, reference, version) for version in (first, last))
        pairs = [(part, self._written(getattr(old, part)), self._written(getattr(new, part))) for part in self.parts]
        label = self._label(key, reference)
        text = "".join(unified(*pair, (f"{label}@{first}", f"{label}@{last}")) for pair in pairs)
        return VersionDiff(first, last, text, tuple(line for pair in pairs for line in lines_of(*pair)))

    def rollback(self, reference: str, version: int, *, note: ChangeNote) -> T:
        """Make a version with the content of an earlier one. Where that is what there is, nothing is changed.

        Raises:
            NotFound, Conflict: the reference names none, or several; there is no such version.
        """
        things = self._things()
        key = things.find(reference)
        wanted = self.load(key, reference, version)
        values = {part: getattr(wanted, part) for part in self.parts}
        kept = ChangeNote(note.notes or f"rollback to version {version}", note.changed_by)
        return things.update(str(key), values, note=kept)

    def load(self, key: UUID, reference: str, version: int) -> AnyRow:
        """One version whole, of what a reference named.

        Raises:
            NotFound: there is no such version.
        """
        found = self.statements.load(self._connection, key, version)
        if found is None:
            raise NotFound(
                f"{self.noun} {reference} has no version {version}",
                f"agentadm {self.noun}s versions {self._typed(key, reference)} shows them",
            )
        return found

    @abstractmethod
    def _things(self) -> Versioned[T]:
        """The service of what has the versions."""

    def _written(self, value: Any) -> str | None:
        """A part as the text whose lines are compared."""
        text: str | None = value
        return text

    def _label(self, key: UUID, reference: str) -> str:  # noqa: ARG002 - others look it up
        """What a thing is called in the heading of a difference."""
        return reference

    def _typed(self, key: UUID, reference: str) -> str:  # noqa: ARG002 - others name it by its key
        """What names a thing in a command that a message shows."""
        return reference


def hand_on(services: Services, note: ChangeNote) -> None:
    """Hand on what the next version keeps; also that it keeps nothing, where an earlier change had more to say.

    Raises:
        NotFound, Conflict: who changed it names none, or several.
    """
    user_id = None if note.changed_by is None else services.users.hold(note.changed_by)
    note_change(services.connection, note.notes, user_id)


def _version(row: AnyRow) -> Version:
    return Version(row.version, row.current, row.changed_by, row.change_notes, row.created_at, row.id)

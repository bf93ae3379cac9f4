"""What a version is, and what is asked of versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from platform_core.text_diff import DiffLine

# What lists can be sorted by: what has an index.
VERSION_SORTS = ("version",)


@dataclass(frozen=True)
class ChangeNote:
    """What is kept with the version that a change makes.

    Attributes:
        notes: what changed, for people.
        changed_by: reference of the user who changed it.
    """

    notes: str | None = None
    changed_by: str | None = None


NO_NOTE = ChangeNote()


@dataclass(frozen=True)
class Version:
    """A version of a thing, without its content."""

    MATTERS: ClassVar = ("version", "current", "change_notes", "changed_by")

    version: int
    current: bool
    changed_by: str | None
    change_notes: str | None
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class VersionDiff:
    """What differs between two versions: as a unified diff, and line by line. Nothing in them: they are equal."""

    from_version: int
    to_version: int
    text: str
    lines: tuple[DiffLine, ...]

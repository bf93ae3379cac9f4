"""What is asked of an import, what its records hold, and what it answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TextIO
from uuid import UUID

from platform_core.errors import Conflict, ExitCode
from platform_core.importing.answers import OnConflict

if TYPE_CHECKING:
    from platform_core.operations.types import Outcome, WriteRequest

REJECT_LINE, REJECT_REASON = "reject_line", "reject_reason"
REJECT_FIELDS = (REJECT_LINE, REJECT_REASON)


class Kind(StrEnum):
    """What a field holds. Times and JSON are checked where they are read, everything else in the database."""

    TEXT = "text"
    ID = "id"
    EMAIL = "email"
    NAME = "name"
    BOOLEAN = "boolean"
    WORD = "word"
    DAY = "day"
    AMOUNT = "amount"
    TIME = "time"
    JSON = "json"


@dataclass(frozen=True)
class Field:
    """A field of a record.

    Attributes:
        name: of the column in the file and in the table.
        kind: what it holds.
        default: in SQL, where no value is given; NULL in most.
        needed: whether the column always has a value: the default stays where it is cleared.
        words: the only values, of a WORD.
        longest: how many characters at most.
    """

    name: str
    kind: Kind = Kind.TEXT
    default: str = "NULL"
    needed: bool = False
    words: tuple[str, ...] = ()
    longest: int | None = None


@dataclass(frozen=True)
class Chunk:
    """A part of a file.

    Attributes:
        number: from 1.
        offset: the first byte.
        line: number of its first line, from 1.
        records: how many it has.
    """

    number: int
    offset: int
    line: int
    records: int


@dataclass(frozen=True)
class Survey:
    """What is known of a file once it was read through."""

    sha256: str
    records: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class Counts:
    """What became of records: of a chunk, or of all. `conflicts` are the rejected because of another user or record."""

    records: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    conflicts: int = 0
    linked: int = 0
    missing: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(Counts)))

    @property
    def taken(self) -> int:
        """How many are in, or were so already."""
        return self.records - self.rejected

    @property
    def changed(self) -> int:
        """How many changed something."""
        return self.created + self.updated


class InputFile(Protocol):
    """A file of records, read through once to survey it, and then chunk by chunk."""

    # What the numbers of its records count: lines, where each begins on a line of its own.
    unit: str

    @property
    def staged(self) -> tuple[str, ...]:
        """Names of the fields that `prepared` has, in this order behind line, key, problem and cleared."""
        ...

    @property
    def survey(self) -> Survey:
        """What is known of it."""
        ...

    def prepared(self, chunk: Chunk) -> list[bytes]:
        """A chunk as COPY takes it in text format, with NULL as \\x01."""
        ...

    def write_rejects(self, rejects: Iterator["Reject"], stream: TextIO) -> None:
        """Write the records that were not taken, in the file's own format.

        Args:
            rejects: by line.
            stream: where to; it must write surrogates as the bytes that they stand for.
        """
        ...


@dataclass(frozen=True)
class Reject:
    """A record that was not taken: on which line it begins, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class ImportRequest:
    """An import as it is asked for.

    Attributes:
        write: the change; its inputs are what makes two imports the same.
        file: the records.
        atomic: all in one transaction, all or nothing.
        resume: go on with what an earlier run of the same input left.
        restart: forget what an earlier run of the same input did, and begin anew.
        on_conflict: what becomes of records about somebody who is there.
        provider: whose export it is; None for our own.
    """

    write: "WriteRequest"
    file: InputFile
    atomic: bool = False
    resume: bool = False
    restart: bool = False
    on_conflict: OnConflict = OnConflict.FAIL
    provider: str | None = None


@dataclass(frozen=True)
class ImportOutcome:
    """What came of an import.

    Attributes:
        counts: what became of the records.
        operation_id: of all of them; None when there was no record.
        rejects: opens what was not taken, by line; it can be called again.
        outcome: of the one transaction, or of the replay, where there was one.
    """

    counts: Counts
    operation_id: UUID | None
    rejects: Callable[[], Iterator[Reject]]
    outcome: "Outcome[Any] | None" = None


class Rejected(Conflict):
    """All or nothing, and some records are bad: everything was taken back."""

    def __init__(self, counts: Counts, rejects: Callable[[], Iterator[Reject]]) -> None:
        super().__init__(
            f"{counts.rejected:,} of {counts.records:,} records were rejected; nothing was changed",
            "mend them, or leave out what asks for all or nothing: --atomic, --expect, --max-affected",
        )
        self.counts = counts
        self.rejects = rejects


def exit_code(counts: Counts, *, error_unchanged: bool) -> ExitCode:
    """The exit code of an import, as of a run over several items."""
    if not counts.rejected:
        unchanged = error_unchanged and counts.records > 0 and counts.changed + counts.linked == 0
        return ExitCode.UNCHANGED if unchanged else ExitCode.DONE
    if counts.taken:
        return ExitCode.PARTIAL
    return ExitCode.CONFLICT if counts.conflicts == counts.rejected else ExitCode.USAGE


Known = Mapping[int, Counts]

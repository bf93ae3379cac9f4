"""A chunk of an import, inside a transaction: staged, checked, put where it belongs, and written down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from platform_core.importing import queries
from platform_core.importing.types import Chunk, Counts, Field, InputFile, Reject

UNIQUE_VIOLATION = "23505"
EVERY_LINE = 1 << 62
# A value that its type cannot hold, or that a rule forbids: the record's own fault.
FAULTS_OF_RECORDS = ("22", "23")


@dataclass(frozen=True)
class Part:
    """Staged records from one line to another, and what may be done with them.

    Attributes:
        connection: where they are staged.
        operation_id: under which they are put.
        digest: of the run.
        staged: names of the fields that there are.
        first, last: lines that are meant.
        unit: what those numbers count.
    """

    connection: Connection
    operation_id: UUID
    digest: str
    staged: tuple[str, ...]
    first: int
    last: int
    unit: str

    @property
    def values(self) -> dict[str, Any]:
        """What a statement over these records may name."""
        return {"first": self.first, "last": self.last, "operation": self.operation_id}

    def reject_found(self, found: str, values: Mapping[str, Any]) -> int:
        """Take out the records that a statement finds, each with its reason. Returns how many they were."""
        return queries.reject_found(self.connection, self.digest, found, {**self.values, **values})

    def reject_lines(self, reasons: Mapping[int, str]) -> int:
        """Take out records by line, each with its reason. Returns how many they were."""
        return queries.reject_lines(self.connection, self.digest, reasons)

    def unstage(self, lines: Sequence[int]) -> int:
        """Take out records without a word. Returns how many they were."""
        queries.unstage(self.connection, lines)
        return len(lines)

    def twins(self, keys: Mapping[str, str]) -> dict[int, tuple[str, int]]:
        """Records about the same as an earlier one that stays.

        Args:
            keys: by name, what makes two the same, in SQL.

        Returns:
            By line, what is the same, and on which line the earlier one begins.
        """
        rows = queries.twins(self.connection, keys, self.first, self.last)
        shared: dict[int, list[tuple[str, int]]] = {}
        for row in rows:
            shared.setdefault(row.line, []).append((row.what, row.leader))
        taken: dict[tuple[str, int], int] = {}
        found: dict[int, tuple[str, int]] = {}
        for line, groups in shared.items():
            same = next((group for group in groups if group in taken), None)
            if same is None:
                taken.update(dict.fromkeys(groups, line))
            else:
                found[line] = same[0], taken[same]
        return found

    def analyze(self) -> None:
        """Tell the planner how much there is."""
        queries.analyze(self.connection)


class Importer(Protocol):
    """What an import knows of the things that it imports."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields that a record may have."""
        ...

    def rules(self, staged: tuple[str, ...]) -> list[str]:
        """More reasons why a record is bad by itself, in SQL."""
        ...

    def put(self, part: Part) -> Counts:
        """Put good records where they belong; those that cannot be are rejected."""
        ...

    def finish(self, connection: Connection, file: InputFile) -> Counts:
        """Whatever is to be said when all records are through, in the last transaction."""
        ...


class ImportService:
    """Imports, inside a transaction.

    Args:
        connection: of the transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(
        self, importer: Importer, operation_id: UUID, digest: str, chunk: Chunk, file: InputFile, blocks: list[bytes]
    ) -> Counts:
        """Take a chunk.

        Args:
            importer: knows what the records are.
            operation_id: under which they are put.
            digest: of the run.
            chunk, file: what it is, and of which file.
            blocks: the chunk as COPY takes it.
        """
        staged = file.staged
        queries.stage(self._connection, staged, blocks)
        part = Part(self._connection, operation_id, digest, staged, 0, EVERY_LINE, file.unit)
        counts = Counts(records=chunk.records) + self._try(importer, part)
        last = chunk.number == len(file.survey.chunks)
        return counts + importer.finish(self._connection, file) if last else counts

    def claim(self, digest: str, total: int, number: int, operation_id: UUID) -> bool:
        """Write down that a chunk is taken here. False when another process has done it."""
        return queries.claim(self._connection, digest, total, number, operation_id)

    def record(self, digest: str, number: int, counts: Counts) -> None:
        """Write down what became of a chunk that was claimed."""
        queries.record(self._connection, digest, number, counts)

    def known(self, digest: str) -> tuple[dict[int, Counts], UUID | None]:
        """What is on record of a run: by number, its chunks, and their operation."""
        rows = queries.known(self._connection, digest)
        return {row.item: Counts(**row.counts) for row in rows}, rows[0].operation_id if rows else None

    def rejected(self, digest: str) -> Iterator[Reject]:
        """What was not taken, by line."""
        return queries.rejected(self._connection, digest)

    def forget(self, digest: str) -> None:
        """Forget a run, and what it did not take."""
        queries.forget(self._connection, digest)

    def forget_orphans(self) -> int:
        """Forget what runs did not take that are forgotten themselves. Returns how many records that were."""
        return queries.forget_orphans(self._connection)

    def _try(self, importer: Importer, part: Part) -> Counts:
        """Take records; those that the schema refuses although they looked good are searched for by halves."""
        savepoint = self._connection.begin_nested()
        try:
            fields = [importer.fields[name] for name in part.staged]
            rules = importer.rules(part.staged)
            bad = queries.reject_bad(part.connection, part.digest, fields, rules, part.first, part.last)
            counts = Counts(rejected=bad) + importer.put(part)
            savepoint.commit()
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None) or ""
            if not state.startswith(FAULTS_OF_RECORDS):
                raise
            savepoint.rollback()
            return self._halves(importer, part, error)
        return counts

    def _halves(self, importer: Importer, part: Part, error: DBAPIError) -> Counts:
        lines = queries.staged_lines(part.connection, part.first, part.last)
        if len(lines) == 1:
            conflict = getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION
            return Counts(rejected=part.reject_lines({lines[0]: _refusal(error)}), conflicts=int(conflict))
        middle = lines[len(lines) // 2]
        halves = ((part.first, middle - 1), (middle, part.last))
        parts = (replace(part, first=first, last=last) for first, last in halves)
        return sum((self._try(importer, half) for half in parts), Counts())


def _refusal(error: DBAPIError) -> str:
    """What the database said, without any value."""
    diagnosis: Any = getattr(error.orig, "diag", None)
    name = diagnosis.constraint_name or diagnosis.column_name
    return f"breaks the rule {name}" if name else f"the database refuses a value ({diagnosis.sqlstate})"

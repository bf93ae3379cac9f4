"""What the import commands take and answer with; kept apart, for every command of a noun loads it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class InputFormat(StrEnum):
    """How an input is written."""

    CSV = "csv"
    JSONL = "jsonl"


class OnConflict(StrEnum):
    """What becomes of a record about somebody who is there already."""

    FAIL = "fail"
    SKIP = "skip"
    UPDATE = "update"


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes:
        operation_id: the operation; in a dry run the one that was taken back; null when there was no record.
        records: how many the file has.
        created, updated: how many users were made, or changed.
        unchanged: records that say what was known.
        skipped: records about somebody who is there, with --on-conflict skip.
        rejected: records that were not taken.
        rejects_file: where they were written to.
    """

    operation_id: UUID | None
    records: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    rejected: int
    rejects_file: str | None


@dataclass(frozen=True)
class SyncResult:
    """What a synchronisation with a provider did.

    Attributes:
        operation_id: the operation; in a dry run the one that was taken back; null when there was no record.
        records: how many the file has.
        created, updated: how many users were made, or changed.
        linked: how many known users got their identity at the provider.
        unchanged: records that say what was known.
        rejected: records that were not taken.
        missing: users with an identity of that provider that the file does not hold; nothing was done to them.
        rejects_file: where the rejected were written to.
    """

    operation_id: UUID | None
    records: int
    created: int
    updated: int
    linked: int
    unchanged: int
    rejected: int
    missing: int
    rejects_file: str | None

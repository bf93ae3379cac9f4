"""What the audit answers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

# What a list of operations can be sorted by: what has an index.
OPERATION_SORTS = ("started_at",)


class Action(StrEnum):
    """What happened to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Origin(StrEnum):
    """Who made a change: a statement, a foreign key's cascade, or one of our triggers (derived again on undo)."""

    STATEMENT = "statement"
    CASCADE = "cascade"
    TRIGGER = "trigger"


@dataclass(frozen=True)
class Change:
    """One changed row.

    `before` holds the changed columns (update) or the whole row (delete) as they were, `after` the changed columns as
    they became (update). A secret is `{"fingerprint": ...}`. `forged` tells that the change was made in a transaction
    that is not the operation's own.
    """

    seq: int
    changed_at: datetime
    table: str
    key: str
    action: Action
    origin: Origin
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    login: str
    application: str
    forged: bool = False


@dataclass(frozen=True)
class ChangeList:
    """The changes of one operation: the first ones, and how many there are in all."""

    total: int
    shown: tuple[Change, ...]


@dataclass(frozen=True)
class OperationSummary:
    """An operation in a list."""

    MATTERS: ClassVar = ("id", "command", "started_at", "actor", "undone_by", "reason")

    id: UUID
    started_at: datetime
    command: str
    actor: str
    reason: str | None
    ticket: str | None
    changes: int
    undone_by: UUID | None


@dataclass(frozen=True)
class OperationDetail:
    """An operation whole, with its first changes."""

    id: UUID
    started_at: datetime
    command: str
    arguments: dict[str, Any]
    actor: str
    login: str
    application: str
    os_user: str | None
    host: str | None
    reason: str | None
    ticket: str | None
    idempotency_key: str | None
    schema_version: str | None
    undoes: UUID | None
    undone_by: UUID | None
    total_changes: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class UndoResult:
    """What an undo put back."""

    undone: UUID
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True)
class Verification:
    """What `audit verify` found.

    `head` is the digest of the newest seal in hexadecimal: kept elsewhere, it proves later that nothing before it was
    rewritten. `erased_by` are operations that erased a person in a sealed range: of what was there before them, only
    the digest is left. `problems` is empty when all is well.
    """

    seals: int
    operations: int
    changes: int
    unsealed: int
    head: str | None
    problems: tuple[str, ...]
    erased_by: tuple[UUID, ...] = ()

"""What is asked of the write path, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from platform_core.audit.types import ChangeList

T = TypeVar("T")


# What a list of unfinished steps can be sorted by; there are few of them.
INTENT_SORTS = ("created_at", "id")


@dataclass(frozen=True)
class WriteRequest:
    """One change of state as it is asked for.

    Args:
        command: noun and verb.
        arguments: the command's arguments for the record, without secrets.
        inputs: everything that makes two calls the same: arguments, digests of files and of standard input.
        reason, ticket: for the record.
        idempotency_key: the first run under it is the only one.
        actor: whom an administrator acts for; None for the login itself.
        dry_run: do all of it, then roll back.
        max_affected: the most rows that may change, cascades included; None for any number.
        undoes: the operation that this one puts back.
    """

    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    ticket: str | None = None
    idempotency_key: str | None = None
    actor: str | None = None
    dry_run: bool = False
    max_affected: int | None = None
    undoes: UUID | None = None


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of a change.

    `changes` is filled in a dry run, and `unaudited` says how many rows changed that are not among them. `planned` are
    the requests that a provider would be sent, in a dry run.
    """

    value: T
    operation_id: UUID
    dry_run: bool = False
    replayed: bool = False
    affected: int = 0
    changes: "ChangeList | None" = None
    planned: tuple[Mapping[str, Any], ...] = ()
    unaudited: int = 0


class IntentState(StrEnum):
    """Where a step at a provider stands."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class NewIntent:
    """A step at a provider that is about to be taken.

    `amount` is in minor units of `currency`. `request` is what is sent, without secrets.
    """

    step: str
    provider: str
    object_type: str
    object_id: str
    request: Mapping[str, Any]
    amount: int | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Intent:
    """A step at a provider as it is recorded."""

    MATTERS: ClassVar = ("id", "state", "operation_id", "step", "error")

    id: UUID
    operation_id: UUID
    step: str
    provider: str
    object_type: str
    object_id: str
    amount: int | None
    currency: str | None
    provider_key: str
    request: dict[str, Any]
    state: IntentState
    answer: dict[str, Any] | None
    error: str | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class ResumedIntent:
    """What came of finishing an unfinished step."""

    operation_id: UUID
    intent_id: UUID
    step: str
    state: IntentState
    error: str | None

"""What is asked of a run over several items, and what it answers for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from platform_core.errors import ExitCode

if TYPE_CHECKING:
    from platform_core.operations.types import Outcome, WriteRequest


class ItemStatus(StrEnum):
    """What came of an item."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    NOT_DONE = "not_done"


@dataclass(frozen=True)
class Item:
    """One thing that is meant.

    Attributes:
        place: from 1, in the order given.
        reference: as it was given; of a malformed line its number.
        problem: why it cannot be a reference, or None.
    """

    place: int
    reference: str
    problem: str | None = None


@dataclass(frozen=True)
class ItemResult:
    """What came of changing one item.

    Attributes:
        item: the reference as it was given; "line 3" for a malformed one.
        status: done, unchanged, failed or not_done.
        code: the exit code it would have had by itself; None when it was not done.
        message: why it failed, or was left as it is.
        operation_id: the operation that changed it; of all items the same with --atomic and in a dry run.
    """

    MATTERS: ClassVar = ("item", "status", "message", "code")

    item: str
    status: ItemStatus
    code: int | None
    message: str | None
    operation_id: UUID | None


@dataclass(frozen=True)
class ItemValue:
    """What came of reading one item. `value` is what the command answers for it alone."""

    item: str
    status: ItemStatus
    code: int | None
    message: str | None
    value: Any


@dataclass(frozen=True)
class BulkRequest:
    """A change of several items as it is asked for.

    Attributes:
        write: the change as for one item; its arguments are without the references.
        argument: name of the argument that takes the references, for the record.
        items: what is meant, in order.
        atomic: all in one operation, all or nothing.
        expect: how many different rows must be meant; only with `atomic`.
        resume: go on with what an earlier run of the same items left.
        restart: forget what an earlier run of the same items did, and begin anew.
        error_unchanged: an item with nothing to change has the code of that.
        private: keep no messages, which name what is to be forgotten.
    """

    write: "WriteRequest"
    argument: str
    items: tuple[Item, ...]
    atomic: bool = False
    expect: int | None = None
    resume: bool = False
    restart: bool = False
    error_unchanged: bool = False
    private: bool = False


@dataclass(frozen=True)
class BulkOutcome:
    """The results, and the one operation that they were made in: with `atomic`, in a dry run, or in a replay."""

    results: tuple[ItemResult, ...]
    outcome: "Outcome[Any] | None" = None


def exit_code(results: Sequence[ItemResult | ItemValue]) -> int:
    """The exit code of a run.

    0 when nothing failed (3 when every item says so); the code that all failed items share when none is done; else 7.
    """
    failed = {result.code for result in results if result.status is ItemStatus.FAILED}
    if not failed:
        unchanged = bool(results) and all(result.code == ExitCode.UNCHANGED for result in results)
        return int(ExitCode.UNCHANGED if unchanged else ExitCode.DONE)
    some_done = any(result.status in {ItemStatus.DONE, ItemStatus.UNCHANGED} for result in results)
    if some_done or len(failed) > 1:
        return int(ExitCode.PARTIAL)
    return int(failed.pop() or ExitCode.PARTIAL)

"""The progress of runs over several items, inside a transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from platform_core.bulk import queries
from platform_core.bulk.types import BulkRequest, ItemResult, ItemStatus
from platform_core.db.session import inputs_digest
from platform_core.errors import ExitCode
from platform_core.operations.types import WriteRequest


@dataclass(frozen=True)
class Known:
    """What is on record of a run.

    Attributes:
        done: by place, the items that need not be done again.
        rows: keys of the rows that they were about, each with the item's reference.
        recorded: how many items are on record, failed ones included.
    """

    done: Mapping[int, ItemResult]
    rows: Mapping[str, str]
    recorded: int


class BulkService:
    """What is on record of runs over several items.

    Args:
        connection: inside a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def digest(self, write: WriteRequest) -> str:
        """What tells this run from others: the command, its inputs with all items, and its idempotency key."""
        inputs = {**write.inputs, "idempotency_key": write.idempotency_key}
        return inputs_digest(self._connection, replace(write, inputs=inputs))

    def known(self, digest: str, request: BulkRequest) -> Known:
        """What is on record of a run."""
        done: dict[int, ItemResult] = {}
        rows: dict[str, str] = {}
        recorded = queries.progress(self._connection, digest)
        for row in recorded:
            if row.status != ItemStatus.FAILED.value:
                name = request.items[row.item - 1].reference
                done[row.item] = ItemResult(name, ItemStatus(row.status), row.code, row.message, row.operation_id)
                rows.setdefault(row.row_key or "", name)
        return Known(done, rows, len(recorded))

    def record(
        self,
        digest: str,
        total: int,
        place: int,
        operation_id: UUID,
        row_key: str | None,
        *,
        code: int,
        waits: bool,
        unaudited: int,
    ) -> ItemStatus | None:
        """Write down an item in the transaction that changed it.

        Args:
            digest, total: of the run, and how many items it has.
            place: of the item.
            operation_id: that changed it.
            row_key: of the row that it was about.
            code: the item's exit code in case nothing was changed.
            waits: whether COMMIT waits for the disk.
            unaudited: how many rows were changed that the audit does not know.

        Returns:
            done or unchanged; None when another process recorded it first: then this transaction must not commit.
        """
        values = {"digest": digest, "total": total, "item": place, "operation_id": operation_id, "row_key": row_key}
        status = queries.record(
            self._connection, {**values, "unchanged_code": code, "waits": waits, "unaudited": unaudited > 0}
        )
        return None if status is None else ItemStatus(status)

    def record_rest(self, digest: str, total: int, results: Mapping[int, ItemResult], *, private: bool) -> None:
        """Write down, by place, the items that changed nothing; without their messages if `private`."""
        if results:
            rows = [
                {
                    "digest": digest,
                    "total": total,
                    "item": place,
                    "status": result.status.value,
                    "code": result.code,
                    "message": None if private else result.message,
                }
                for place, result in results.items()
            ]
            queries.record_failures(self._connection, rows)

    def forget(self, digest: str) -> None:
        """Forget a run."""
        queries.forget(self._connection, digest)

    def forget_finished(self, older_than: timedelta) -> int:
        """Forget the runs that ended longer ago. Returns how many items that were."""
        return queries.forget_finished(self._connection, older_than)

    def row_counter(self, operation_id: UUID) -> "RowCounter":
        """Counts the rows that each item of one operation changed."""
        return RowCounter(self._connection, operation_id)

    def check_deferred_constraints(self) -> None:
        """Check now what a COMMIT at this place would check."""
        queries.check_deferred_constraints(self._connection)


class RowCounter:
    """Counts the rows that an operation changed since the last time it was asked."""

    def __init__(self, connection: Connection, operation_id: UUID) -> None:
        self._connection = connection
        self._operation_id = operation_id
        self._seq = 0

    def count(self) -> int:
        """How many, cascades included."""
        affected, self._seq = queries.changes_since(self._connection, self._operation_id, self._seq)
        return affected


def failed(name: str, code: int, message: str) -> ItemResult:
    """The result of an item that failed."""
    return ItemResult(name, ItemStatus.FAILED, int(code), message, None)


def malformed(name: str, problem: str) -> ItemResult:
    """The result of an item that is no reference."""
    return failed(name, ExitCode.USAGE, problem)


def same_row(name: str, other: str) -> ItemResult:
    """The result of an item that names the row of an earlier one."""
    return ItemResult(name, ItemStatus.UNCHANGED, 0, f"names the same row as {other}", None)


def not_done(name: str) -> ItemResult:
    """The result of an item that was not tried, or taken back with the others."""
    return ItemResult(name, ItemStatus.NOT_DONE, None, None, None)


def changed(name: str, status: ItemStatus, operation_id: UUID | None, *, error_unchanged: bool) -> ItemResult:
    """The result of an item that was changed, or found as it should be."""
    if status is ItemStatus.DONE:
        return ItemResult(name, status, int(ExitCode.DONE), None, operation_id)
    return ItemResult(name, status, unchanged_code(error_unchanged=error_unchanged), "nothing to change", operation_id)


def unchanged_code(*, error_unchanged: bool) -> int:
    """The exit code of an item that was as it should be."""
    return int(ExitCode.UNCHANGED if error_unchanged else ExitCode.DONE)


def key_of(value: Any) -> str | None:
    """The key of the row that a change answered with; None where the answer has none."""
    key = getattr(value, "id", None)
    return None if key is None else str(key)

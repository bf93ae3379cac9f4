"""The rules of the audit: listing, showing, undoing, sealing, verifying."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from platform_core.audit import queries
from platform_core.audit.types import OperationDetail, OperationSummary, UndoResult, Verification
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import Conflict, NotFound

NAMED_ROWS = 20
SEALED_AT_ONCE = 10_000
NO_DIGEST = b""


class AuditService:
    """Reads the audit and puts things back.

    Args:
        connection: inside a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        *,
        limit: int | None,
        command: str | None = None,
        actor: str | None = None,
        table: str | None = None,
        key: str | None = None,
    ) -> tuple[OperationSummary, ...]:
        """Operations, newest first. `table` and `key` keep those that touched such a row."""
        rows = queries.list_operations(
            self._connection, limit=limit, command=command, actor=actor, table=table, key=key
        )
        return tuple(OperationSummary(**row._mapping) for row in rows)

    def show(self, operation_id: UUID, *, limit: int | None = queries.SHOWN_CHANGES) -> OperationDetail:
        """One operation with its changes.

        Raises:
            NotFound: there is no such operation; a change that never committed leaves none.
        """
        row = self._operation(operation_id)
        found = queries.change_list(self._connection, operation_id, limit)
        return OperationDetail(
            id=row.id,
            started_at=row.started_at,
            command=row.command,
            arguments=row.arguments,
            actor=row.actor,
            login=row.session_user_name,
            application=row.application_name,
            os_user=row.os_user,
            host=row.host,
            reason=row.reason,
            ticket=row.ticket,
            idempotency_key=row.idempotency_key,
            schema_version=row.schema_version,
            undoes=row.undoes,
            undone_by=row.undone_by,
            total_changes=found.total,
            changes=found.shown,
        )

    def undo(self, operation_id: UUID, *, undo_id: UUID) -> UndoResult:
        """Put every row that an operation changed back to how it was before.

        Args:
            operation_id: what to undo.
            undo_id: the operation that does it, already open.

        Raises:
            NotFound: there is no such operation.
            Conflict: a row was changed since, a secret would be needed, the schema is another one, or rows that the
                operation did not make would be taken along. Nothing is changed then.
        """
        row = self._operation(operation_id)
        if row.schema_version != SCHEMA_VERSION:
            raise Conflict(
                f"operation {operation_id} was made under schema {row.schema_version}, now it is {SCHEMA_VERSION}",
                "its before-images may not fit any more: look at it with agentadm audit show, and change by hand",
            )
        connection = self._connection
        if later := queries.later_changes(connection, operation_id, NAMED_ROWS):
            raise Conflict(
                f"changed since: {_named(later, with_operation=True)}",
                "undo the later operations first, newest first",
            )
        if secret := queries.secret_rows(connection, operation_id, NAMED_ROWS):
            raise Conflict(
                f"the audit keeps only fingerprints of secrets, needed for: {_named(secret)}",
                "make a new secret instead",
            )
        queries.defer_constraints(connection)
        inserted = updated = deleted = 0
        for table in queries.prepare_undo(connection, operation_id):
            counts = queries.undo_table(connection, table)
            inserted, updated, deleted = inserted + counts[0], updated + counts[1], deleted + counts[2]
        if along := queries.rows_taken_along(connection, undo_id, operation_id, NAMED_ROWS):
            raise Conflict(
                f"these rows came later and would be lost: {_named(along)}",
                "remove or move them first, then undo",
            )
        return UndoResult(operation_id, inserted, updated, deleted)

    def seal(self) -> int:
        """Seal what is closed. Returns how many ranges were sealed."""
        connection = self._connection
        known = queries.seals(connection)
        previous = known[-1].digest if known else NO_DIGEST
        sealed, newest = queries.close_range(connection)
        made = 0
        while sealed < newest:
            to_seq = min(newest, sealed + SEALED_AT_ONCE)
            found = queries.range_digest(connection, previous, sealed + 1, to_seq)
            queries.insert_seal(connection, sealed + 1, to_seq, found)
            previous, sealed, made = found.digest, to_seq, made + 1
        return made

    def verify(self) -> Verification:
        """Compute every seal again, and look for changes filed under a foreign operation."""
        connection = self._connection
        problems: list[str] = []
        previous, expected_from = NO_DIGEST, 1
        operations = changes = 0
        known = queries.seals(connection)
        for seal in known:
            if seal.from_seq != expected_from:
                problems.append(f"no seal covers {expected_from} to {seal.from_seq - 1}")
            found = queries.range_digest(connection, previous, seal.from_seq, seal.to_seq)
            if found.digest != seal.digest:
                problems.append(
                    f"{seal.from_seq} to {seal.to_seq} was rewritten after it was sealed: "
                    f"{found.operations} operations and {found.changes} changes, "
                    f"sealed were {seal.operations} and {seal.changes}"
                )
            previous, expected_from = seal.digest, seal.to_seq + 1
            operations, changes = operations + seal.operations, changes + seal.changes
        problems += [
            f"change of {row.table_name} {row.row_key} by {row.login} claims operation {row.operation_id}, "
            "but was made in another transaction"
            for row in queries.forged_changes(connection, NAMED_ROWS)
        ]
        return Verification(
            seals=len(known),
            operations=operations,
            changes=changes,
            unsealed=queries.count_unsealed(connection, expected_from - 1),
            head=previous.hex() or None,
            problems=tuple(problems),
        )

    def _operation(self, operation_id: UUID) -> Any:
        row = queries.find_operation(self._connection, operation_id)
        if row is None:
            raise NotFound(f"no operation {operation_id}", "agentadm audit list shows them")
        return row


def _named(rows: Sequence[Any], *, with_operation: bool = False) -> str:
    told = [
        f"{row.table_name} {row.row_key}" + (f" (by operation {row.operation_id})" if with_operation else "")
        for row in rows
    ]
    return ", ".join(told) + (" and more" if len(rows) == NAMED_ROWS else "")

"""The rules of the audit: listing, showing, undoing, sealing, verifying."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from platform_core.audit import queries
from platform_core.audit.types import OperationDetail, OperationSummary, UndoResult, Verification
from platform_core.audit.undo import undo
from platform_core.db.schema import AnyRow
from platform_core.db.version import SCHEMA_VERSION
from platform_core.errors import Conflict, NotFound
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.refs import as_uuid, as_uuid_ending, exactly_one

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
        request: ListRequest,
        *,
        command: str | None = None,
        actor: str | None = None,
        table: str | None = None,
        key: str | None = None,
    ) -> Rows[OperationSummary]:
        """Operations, newest first. `table` and `key` keep those that touched such a row.

        Raises:
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(command=command, actor=actor, table=table, key=key)
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def find(self, reference: str) -> UUID:
        """The id of the operation that a reference names: an id, or the ending of one.

        Raises:
            NotFound, Conflict: an ending names none, or several. A whole id is not looked up.
        """
        whole = as_uuid(reference)
        if whole is not None:
            return whole
        ending = as_uuid_ending(reference)
        found = [] if ending is None else queries.operations_ending_with(self._connection, ending)
        return exactly_one("operation", reference, found, "agentadm audit list shows them")

    def show(
        self, operation_id: UUID, *, limit: int | None = queries.SHOWN_CHANGES, reveal: bool = False
    ) -> OperationDetail:
        """One operation with its changes; columns that are masked stay so unless `reveal`.

        Raises:
            NotFound: there is no such operation; a change that never committed leaves none.
        """
        row = self._operation(operation_id)
        found = queries.change_list(self._connection, operation_id, limit, reveal=reveal)
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

    def undo(
        self,
        operation_id: UUID,
        *,
        undo_id: UUID,
        irreversible: frozenset[str] = frozenset(),
        compensated: Mapping[str, str] = MappingProxyType({}),
    ) -> UndoResult:
        """Put every row that an operation changed back to how it was before.

        Args:
            operation_id: what to undo.
            undo_id: the operation that does it, already open.
            irreversible: commands from which there is no way back.
            compensated: commands that another takes back, with that one.

        Raises:
            NotFound: there is no such operation.
            Conflict: a row was changed since, a secret would be needed, the schema is another one, or rows that the
                operation did not make would be taken along; or all that it did is for another command to take back.
                Nothing is changed then.
        """
        row = self._operation(operation_id)
        if row.command in irreversible:
            raise Conflict(f"operation {operation_id} is a {row.command!r}, which cannot be undone")
        if row.schema_version != SCHEMA_VERSION:
            raise Conflict(
                f"operation {operation_id} was made under schema {row.schema_version}, now it is {SCHEMA_VERSION}",
                "its before-images may not fit any more: look at it with agentadm audit show, and change by hand",
            )
        done = undo(self._connection, operation_id, undo_id)
        if row.command in compensated and not (done.inserted or done.updated or done.deleted):
            raise Conflict(
                f"operation {operation_id} is a {row.command!r}, of which the audit has nothing to put back",
                f"what takes it back is agentadm {compensated[row.command]}",
            )
        return done

    def seal(self) -> int:
        """Seal what is closed. Returns how many ranges were sealed."""
        connection = self._connection
        newest = queries.close_range(connection)
        queries.set_text_forms(connection)
        known = queries.seals(connection)
        previous, sealed = (known[-1].digest, known[-1].to_seq) if known else (NO_DIGEST, 0)
        made = 0
        while sealed < newest:
            to_seq = min(newest, sealed + SEALED_AT_ONCE)
            found = queries.range_digest(connection, previous, sealed + 1, to_seq)
            queries.insert_seal(connection, sealed + 1, to_seq, found)
            previous, sealed, made = found.digest, to_seq, made + 1
        return made

    def verify(self) -> Verification:
        """Compute every seal again, and look for changes filed under an operation that did not make them."""
        connection = self._connection
        queries.set_text_forms(connection)
        problems: list[str] = []
        previous, expected_from = NO_DIGEST, 1
        operations = changes = 0
        known = queries.seals(connection)
        for seal in known:
            if seal.from_seq > expected_from:
                problems.append(f"no seal covers {expected_from} to {seal.from_seq - 1}")
            if seal.from_seq < expected_from:
                problems.append(f"two seals cover {seal.from_seq} to {min(seal.to_seq, expected_from - 1)}")
            found = queries.range_digest(connection, previous, seal.from_seq, seal.to_seq)
            if tuple(found) != (seal.operations, seal.changes, seal.erased_digest or seal.digest):
                problems.append(
                    f"{seal.from_seq} to {seal.to_seq}, or its seal, was rewritten after it was sealed: "
                    f"{found.operations} operations and {found.changes} changes, "
                    f"sealed were {seal.operations} and {seal.changes}"
                )
            previous, expected_from = seal.digest, seal.to_seq + 1
            operations, changes = operations + seal.operations, changes + seal.changes
        problems += [
            f"operation {repeated} is there more than once"
            for repeated in queries.repeated_operations(connection, NAMED_ROWS)
        ]
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
            erased_by=tuple(dict.fromkeys(seal.erased_by for seal in known if seal.erased_by is not None)),
        )

    def _operation(self, operation_id: UUID) -> Any:
        row = queries.find_operation(self._connection, operation_id)
        if row is None:
            raise NotFound(f"no operation {operation_id}", "agentadm audit list shows them")
        return row


def _summary(row: AnyRow) -> OperationSummary:
    return OperationSummary(
        row.id, row.started_at, row.command, row.actor, row.reason, row.ticket, row.changes, row.undone_by
    )

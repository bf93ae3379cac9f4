"""Every statement about the progress of runs over several items."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from platform_core.audit.tables import audit_changes
from platform_core.audit.types import Origin
from platform_core.db.schema import AnyRow
from platform_core.operations.tables import chunk_progress

columns = chunk_progress.c

# Whether the item was changed is counted here, to save a round trip. A failed item may be tried again; one that is done
# is never written again: then no row comes back. The COMMIT of an item need not wait for the disk, the run's last one
# does: what is lost with the server until then is lost together with its progress.
RECORD = text(
    """
    INSERT INTO agentadm.chunk_progress AS known (digest, total, item, status, code, operation_id, row_key)
    SELECT :digest, :total, :item, CASE WHEN changed THEN 'done' ELSE 'unchanged' END,
        CASE WHEN changed THEN 0 ELSE CAST(:unchanged_code AS smallint) END, :operation_id, :row_key
    FROM (
        SELECT :unaudited OR EXISTS (
            SELECT FROM agentadm.audit_changes WHERE operation_id = :operation_id AND origin <> 'trigger'
        ) AS changed
    ) AS counted
    ON CONFLICT (digest, item) DO UPDATE SET status = excluded.status, code = excluded.code, message = NULL,
        operation_id = excluded.operation_id, row_key = excluded.row_key
    WHERE known.status = 'failed'
    RETURNING known.status, CASE WHEN :waits THEN '' ELSE set_config('synchronous_commit', 'off', true) END
    """
)


def progress(connection: Connection, digest: str) -> Sequence[AnyRow]:
    """What is on record of a run, in the order of its items."""
    return connection.execute(select(chunk_progress).where(columns.digest == digest).order_by(columns.item)).all()


def record(connection: Connection, values: Mapping[str, Any]) -> str | None:
    """Write down an item, in the transaction that changed it. Returns its status; None when it was done before."""
    row = connection.execute(RECORD, values).first()
    return None if row is None else str(row.status)


def record_failures(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write down items that changed nothing; what is on record as done stays so."""
    statement = upsert(chunk_progress)
    changed = {name: statement.excluded[name] for name in ("status", "code", "message")}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["digest", "item"], set_=changed, where=columns.status == "failed"
        ),
        list(rows),
    )


def forget(connection: Connection, digest: str) -> None:
    """Delete what is on record of a run."""
    connection.execute(delete(chunk_progress).where(columns.digest == digest))


def forget_finished(connection: Connection, older_than: timedelta) -> int:
    """Delete the progress of runs that ended longer ago. Returns how many items that were."""
    finished = (
        select(columns.digest)
        .group_by(columns.digest)
        .having(
            func.count() >= func.max(columns.total), func.max(columns.updated_at) < func.agentadm.now() - older_than
        )
    )
    return connection.execute(delete(chunk_progress).where(columns.digest.in_(finished))).rowcount


def changes_since(connection: Connection, operation_id: UUID, seq: int) -> tuple[int, int]:
    """How many rows an operation changed after a place in the audit, and the newest place."""
    changes = audit_changes.c
    row = connection.execute(
        select(
            func.count().filter(changes.origin != Origin.TRIGGER.value).label("affected"),
            func.coalesce(func.max(changes.seq), seq).label("newest"),
        ).where(changes.operation_id == operation_id, changes.seq > seq)
    ).one()
    return row.affected, row.newest


def check_deferred_constraints(connection: Connection) -> None:
    """Check what has been deferred so far, and defer again."""
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))

"""Every statement about operations, idempotency keys and provider intents."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, func, insert, null, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from platform_core.clock import uuid_v7
from platform_core.db.schema import AnyRow
from platform_core.operations.tables import idempotency_keys, operations, provider_intents
from platform_core.operations.types import IntentState, NewIntent, WriteRequest

BEGIN = text(
    """
    SELECT set_config('statement_timeout', :statement_timeout, true),
        set_config('lock_timeout', :lock_timeout, true),
        set_config('app.clock', :clock, true),
        agentadm.begin_operation(:id, :command, CAST(:arguments AS jsonb), :reason, :ticket, :idempotency_key, :actor,
            :os_user, :host, :undoes)
    """
)
CONTINUE = text(
    """
    SELECT set_config('statement_timeout', :statement_timeout, true),
        set_config('lock_timeout', :lock_timeout, true),
        set_config('app.clock', :clock, true),
        agentadm.continue_operation(:id)
    """
)
READ = text(
    """
    SELECT set_config('statement_timeout', :statement_timeout, true),
        set_config('lock_timeout', :lock_timeout, true),
        set_config('app.clock', :clock, true)
    """
)


def begin(
    connection: Connection,
    operation_id: UUID,
    request: WriteRequest,
    arguments: str,
    settings: Mapping[str, str],
    *,
    os_user: str,
    host: str,
) -> int:
    """Open the operation: time-outs, clock, row and setting in one round trip. Returns the transaction's id."""
    row = connection.execute(
        BEGIN,
        {
            **settings,
            "id": operation_id,
            "command": request.command,
            "arguments": arguments,
            "reason": request.reason,
            "ticket": request.ticket,
            "idempotency_key": request.idempotency_key,
            "actor": request.actor,
            "os_user": os_user,
            "host": host,
            "undoes": request.undoes,
        },
    ).one()
    xid: int = row[3]
    return xid


def go_on(connection: Connection, operation_id: UUID, settings: Mapping[str, str]) -> int:
    """Open a later transaction of an operation. Returns the transaction's id."""
    row = connection.execute(CONTINUE, {**settings, "id": operation_id}).one()
    xid: int = row[3]
    return xid


def begin_read(connection: Connection, settings: Mapping[str, str]) -> None:
    """Time-outs and clock of a transaction that reads."""
    connection.execute(READ, settings)


def force_deferred_constraints(connection: Connection) -> None:
    """Check now what would be checked at COMMIT."""
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def was_committed(connection: Connection, operation_id: UUID, xid: int) -> bool | None:
    """Whether an operation's transaction took effect; None while it is still running.

    The row is looked at before the transaction's status: a commit between the two shows in the second.
    """
    if connection.execute(select(exists().where(operations.c.id == operation_id))).scalar_one():
        return True
    newest = connection.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")).scalar_one()
    if xid >= newest:
        # Given out before a crash and never written: the server knows nothing of it.
        return False
    status = connection.execute(text("SELECT pg_xact_status(CAST(CAST(:xid AS text) AS xid8))"), {"xid": xid})
    found: str | None = status.scalar_one()
    return None if found == "in progress" else found == "committed"


def claim_key(connection: Connection, key: str, inputs_digest: str, operation_id: UUID) -> bool:
    """Take an idempotency key for this operation; False when an earlier one has it. Waits for one that is running."""
    claim = (
        upsert(idempotency_keys)
        .values(key=key, inputs_digest=inputs_digest, operation_id=operation_id)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(idempotency_keys.c.id)
    )
    return connection.execute(claim).first() is not None


def find_key(connection: Connection, key: str) -> AnyRow | None:
    """What is stored under an idempotency key."""
    columns = idempotency_keys.c
    return connection.execute(
        select(columns.inputs_digest, columns.operation_id, columns.result).where(columns.key == key)
    ).first()


def store_result(connection: Connection, key: str, result: str) -> None:
    """Keep an operation's answer under its idempotency key. `result` is JSON."""
    connection.execute(
        text("UPDATE agentadm.idempotency_keys SET result = CAST(:result AS jsonb) WHERE key = :key"),
        {"result": result, "key": key},
    )


def insert_intent(connection: Connection, operation_id: UUID, intent: NewIntent) -> AnyRow:
    """Write down a step before it is taken. The provider's idempotency key is the row's own id."""
    intent_id = uuid_v7()
    statement = (
        insert(provider_intents)
        .values(
            id=intent_id,
            operation_id=operation_id,
            step=intent.step,
            provider=intent.provider,
            object_type=intent.object_type,
            object_id=intent.object_id,
            amount=intent.amount,
            currency=intent.currency,
            provider_key=f"agentadm-{intent_id}",
            request=dict(intent.request),
        )
        .returning(provider_intents)
    )
    return connection.execute(statement).one()


def unfinished_intent(connection: Connection, object_type: str, object_id: str) -> AnyRow | None:
    """The unfinished step about an object, if there is one."""
    columns = provider_intents.c
    return connection.execute(
        select(provider_intents).where(
            columns.object_type == object_type,
            columns.object_id == object_id,
            columns.state == IntentState.PENDING.value,
        )
    ).first()


def lock_intent(connection: Connection, intent_id: UUID) -> AnyRow:
    """An intent, locked for the rest of the transaction."""
    return connection.execute(
        select(provider_intents).where(provider_intents.c.id == intent_id).with_for_update()
    ).one()


def intents_of(connection: Connection, operation_id: UUID) -> list[AnyRow]:
    """The steps of one operation, oldest first."""
    columns = provider_intents.c
    return list(
        connection.execute(
            select(provider_intents).where(columns.operation_id == operation_id).order_by(columns.id)
        ).all()
    )


def unfinished_intents(connection: Connection, limit: int | None) -> list[AnyRow]:
    """Unfinished steps, oldest first."""
    columns = provider_intents.c
    return list(
        connection.execute(
            select(provider_intents)
            .where(columns.state == IntentState.PENDING.value)
            .order_by(columns.created_at, columns.id)
            .limit(limit)
        ).all()
    )


def settle_intent(
    connection: Connection,
    intent_id: UUID,
    state: IntentState,
    answer: Mapping[str, Any] | None,
    error: str | None,
) -> None:
    """Record what came of a step."""
    connection.execute(
        update(provider_intents)
        .where(provider_intents.c.id == intent_id)
        .values(
            state=state.value,
            answer=null() if answer is None else dict(answer),
            error=error,
            settled_at=func.agentadm.now(),
        )
    )

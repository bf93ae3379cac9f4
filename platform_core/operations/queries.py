"""Every statement about operations, idempotency keys and provider intents."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, exists, func, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from platform_core.clock import uuid_v7
from platform_core.db.schema import AnyRow
from platform_core.db.transaction_queries import SETTINGS
from platform_core.listing.queries import ListSpec, Sort, fields_of
from platform_core.operations.tables import (
    idempotency_keys,
    operation_continuations,
    operations,
    provider_intents,
)
from platform_core.operations.types import Intent, IntentState, NewIntent, WriteRequest

BEGIN = text(
    f"{SETTINGS}, agentadm.begin_operation(:id, :command, CAST(:arguments AS jsonb), :reason, :ticket,"
    " :idempotency_key, :actor, :os_user, :host, :undoes)"
)
CONTINUE = text(f"{SETTINGS}, agentadm.continue_operation(:id)")

# A number that is not below a new one was given out before a crash and never written: the server knows nothing of it.
XACT_STATUS = text(
    """
    SELECT CASE WHEN CAST(:xid AS bigint) < pg_current_xact_id()::text::bigint
        THEN pg_xact_status(CAST(CAST(:xid AS text) AS xid8)) END
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
    xid: int = row[-1]
    return xid


def go_on(connection: Connection, operation_id: UUID, settings: Mapping[str, str]) -> int:
    """Open a later transaction of an operation. Returns the transaction's id."""
    row = connection.execute(CONTINUE, {**settings, "id": operation_id}).one()
    xid: int = row[-1]
    return xid


def force_deferred_constraints(connection: Connection) -> None:
    """Check now what would be checked at COMMIT."""
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def was_committed(connection: Connection, operation_id: UUID, xid: int) -> bool | None:
    """Whether a transaction of an operation took effect; None while it is still running.

    Args:
        connection: in a new READ COMMITTED transaction: it is younger than the other, and looks at the row only once
            the other is known to have ended.
        operation_id: whose.
        xid: the transaction. Its status alone proves nothing: after a crash the number is given out again.
    """
    if connection.execute(XACT_STATUS, {"xid": xid}).scalar_one() == "in progress":
        return None
    begun = exists().where(operations.c.id == operation_id, operations.c.xid == xid)
    continued = exists().where(
        operation_continuations.c.operation_id == operation_id, operation_continuations.c.xid == xid
    )
    found: bool = connection.execute(select(or_(begun, continued))).scalar_one()
    return found


def inputs_digest(connection: Connection, message: bytes) -> str:
    """An HMAC of what is short, with the installation's own key."""
    return str(connection.execute(select(func.agentadm.inputs_digest(message))).scalar_one())


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


def forget_keys(connection: Connection, older_than: timedelta) -> int:
    """Delete the idempotency keys that are older. Returns how many."""
    columns = idempotency_keys.c
    return connection.execute(
        delete(idempotency_keys).where(columns.created_at < func.agentadm.now() - older_than)
    ).rowcount


def store_result(connection: Connection, key: str, result: str) -> None:
    """Keep an operation's answer under its idempotency key. `result` is JSON."""
    connection.execute(
        text("UPDATE agentadm.idempotency_keys SET result = CAST(:result AS json) WHERE key = :key"),
        {"result": result, "key": key},
    )


def insert_intent(connection: Connection, operation_id: UUID, intent: NewIntent) -> AnyRow | None:
    """Write down a step before it is taken; None when one about the same object is unfinished.

    The provider's idempotency key is the row's own id. The time is the real one: the provider goes by it.
    """
    intent_id = uuid_v7()
    columns = provider_intents.c
    statement = (
        upsert(provider_intents)
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
            created_at=func.transaction_timestamp(),
        )
        .on_conflict_do_nothing(
            index_elements=["object_type", "object_id"], index_where=columns.state == IntentState.PENDING.value
        )
        .returning(provider_intents)
    )
    return connection.execute(statement).first()


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


UNFINISHED = provider_intents.c.state == IntentState.PENDING.value
LIST = ListSpec(
    fields=fields_of(provider_intents, words={"state": tuple(IntentState)}),
    columns={field.name: provider_intents.c[field.name] for field in dataclasses.fields(Intent)},
    sorts={"created_at": Sort(provider_intents.c.created_at), "id": Sort(provider_intents.c.id)},
    default_sort="created_at",
    key=provider_intents.c.id,
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

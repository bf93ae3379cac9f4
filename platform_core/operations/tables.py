"""Tables of operations, idempotency keys and provider intents."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Named,
    Sequence,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.schema import care, created_column, key_column, metadata, time_column, updated_column


class OperationsColumns(TypedColumns):
    """Columns of operations."""

    id: Named[UUID] = Column(
        Uuid(), primary_key=True, comment="Made by the client, so that it can ask after a lost answer"
    )
    started_at: Named[datetime] = Column(
        time_column("When it began").type,
        primary_key=True,
        server_default=text("agentadm.now()"),
        comment="When it began",
    )
    seq: Named[int] = Column(
        BigInteger,
        server_default=text("nextval('agentadm.audit_seq')"),
        comment="Place in the order of the audit, shared with audit_changes",
    )
    command: Named[str] = Column(Text, comment="Noun and verb; 'outside' for a change made without the tool")
    arguments: Named[dict[str, Any]] = Column(JSONB, comment="Arguments of the command, without secrets")
    reason: Named[str | None] = Column(Text, comment="Why, in the operator's words")
    ticket: Named[str | None] = Column(Text, comment="The ticket it belongs to")
    idempotency_key: Named[str | None] = Column(Text, comment="The caller's key, when given")
    actor: Named[str] = Column(Text, comment="The database login, or whom an administrator acted for")
    session_user_name: Named[str] = Column(
        Text, server_default=text("SESSION_USER"), comment="The database login, as the server knows it"
    )
    application_name: Named[str] = Column(
        Text,
        server_default=text("current_setting('application_name')"),
        comment="What the connection called itself",
    )
    os_user: Named[str | None] = Column(Text, comment="Operating system user, as the tool saw it")
    host: Named[str | None] = Column(Text, comment="Host, as the tool saw it")
    undoes: Named[UUID | None] = Column(Uuid(), comment="The operation that this one undid")
    schema_version: Named[str | None] = Column(Text, comment="Revision of the schema it ran under")
    xid: Named[int] = Column(BigInteger, comment="Its transaction id; a change with another one claims it falsely")


operations = Table(
    "operations",
    metadata,
    OperationsColumns,
    Index(None, "seq", postgresql_using="brin"),
    Index(None, "idempotency_key", postgresql_where=text("idempotency_key IS NOT NULL")),
    Index(None, "undoes", postgresql_where=text("undoes IS NOT NULL")),
    Index(None, "started_at"),
    Index("operations_id_ending_idx", text('"right"(id::text, 8)')),
    postgresql_partition_by="RANGE (started_at)",
    comment="One row for each change of state: who, what, why",
    info=care(unaudited="is the audit itself", append_only=True),
)

audit_seq = Sequence("audit_seq", schema=metadata.schema)


class OperationContinuationsColumns(TypedColumns):
    """Columns of operation_continuations."""

    id: Named[UUID] = key_column()
    operation_id: Named[UUID] = Column(Uuid(), comment="The operation that went on (partitioned, so no foreign key)")
    xid: Named[int] = Column(BigInteger, comment="The later transaction's id")
    created_at: Named[datetime] = created_column()


operation_continuations = Table(
    "operation_continuations",
    metadata,
    OperationContinuationsColumns,
    Index(None, "operation_id"),
    comment="Later transactions of one operation: the second half of a provider step, chunks of a bulk run",
    info=care(unaudited="is the audit itself", append_only=True),
)


class IdempotencyKeysColumns(TypedColumns):
    """Columns of idempotency_keys."""

    id: Named[UUID] = key_column()
    key: Named[str] = Column(Text, comment="What the caller gave with --idempotency-key")
    inputs_digest: Named[str] = Column(Text, comment="HMAC over command, arguments, files and standard input")
    operation_id: Named[UUID] = Column(
        Uuid(), comment="The operation that ran under the key (partitioned: no foreign key)"
    )
    result: Named[Any] = Column(
        # Not JSONB: that would put the fields of a replay in another order.
        JSON(),
        nullable=True,
        comment="What it answered, without secrets; NULL until it is done",
    )
    created_at: Named[datetime] = created_column()


idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    IdempotencyKeysColumns,
    UniqueConstraint("key"),
    Index(None, "created_at"),
    comment="Keys under which a command runs once, with its answer",
    info=care(unaudited="records operations, which are audited"),
)


class ChunkProgressColumns(TypedColumns):
    """Columns of chunk_progress."""

    id: Named[UUID] = key_column()
    digest: Named[str] = Column(Text, comment="HMAC over the command and all its items: which run this belongs to")
    total: Named[int] = Column(Integer, comment="How many items the run has; it is finished when all are here")
    item: Named[int] = Column(Integer, comment="Place of the item in the run, from 1")
    status: Named[str] = Column(Text, comment="done, unchanged or failed")
    code: Named[int] = Column(SmallInteger, comment="Exit code of the item")
    message: Named[str | None] = Column(Text, comment="Why it failed or was left as it is")
    operation_id: Named[UUID | None] = Column(
        Uuid(), comment="The operation that changed it (partitioned: no foreign key)"
    )
    row_key: Named[str | None] = Column(Text, comment="Key of the row that it was about, as text")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()
    counts: Named[Any] = Column(JSONB, nullable=True, comment="What a chunk of an import did, in numbers")


chunk_progress = Table(
    "chunk_progress",
    metadata,
    ChunkProgressColumns,
    UniqueConstraint("digest", "item"),
    CheckConstraint("status IN ('done', 'unchanged', 'failed')", name="chunk_progress_status_check"),
    CheckConstraint("item BETWEEN 1 AND total", name="chunk_progress_item_check"),
    comment="Items of bulk runs, each written in the transaction that changed it, so that a run can be gone on with",
    info=care(unaudited="is its own record"),
)


class ProviderIntentsColumns(TypedColumns):
    """Columns of provider_intents."""

    id: Named[UUID] = key_column()
    operation_id: Named[UUID] = Column(Uuid(), comment="The operation it belongs to (partitioned: no foreign key)")
    step: Named[str] = Column(Text, comment="Which step this is, by its name in the registry of steps")
    provider: Named[str] = Column(Text, comment="Who is asked: stripe and the like")
    object_type: Named[str] = Column(Text, comment="Table of the row that the step is about")
    object_id: Named[str] = Column(Text, comment="Key of that row")
    amount: Named[int | None] = Column(BigInteger, comment="Reserved amount in minor units")
    currency: Named[str | None] = Column(CHAR(3), comment="ISO 4217 code of the amount")
    provider_key: Named[str] = Column(Text, comment="Idempotency key sent to the provider")
    request: Named[dict[str, Any]] = Column(JSONB, comment="What is sent, without secrets")
    state: Named[str] = Column(Text, server_default="pending", comment="pending, done or failed")
    answer: Named[Any] = Column(JSONB, nullable=True, comment="What the provider answered")
    error: Named[str | None] = Column(Text, comment="What the provider refused it with")
    settled_at: Named[datetime | None] = Column(time_column("").type, comment="When the answer was recorded")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


provider_intents = Table(
    "provider_intents",
    metadata,
    ProviderIntentsColumns,
    UniqueConstraint("provider", "provider_key"),
    CheckConstraint("state IN ('pending', 'done', 'failed')", name="provider_intents_state_check"),
    CheckConstraint("amount >= 0", name="provider_intents_amount_check"),
    CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="provider_intents_currency_check"),
    CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="provider_intents_settled_check"),
    Index(
        "provider_intents_unfinished_key",
        "object_type",
        "object_id",
        unique=True,
        postgresql_where=text("state = 'pending'"),
    ),
    Index(None, "operation_id"),
    comment="What is about to be asked of a provider: written before, settled after",
    info=care(),
)

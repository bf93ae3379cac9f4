"""Tables of the audit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Named,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.schema import care, created_column, key_column, metadata, time_column


class AuditChangesColumns(TypedColumns):
    """Columns of audit_changes."""

    seq: Named[int] = Column(
        BigInteger,
        server_default=text("nextval('agentadm.audit_seq')"),
        comment="Place in the order of the audit",
    )
    changed_at: Named[datetime] = time_column("When the change was made", default=True)
    operation_id: Named[UUID] = Column(Uuid(), comment="The operation it belongs to (partitioned: no foreign key)")
    table_name: Named[str] = Column(Text, comment="Table, without its schema; a partition counts as its parent")
    row_key: Named[str] = Column(Text, comment="Key of the row as text")
    action: Named[str] = Column(Text, comment="insert, update or delete")
    origin: Named[str] = Column(
        Text,
        comment="statement: asked for; cascade: by a foreign key; trigger: derived, and derived again on undo",
    )
    before: Named[Any] = Column(
        JSONB, nullable=True, comment="Changed columns (update) or the row (delete) as they were"
    )
    after: Named[Any] = Column(JSONB, nullable=True, comment="Changed columns as they became (update)")
    session_user_name: Named[str] = Column(
        Text, server_default=text("SESSION_USER"), comment="The database login, as the server knows it"
    )
    application_name: Named[str] = Column(
        Text,
        server_default=text("current_setting('application_name')"),
        comment="What the connection called itself",
    )
    xid: Named[int] = Column(
        BigInteger,
        server_default=text("pg_current_xact_id()::text::bigint"),
        comment="Transaction id; not its operation's own where a setting was forged",
    )


audit_changes = Table(
    "audit_changes",
    metadata,
    AuditChangesColumns,
    PrimaryKeyConstraint("operation_id", "seq", "changed_at"),
    CheckConstraint("action IN ('insert', 'update', 'delete')", name="audit_changes_action_check"),
    CheckConstraint("origin IN ('statement', 'cascade', 'trigger')", name="audit_changes_origin_check"),
    Index("audit_changes_row_idx", "table_name", "row_key", "seq"),
    Index(None, "seq", postgresql_using="brin"),
    postgresql_partition_by="RANGE (changed_at)",
    comment="Every changed row, written by triggers only",
    info=care(unaudited="is the audit itself", append_only=True),
)


class AuditSealsColumns(TypedColumns):
    """Columns of audit_seals."""

    id: Named[UUID] = key_column()
    from_seq: Named[int] = Column(BigInteger, comment="First place in the order of the audit that it covers")
    to_seq: Named[int] = Column(BigInteger, comment="Last place that it covers")
    operations: Named[int] = Column(BigInteger, comment="How many operations it covers")
    changes: Named[int] = Column(BigInteger, comment="How many changes it covers")
    digest: Named[bytes] = Column(
        LargeBinary, comment="SHA-256 over the digest of the seal before and all covered rows"
    )
    created_at: Named[datetime] = created_column()
    erased_digest: Named[bytes | None] = Column(
        LargeBinary, comment="The same after a person's data in the range was erased; the next seal keeps to digest"
    )
    erased_by: Named[UUID | None] = Column(Uuid(), comment="The operation that last erased something in the range")


audit_seals = Table(
    "audit_seals",
    metadata,
    AuditSealsColumns,
    UniqueConstraint("from_seq"),
    CheckConstraint("from_seq <= to_seq", name="audit_seals_range_check"),
    CheckConstraint("(erased_digest IS NULL) = (erased_by IS NULL)", name="audit_seals_erased_check"),
    comment="Sealed hashes over closed ranges of the audit, each chained to the one before",
    info=care(unaudited="is the audit itself", append_only=True),
)

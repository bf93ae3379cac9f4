"""The mark of the installation: one row that makes a database ours."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Column, Index, LargeBinary, Named, Table, Text, TypedColumns, text

from platform_core.db.schema import care, created_column, key_column, metadata, updated_column


class InstallationColumns(TypedColumns):
    """Columns of installation."""

    id: Named[UUID] = key_column()
    environment: Named[str] = Column(Text, comment="Name of the environment, shown before a change")
    production: Named[bool] = Column(
        Boolean, server_default=text("false"), comment="Whether real customers and money are here"
    )
    system_identifier: Named[str | None] = Column(
        Text,
        comment="The cluster this was made or restored in (pg_control_system); NULL where it may not be read",
    )
    digest_key: Named[bytes] = Column(
        LargeBinary, comment="Random key of the HMAC that compares the inputs of repeated operations"
    )
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


installation = Table(
    "installation",
    metadata,
    InstallationColumns,
    Index("installation_one_row_key", text("(true)"), unique=True),
    comment="The mark of the installation: this database belongs to agentadm",
    info=care(secrets=("digest_key",)),
)

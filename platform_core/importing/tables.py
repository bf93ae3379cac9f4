"""The table of what an import could not take."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Named, Table, Text, TypedColumns, UniqueConstraint
from sqlalchemy.schema import Column

from platform_core.db.schema import care, created_column, key_column, metadata


class ImportRejectsColumns(TypedColumns):
    """Columns of import_rejects."""

    id: Named[UUID] = key_column()
    digest: Named[str] = Column(Text, comment="Which run this belongs to: as in chunk_progress")
    line: Named[int] = Column(BigInteger, comment="Line of the input on which the record begins, from 1")
    reason: Named[str] = Column(Text, comment="Why it was not taken; nothing of what it held")
    created_at: Named[datetime] = created_column()


import_rejects = Table(
    "import_rejects",
    metadata,
    ImportRejectsColumns,
    UniqueConstraint("digest", "line"),
    comment="Records that an import did not take, each written with its chunk",
    info=care(unaudited="is its own record"),
)

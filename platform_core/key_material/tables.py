"""The table of key material: what is known of peppers and encryption keys, which are kept elsewhere."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Named, Table, Text, TypedColumns, UniqueConstraint

from platform_core.db.schema import (
    at_least,
    care,
    created_column,
    key_column,
    metadata,
    some_time,
    updated_column,
    words_check,
)


class KeyMaterialColumns(TypedColumns):
    """Columns of key_material."""

    id: Named[UUID] = key_column()
    purpose: Named[str] = Column(Text, comment="pepper, for the hashes of API keys, or encryption, of columns")
    version: Named[int] = Column(Integer, comment="Counts up from 1; the newest is used for what is new")
    fingerprint: Named[str] = Column(Text, comment="Tells whether another is in its place; the key is not in it")
    retired_at: Named[datetime | None] = some_time("When nothing used it any more")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


key_material = Table(
    "key_material",
    metadata,
    KeyMaterialColumns,
    UniqueConstraint("purpose", "version"),
    words_check("key_material", "purpose", ("pepper", "encryption")),
    at_least("key_material", "version", 1),
    CheckConstraint("fingerprint ~ '^[0-9a-f]{32}$'", name="key_material_fingerprint_check"),
    comment="Peppers and encryption keys, which are kept outside the database",
    info=care(),
)

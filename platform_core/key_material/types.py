"""What key material is, and what is said of it: never a secret."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class Purpose(StrEnum):
    """What a secret is for: hashing API keys, or encrypting fields."""

    PEPPER = "pepper"
    ENCRYPTION = "encryption"


@dataclass(frozen=True)
class KeyVersion:
    """A version as it is registered. `in_ring` is whether its secret is here; `rows` is how many rows still use it."""

    MATTERS: ClassVar = ("purpose", "version", "in_ring", "retired_at")

    purpose: Purpose
    version: int
    fingerprint: str
    in_ring: bool
    rows: int
    created_at: datetime
    retired_at: datetime | None
    id: UUID


@dataclass(frozen=True)
class Rotated:
    """What a rotation did: rows of each encrypted column that it encrypted anew, by TABLE.COLUMN."""

    version: int
    rows: int
    columns: dict[str, int]
    operation_id: UUID

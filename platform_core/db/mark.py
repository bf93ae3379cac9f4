"""The mark of the installation; by itself, for every command reads it."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Mark:
    """The mark of the installation. `schema_version` is None before the first migration."""

    id: UUID
    environment: str
    production: bool
    system_identifier: str | None
    schema_version: str | None

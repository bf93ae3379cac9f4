"""What a model is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

# What a list can be sorted by: what has an index.
MODEL_SORTS = ("name", "created_at", "id")
# What can be without a value.
CLEARABLE = ("api_key",)


@dataclass(frozen=True)
class NewModel:
    """A model to be made; None leaves a value out."""

    name: str
    provider: str
    model_id: str
    config: Mapping[str, Any] | None = None
    api_key: str | None = field(default=None, repr=False)
    is_active: bool = True


@dataclass(frozen=True)
class ModelSummary:
    """A model in a list."""

    MATTERS: ClassVar = ("name", "is_active", "id", "model_id")

    name: str
    provider: str
    model_id: str
    is_active: bool
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Model:
    """A model whole, but for its key at the provider, which nothing shows.

    `key_version` says with which version of the encryption key it is encrypted. Times are UTC.
    """

    id: UUID
    name: str
    provider: str
    model_id: str
    config: dict[str, Any]
    has_key: bool
    key_version: int | None
    is_active: bool
    created_at: datetime
    updated_at: datetime

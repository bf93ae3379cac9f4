"""The table of models."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Named, Table, Text, TypedColumns, text
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.schema import (
    care,
    created_column,
    encrypted_check,
    key_column,
    metadata,
    name_check,
    updated_column,
)


class AiModelsColumns(TypedColumns):
    """Columns of ai_models."""

    id: Named[UUID] = key_column()
    name: Named[str] = Column(Text, comment="Name for people, unique whatever its case")
    provider: Named[str] = Column(Text, comment="gemini, groq, openai, anthropic, custom, ...")
    model_id: Named[str] = Column(Text, comment="What the provider calls it")
    config: Named[dict[str, Any]] = Column(
        JSONB, server_default=text("'{}'"), comment="endpoint, maxTokens, temperature, ...; no secrets"
    )
    api_key: Named[str | None] = Column(Text, comment="Key at the provider; encrypted")
    is_active: Named[bool] = Column(Boolean, server_default=text("true"), comment="Whether it can be chosen")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


ai_models = Table(
    "ai_models",
    metadata,
    AiModelsColumns,
    name_check("ai_models"),
    name_check("ai_models", "model_id"),
    CheckConstraint("provider ~ '^[a-z][a-z0-9_]*$'", name="ai_models_provider_check"),
    CheckConstraint("jsonb_typeof(config) = 'object'", name="ai_models_config_check"),
    encrypted_check("ai_models", "api_key"),
    Index("ai_models_name_key", text("lower(name)"), unique=True),
    Index(None, "provider"),
    Index(None, "created_at", "id"),
    Index("ai_models_id_ending_idx", text('"right"(id::text, 8)')),
    comment="Models that agents and conversations may use",
    info=care(encrypted=("api_key",)),
)

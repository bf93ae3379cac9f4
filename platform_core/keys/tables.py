"""The table of API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from platform_core.db.people import PersonLink
from platform_core.db.schema import (
    at_least,
    care,
    created_column,
    key_column,
    metadata,
    name_check,
    some_time,
    updated_column,
    words_check,
)


class ApiKeysColumns(TypedColumns):
    """Columns of api_keys."""

    id: Named[UUID] = key_column()
    user_id: Named[UUID] = Column(ForeignKey("agentadm.users.id", deferrable=True), comment="Whose it is")
    team_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.teams.id", deferrable=True), comment="The team it works for; NULL for the user's own"
    )
    agent_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.agents.id", ondelete="CASCADE", deferrable=True), comment="The only agent it opens"
    )
    name: Named[str] = Column(Text, comment="Name for people")
    environment: Named[str] = Column(Text, server_default="live", comment="live or test")
    key_hash: Named[str] = Column(Text, comment="HMAC-SHA-256 with the pepper of hash_version, in hex; or bcrypt's")
    display_start: Named[str] = Column(Text, comment="Its first characters, for people")
    hash_version: Named[str] = Column(Text, comment="Version of the pepper, or bcrypt until its first verification")
    scopes: Named[list[str]] = Column(
        ARRAY(Text()),
        server_default=text("'{agents:read,agents:write,runs:read,runs:write}'"),
        comment="What may be done with it",
    )
    rate_limit_per_minute: Named[int] = Column(Integer, server_default=text("60"), comment="Requests a minute")
    quota: Named[int | None] = Column(BigInteger, comment="Requests over its whole life; NULL is unlimited")
    last_used_at: Named[datetime | None] = some_time("Last use, to the minute; not audited")
    expires_at: Named[datetime | None] = some_time("From when on it is refused; NULL is never")
    revoked_at: Named[datetime | None] = some_time("When it was revoked")
    revoked_reason: Named[str | None] = Column(Text, comment="Why it was revoked")
    rotated_from: Named[UUID | None] = Column(
        ForeignKey("agentadm.api_keys.id", ondelete="SET NULL", deferrable=True), comment="The key it replaces"
    )
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


api_keys = Table(
    "api_keys",
    metadata,
    ApiKeysColumns,
    UniqueConstraint("key_hash"),
    name_check("api_keys"),
    words_check("api_keys", "environment", ("live", "test")),
    CheckConstraint(
        "CASE WHEN hash_version = 'bcrypt' THEN key_hash ~ '^[$]2[aby][$]'"
        " ELSE hash_version ~ '^[1-9][0-9]*$' AND key_hash ~ '^[0-9a-f]{64}$' END",
        name="api_keys_key_hash_check",
    ),
    CheckConstraint("char_length(display_start) BETWEEN 4 AND 16", name="api_keys_display_start_check"),
    CheckConstraint(
        "array_position(scopes, NULL) IS NULL AND array_to_string(scopes, ' ') ~ '^([a-z_]+:[a-z_]+( |$))*$'",
        name="api_keys_scopes_check",
    ),
    at_least("api_keys", "rate_limit_per_minute", 1),
    at_least("api_keys", "quota"),
    CheckConstraint("revoked_at IS NOT NULL OR revoked_reason IS NULL", name="api_keys_revoked_reason_check"),
    CheckConstraint("rotated_from <> id", name="api_keys_rotated_from_check"),
    Index(None, "user_id", "created_at"),
    Index(None, "team_id", postgresql_where=text("team_id IS NOT NULL")),
    Index(None, "agent_id", postgresql_where=text("agent_id IS NOT NULL")),
    Index(None, "rotated_from", postgresql_where=text("rotated_from IS NOT NULL")),
    Index(None, "display_start"),
    Index(None, "hash_version"),
    Index(None, "expires_at", postgresql_where=text("expires_at IS NOT NULL AND revoked_at IS NULL")),
    Index(None, "created_at", "id"),
    Index("api_keys_id_ending_idx", text('"right"(id::text, 8)')),
    comment="API keys; several of one user may be live at once",
    info=care(
        secrets=("key_hash",),
        ignored=("last_used_at",),
        people=(PersonLink("user_id", personal={"name": "'(erased)'", "revoked_reason": "NULL"}),),
        texts=("name", "revoked_reason"),
    ),
)

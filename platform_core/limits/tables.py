"""The table of overrides of limits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)

from platform_core.db.people import OnErase, OnMerge, PersonLink
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
from platform_core.plans.types import Limit


class LimitOverridesColumns(TypedColumns):
    """Columns of limit_overrides."""

    id: Named[UUID] = key_column()
    user_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="Whose it is, where it is a user's"
    )
    team_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.teams.id", ondelete="CASCADE", deferrable=True), comment="Whose it is, where a team's"
    )
    limit_name: Named[str] = Column(Text, comment="Which limit: a column of plans")
    value: Named[int | None] = Column(BigInteger, comment="What is allowed instead; NULL is unlimited")
    reason: Named[str] = Column(Text, comment="Why it was granted")
    expires_at: Named[datetime | None] = some_time("From when on it does not hold; NULL is never")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


limit_overrides = Table(
    "limit_overrides",
    metadata,
    LimitOverridesColumns,
    UniqueConstraint("user_id", "limit_name"),
    UniqueConstraint("team_id", "limit_name"),
    words_check("limit_overrides", "limit_name", Limit),
    CheckConstraint("num_nonnulls(user_id, team_id) = 1", name="limit_overrides_owner_check"),
    CheckConstraint("reason <> ''", name="limit_overrides_reason_check"),
    at_least("limit_overrides", "value"),
    CheckConstraint("limit_name <> 'requests_per_minute' OR value >= 1", name="limit_overrides_rate_check"),
    Index(None, "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    comment="Limits that support granted beside the plan's",
    info=care(
        people=(PersonLink("user_id", OnMerge.KEEP_STRONGER, OnErase.DELETE, alike=("limit_name",)),),
        texts=("reason",),
    ),
)

"""Tables of users and their identities."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Named,
    Numeric,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.people import OnErase, OnMerge, PersonLink
from platform_core.db.schema import care, created_column, key_column, metadata, time_column, updated_column
from platform_core.users.types import EMAIL_LENGTH


class UsersColumns(TypedColumns):
    """Columns of users."""

    id: Named[UUID] = key_column()
    email: Named[str | None] = Column(Text, comment="NULL for imported users until they are synced")
    email_verified: Named[bool] = Column(
        Boolean, server_default=text("false"), comment="Whether the address was confirmed"
    )
    username: Named[str | None] = Column(Text, comment="Public name, unique whatever its case")
    first_name: Named[str | None] = Column(Text, comment="Given name")
    last_name: Named[str | None] = Column(Text, comment="Family name")
    full_name: Named[str | None] = Column(Text, comment="Name as the person writes it")
    avatar_url: Named[str | None] = Column(Text, comment="Picture")
    role: Named[str] = Column(Text, server_default="user", comment="user, creator, support or admin of the platform")
    status: Named[str] = Column(Text, server_default="active", comment="active or suspended")
    suspended_reason: Named[str | None] = Column(Text, comment="Why the user was suspended")
    stripe_customer_id: Named[str | None] = Column(Text, comment="Customer at Stripe (cus_...)")
    stripe_connect_account_id: Named[str | None] = Column(Text, comment="Connect account at Stripe (acct_...)")
    billing_anchor_day: Named[int] = Column(
        SmallInteger,
        server_default=text("1"),
        comment="Day on which a period begins; 31 means the month's last day",
    )
    default_llm_provider: Named[str] = Column(Text, server_default="openai", comment="Provider of new agents")
    daily_budget: Named[Decimal | None] = Column(
        Numeric(18, 6),
        server_default=text("10.00"),
        comment="Infrastructure cost in USD allowed a day; NULL is unlimited",
    )
    onboarding_completed: Named[bool] = Column(
        Boolean, server_default=text("false"), comment="Whether the first steps were done"
    )
    last_login_at: Named[datetime | None] = Column(time_column("").type, comment="Last sign-in; not audited")
    metadata_: Named[dict[str, Any]] = Column(
        "metadata", JSONB, server_default=text("'{}'"), comment="What the platform keeps beside the columns"
    )
    deleted_at: Named[datetime | None] = Column(time_column("").type, comment="When the user was deleted")
    erased_at: Named[datetime | None] = Column(time_column("").type, comment="When the personal data was erased")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()
    merged_into_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="The user that this one was merged into"
    )


users = Table(
    "users",
    metadata,
    UsersColumns,
    UniqueConstraint("stripe_customer_id"),
    UniqueConstraint("stripe_connect_account_id"),
    CheckConstraint(
        rf"email ~ '^[^@\s[:cntrl:]]+@[^@\s[:cntrl:]]+\.[^@\s[:cntrl:]]+$' AND char_length(email) <= {EMAIL_LENGTH}",
        name="users_email_check",
    ),
    CheckConstraint(
        r"username ~ '^[^@\s[:cntrl:]]+$' AND char_length(username) BETWEEN 1 AND 100",
        name="users_username_check",
    ),
    CheckConstraint("role IN ('user', 'creator', 'support', 'admin')", name="users_role_check"),
    CheckConstraint("status IN ('active', 'suspended')", name="users_status_check"),
    CheckConstraint("status = 'suspended' OR suspended_reason IS NULL", name="users_suspended_reason_check"),
    CheckConstraint("billing_anchor_day BETWEEN 1 AND 31", name="users_billing_anchor_day_check"),
    CheckConstraint("daily_budget >= 0", name="users_daily_budget_check"),
    CheckConstraint("jsonb_typeof(metadata) = 'object'", name="users_metadata_check"),
    CheckConstraint("erased_at IS NULL OR deleted_at IS NOT NULL", name="users_erased_check"),
    Index("users_email_key", text("lower(email)"), unique=True, postgresql_where=text("deleted_at IS NULL")),
    Index("users_deleted_email_idx", text("lower(email)"), postgresql_where=text("deleted_at IS NOT NULL")),
    Index("users_username_key", text("lower(username)"), unique=True),
    Index("users_id_ending_idx", text('"right"(id::text, 8)')),
    Index(None, "created_at", "id"),
    Index("users_deleted_idx", "created_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    Index(None, "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    comment="People who use the platform",
    info=care(
        ignored=("last_login_at",),
        texts=("suspended_reason",),
        # Not erased, by law or as the way to the ledger: the ids at Stripe.
        people=(
            PersonLink(
                "id",
                OnMerge.STAY,
                personal={
                    "email": "NULL",
                    "email_verified": "false",
                    "username": "NULL",
                    "first_name": "NULL",
                    "last_name": "NULL",
                    "full_name": "NULL",
                    "avatar_url": "NULL",
                    "suspended_reason": "NULL",
                    "last_login_at": "NULL",
                    "metadata": "'{}'",
                },
                names=frozenset({"email", "username", "full_name"}),
            ),
            PersonLink("merged_into_id"),
        ),
    ),
)


class IdentitiesColumns(TypedColumns):
    """Columns of identities."""

    id: Named[UUID] = key_column()
    user_id: Named[UUID] = Column(
        ForeignKey("agentadm.users.id", ondelete="CASCADE", deferrable=True), comment="Whose it is"
    )
    provider: Named[str] = Column(Text, comment="clerk, stack_auth, supabase, razorpay, ...")
    subject: Named[str] = Column(Text, comment="The user's id at that provider")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


identities = Table(
    "identities",
    metadata,
    IdentitiesColumns,
    UniqueConstraint("provider", "subject"),
    CheckConstraint("provider ~ '^[a-z][a-z0-9_]*$'", name="identities_provider_check"),
    CheckConstraint("subject <> ''", name="identities_subject_check"),
    Index(None, "user_id"),
    Index(None, "subject"),
    comment="A user's identities at sign-in and payment providers",
    info=care(
        people=(
            PersonLink(
                "user_id",
                on_erase=OnErase.DELETE,
                personal={"subject": "'(erased)'"},
                names=frozenset({"subject"}),
            ),
        )
    ),
)

"""The table of subscriptions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    Uuid,
    text,
)

from platform_core.db.people import PersonLink
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
from platform_core.subscriptions.types import BillingCycle, SubscriptionProvider, SubscriptionStatus

LIVING = "status <> 'cancelled'"


class SubscriptionsColumns(TypedColumns):
    """Columns of subscriptions."""

    id: Named[UUID] = key_column()
    user_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="The customer, where it is a user"
    )
    team_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.teams.id", deferrable=True), comment="The customer, where it is a team"
    )
    plan_id: Named[str | None] = Column(Text, comment="The plan, where one was subscribed to")
    family: Named[str | None] = Column(Text, comment="The plan's family: one living subscription of each")
    agent_plan_id: Named[UUID | None] = Column(Uuid(), comment="The agent's plan, where one was subscribed to")
    agent_id: Named[UUID | None] = Column(Uuid(), comment="That plan's agent: one living subscription to each")
    provider: Named[str] = Column(Text, comment="Who collects the money: stripe, razorpay or manual")
    provider_subscription_id: Named[str | None] = Column(Text, comment="Its id there (sub_...)")
    provider_price_id: Named[str | None] = Column(Text, comment="Its price there (price_...)")
    status: Named[str] = Column(
        Text,
        server_default="active",
        comment="trialing, active, past_due, paused, unpaid, incomplete or cancelled",
    )
    billing_cycle: Named[str] = Column(Text, server_default="monthly", comment="monthly or yearly")
    quantity: Named[int] = Column(Integer, server_default=text("1"), comment="How many seats or units")
    amount: Named[int] = Column(BigInteger, server_default=text("0"), comment="Minor units a cycle, for all of them")
    currency: Named[str] = Column(CHAR(3), server_default="USD", comment="ISO 4217 code")
    current_period_start: Named[datetime | None] = some_time("When the period under way began")
    current_period_end: Named[datetime | None] = some_time("When it ends, and the limits of a month begin anew")
    trial_end: Named[datetime | None] = some_time("When the trial ends")
    cancel_at: Named[datetime | None] = some_time("When it will be cancelled")
    cancel_at_period_end: Named[bool] = Column(
        Boolean, server_default=text("false"), comment="Whether it will be cancelled when the period ends"
    )
    cancelled_at: Named[datetime | None] = some_time("When it was cancelled")
    cancel_reason: Named[str | None] = Column(Text, comment="Why it was cancelled")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


subscriptions = Table(
    "subscriptions",
    metadata,
    SubscriptionsColumns,
    ForeignKeyConstraint(
        ["plan_id", "family"],
        ["agentadm.plans.id", "agentadm.plans.family"],
        name="subscriptions_plan_id_fkey",
        onupdate="CASCADE",
        deferrable=True,
    ),
    ForeignKeyConstraint(
        ["agent_plan_id", "agent_id"],
        ["agentadm.agent_plans.id", "agentadm.agent_plans.agent_id"],
        name="subscriptions_agent_plan_id_fkey",
        deferrable=True,
    ),
    UniqueConstraint("provider", "provider_subscription_id"),
    words_check("subscriptions", "provider", SubscriptionProvider),
    words_check("subscriptions", "status", SubscriptionStatus),
    words_check("subscriptions", "billing_cycle", BillingCycle),
    CheckConstraint("num_nonnulls(user_id, team_id) = 1", name="subscriptions_customer_check"),
    CheckConstraint(
        "num_nonnulls(plan_id, agent_plan_id) = 1 AND (plan_id IS NULL) = (family IS NULL)"
        " AND (agent_plan_id IS NULL) = (agent_id IS NULL)",
        name="subscriptions_plan_check",
    ),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="subscriptions_currency_check"),
    CheckConstraint("current_period_end > current_period_start", name="subscriptions_period_check"),
    CheckConstraint("cancelled_at IS NULL OR status = 'cancelled'", name="subscriptions_cancelled_at_check"),
    at_least("subscriptions", "quantity", 1),
    at_least("subscriptions", "amount"),
    *(
        Index(
            f"subscriptions_{customer}_{what}_key",
            customer,
            what,
            unique=True,
            postgresql_where=text(f"{LIVING} AND {customer} IS NOT NULL AND {what} IS NOT NULL"),
        )
        for customer in ("user_id", "team_id")
        for what in ("family", "agent_id")
    ),
    Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
    Index(None, "team_id", postgresql_where=text("team_id IS NOT NULL")),
    Index(None, "plan_id"),
    Index(None, "agent_plan_id", postgresql_where=text("agent_plan_id IS NOT NULL")),
    Index(None, "status"),
    Index("subscriptions_id_ending_idx", text('"right"(id::text, 8)')),
    comment="Customers' contracts for a plan, or for one agent",
    info=care(people=(PersonLink("user_id", personal={"cancel_reason": "NULL"}),), texts=("cancel_reason",)),
)

"""The table of plans."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.schema import at_least, care, created_column, metadata, name_check, updated_column
from platform_core.plans.types import LEAST, Limit, Overage


class PlansColumns(TypedColumns):
    """Columns of plans."""

    id: Named[str] = Column(Text, primary_key=True, comment="What the platform calls it: free, pro, enterprise, ...")
    family: Named[str] = Column(
        Text, server_default="platform", comment="A customer has one living subscription of each family"
    )
    name: Named[str] = Column(Text, comment="Name for people")
    description: Named[str | None] = Column(Text, comment="What it offers, for people")
    currency: Named[str] = Column(CHAR(3), server_default="USD", comment="ISO 4217 code of all its prices")
    price_monthly: Named[int | None] = Column(
        BigInteger, comment="Minor units a month; NULL where it is not sold by the month"
    )
    price_yearly: Named[int | None] = Column(
        BigInteger, comment="Minor units a year; NULL where it is not sold by the year"
    )
    stripe_product_id: Named[str | None] = Column(Text, comment="Product at Stripe (prod_...)")
    stripe_price_monthly: Named[str | None] = Column(Text, comment="Monthly price at Stripe (price_...)")
    stripe_price_yearly: Named[str | None] = Column(Text, comment="Yearly price at Stripe (price_...)")
    max_personal_agents: Named[int | None] = Column(Integer, comment="Personal agents; NULL is unlimited")
    max_work_agents: Named[int | None] = Column(Integer, comment="Work agents; NULL is unlimited")
    max_total_agents: Named[int | None] = Column(Integer, comment="Personal and work agents; NULL is unlimited")
    max_workflows: Named[int | None] = Column(Integer, comment="Workflows; NULL is unlimited")
    runs_per_month: Named[int | None] = Column(BigInteger, comment="Runs of agents a period; NULL is unlimited")
    workflow_runs_per_month: Named[int | None] = Column(
        BigInteger, comment="Runs of workflows a period; NULL is unlimited"
    )
    messages_per_month: Named[int | None] = Column(BigInteger, comment="Messages a period; NULL is unlimited")
    storage_bytes: Named[int | None] = Column(BigInteger, comment="Bytes kept; NULL is unlimited")
    requests_per_day: Named[int | None] = Column(Integer, comment="API requests a day; NULL is unlimited")
    requests_per_minute: Named[int | None] = Column(Integer, comment="API requests a minute; NULL is unlimited")
    monthly_credits: Named[int | None] = Column(BigInteger, comment="Credits granted a period; NULL is unlimited")
    overage_run: Named[int | None] = Column(
        BigInteger, comment="Minor units for each run above the limit; NULL refuses it"
    )
    overage_workflow_run: Named[int | None] = Column(
        BigInteger, comment="Minor units for each workflow run above the limit; NULL refuses it"
    )
    overage_message: Named[int | None] = Column(
        BigInteger, comment="Minor units for each message above the limit; NULL refuses it"
    )
    overage_gb: Named[int | None] = Column(
        BigInteger, comment="Minor units for each GB above the limit; NULL refuses it"
    )
    overage_1000_requests: Named[int | None] = Column(
        BigInteger, comment="Minor units for each 1,000 requests above the limit; NULL refuses them"
    )
    features: Named[list[Any]] = Column(JSONB, server_default=text("'[]'"), comment="What it offers, for web pages")
    is_active: Named[bool] = Column(
        Boolean, server_default=text("true"), comment="Whether it can be subscribed to; a retired one serves who has it"
    )
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


PRICES = ("price_monthly", "price_yearly")
OVERAGES = tuple(f"overage_{what}" for what in Overage)

plans = Table(
    "plans",
    metadata,
    PlansColumns,
    UniqueConstraint("id", "family", name="plans_id_family_key"),
    CheckConstraint("id ~ '^[a-z0-9]+([_-][a-z0-9]+)*$' AND char_length(id) <= 100", name="plans_id_check"),
    CheckConstraint("family ~ '^[a-z0-9]+([_-][a-z0-9]+)*$'", name="plans_family_check"),
    name_check("plans"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="plans_currency_check"),
    CheckConstraint("jsonb_typeof(features) = 'array'", name="plans_features_check"),
    *(at_least("plans", name, LEAST.get(name, 0)) for name in (*PRICES, *Limit, *OVERAGES)),
    comment="What the platform sells",
    info=care(texts=("description",)),
)

"""What a plan is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from platform_core.money import Money


class Limit(StrEnum):
    """What a plan limits; NULL is unlimited. Each is a column of plans."""

    MAX_PERSONAL_AGENTS = "max_personal_agents"
    MAX_WORK_AGENTS = "max_work_agents"
    MAX_TOTAL_AGENTS = "max_total_agents"
    MAX_WORKFLOWS = "max_workflows"
    RUNS_PER_MONTH = "runs_per_month"
    WORKFLOW_RUNS_PER_MONTH = "workflow_runs_per_month"
    MESSAGES_PER_MONTH = "messages_per_month"
    STORAGE_BYTES = "storage_bytes"
    REQUESTS_PER_DAY = "requests_per_day"
    REQUESTS_PER_MINUTE = "requests_per_minute"
    MONTHLY_CREDITS = "monthly_credits"


class Overage(StrEnum):
    """What is charged for above a limit, by the piece; NULL refuses it. Each is a column of plans: overage_NAME."""

    RUN = "run"
    WORKFLOW_RUN = "workflow_run"
    MESSAGE = "message"
    GB = "gb"
    THOUSAND_REQUESTS = "1000_requests"


# Of a rate nothing would be left at 0; of the others 0 is none.
LEAST: Mapping[str, int] = {Limit.REQUESTS_PER_MINUTE: 1}
DEFAULT_FAMILY = "platform"
# How NULL is written: of a limit, and of the price of what is above it.
UNLIMITED = "unlimited"
REFUSE = "refuse"
# What lists can be sorted by: what has an index.
PLAN_SORTS = ("id",)
# What can be without a value.
CLEARABLE = (
    "description",
    "price_monthly",
    "price_yearly",
    "stripe_product_id",
    "stripe_price_monthly",
    "stripe_price_yearly",
)


@dataclass(frozen=True)
class NewPlan:
    """A plan to be made. Limits that are not named are as low as they can be: 0, a rate 1; None is unlimited.

    Prices are decimals in the currency; overages too, None refuses what is above the limit.
    """

    id: str
    name: str
    family: str = DEFAULT_FAMILY
    currency: str = "USD"
    description: str | None = None
    price_monthly: str | None = None
    price_yearly: str | None = None
    limits: Mapping[Limit, int | None] = field(default_factory=dict)
    overages: Mapping[Overage, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanSummary:
    """A plan in a list."""

    MATTERS: ClassVar = ("id", "is_active", "name", "price_monthly")

    id: str
    name: str
    family: str
    price_monthly: Money | None
    price_yearly: Money | None
    subscription_count: int
    is_active: bool


@dataclass(frozen=True)
class Plan:
    """A plan whole. A limit is a number, or "unlimited"; an overage is an amount, or "refuse"; times are UTC."""

    id: str
    name: str
    family: str
    description: str | None
    price_monthly: Money | None
    price_yearly: Money | None
    limits: dict[str, int | str]
    overages: dict[str, Money | str]
    features: tuple[Any, ...]
    subscription_count: int
    is_active: bool
    stripe_product_id: str | None
    stripe_price_monthly: str | None
    stripe_price_yearly: str | None
    created_at: datetime
    updated_at: datetime

"""What belongs to an agent: skills, the plans under which it is used, and what users set for themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from platform_core.agents.types import AgentPlanCode
from platform_core.money import Money

# What lists can be sorted by: what has an index.
SKILL_SORTS = ("name", "id")
PLAN_SORTS = ("code", "id")
# What a plan of an agent can be without.
PLAN_CLEARABLE = ("provider_plan_id",)


@dataclass(frozen=True)
class Skill:
    """What an agent has learned."""

    MATTERS: ClassVar = ("name", "description")

    name: str
    description: str | None
    config: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    id: UUID


@dataclass(frozen=True)
class AgentPlan:
    """Terms under which an agent is used, with how many live subscriptions; requests of None are unlimited."""

    MATTERS: ClassVar = ("code", "price")

    code: AgentPlanCode
    price: Money
    requests_per_day: int | None
    requests_per_minute: int | None
    provider_plan_id: str | None
    subscription_count: int
    created_at: datetime
    updated_at: datetime
    id: UUID


@dataclass(frozen=True)
class Configuration:
    """What a user set for an agent."""

    agent: str | None
    user: str | None
    configuration: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    agent_id: UUID
    user_id: UUID
    id: UUID

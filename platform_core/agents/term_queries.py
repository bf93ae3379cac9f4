"""Every statement about plans of agents."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from platform_core.agents.tables import agent_plans
from platform_core.agents.types import AgentPlanCode
from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.subscriptions.tables import subscriptions
from platform_core.subscriptions.types import SubscriptionStatus

columns = agent_plans.c
subscription_count = (
    select(func.count())
    .where(subscriptions.c.agent_plan_id == columns.id, subscriptions.c.status != SubscriptionStatus.CANCELLED.value)
    .scalar_subquery()
)
price = func.jsonb_build_object("amount", columns.price, "currency", columns.currency)
SHOWN: Mapping[str, ColumnElement[Any]] = {
    "code": columns.code,
    "price": price,
    "requests_per_day": columns.requests_per_day,
    "requests_per_minute": columns.requests_per_minute,
    "provider_plan_id": columns.provider_plan_id,
    "subscription_count": subscription_count,
    "created_at": columns.created_at,
    "updated_at": columns.updated_at,
    "id": columns.id,
}
LIST = ListSpec(
    fields={
        **fields_of(agent_plans, words={"code": tuple(AgentPlanCode)}),
        "subscription_count": Field(subscription_count, Kind.INTEGER),
    },
    columns=SHOWN,
    sorts={"code": Sort(columns.code), "id": Sort(columns.id)},
    default_sort="code",
    key=columns.id,
    time=columns.created_at,
)


def of_agent(agent_id: UUID) -> ColumnElement[bool]:
    """The plans of one agent."""
    return columns.agent_id == agent_id


def _whole() -> Select[*tuple[Any, ...]]:
    return select(*(column.label(name) for name, column in SHOWN.items()))


def lock(connection: Connection, agent_id: UUID, code: AgentPlanCode) -> AnyRow | None:
    """An agent's plan as its columns are, which stays so until the end of the transaction."""
    statement = select(agent_plans).where(of_agent(agent_id), columns.code == code.value)
    return connection.execute(statement.with_for_update()).first()


def load_by_id(connection: Connection, plan_id: UUID) -> AnyRow:
    """One row as lists show it."""
    return connection.execute(_whole().where(columns.id == plan_id)).one()


def create(connection: Connection, values: Mapping[str, Any]) -> UUID:
    """Insert a plan. Returns the key that the database made."""
    return connection.execute(insert(agent_plans).values(**values).returning(columns.id)).scalar_one()


def change(connection: Connection, plan_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a plan."""
    connection.execute(update(agent_plans).where(columns.id == plan_id).values(**values))

"""Every statement about plans."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, insert, select, update

from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.plans.tables import plans
from platform_core.subscriptions.tables import subscriptions
from platform_core.subscriptions.types import SubscriptionStatus

columns = plans.c
subscription_count = (
    select(func.count())
    .where(subscriptions.c.plan_id == columns.id, subscriptions.c.status != SubscriptionStatus.CANCELLED.value)
    .scalar_subquery()
)


def _money(amount: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((amount.is_not(None), func.jsonb_build_object("amount", amount, "currency", columns.currency)))


LIST = ListSpec(
    fields={**fields_of(plans, words={}), "subscription_count": Field(subscription_count, Kind.INTEGER)},
    columns={
        "id": columns.id,
        "name": columns.name,
        "family": columns.family,
        "price_monthly": _money(columns.price_monthly),
        "price_yearly": _money(columns.price_yearly),
        "subscription_count": subscription_count,
        "is_active": columns.is_active,
    },
    sorts={"id": Sort(columns.id)},
    default_sort="id",
    key=columns.id,
)


def _whole() -> Select[*tuple[Any, ...]]:
    return select(plans, subscription_count.label("subscription_count"))


def load(connection: Connection, plan_id: str) -> AnyRow | None:
    """One row whole."""
    return connection.execute(_whole().where(columns.id == plan_id)).first()


def exists(connection: Connection, plan_id: str) -> bool:
    """Whether there is such a plan."""
    return connection.execute(select(columns.id).where(columns.id == plan_id)).first() is not None


def lock(connection: Connection, plan_id: str) -> AnyRow | None:
    """One row, locked for the rest of the transaction."""
    return connection.execute(select(plans).where(columns.id == plan_id).with_for_update()).first()


def all_ids(connection: Connection) -> list[str]:
    """What the plans are called."""
    return list(connection.execute(select(columns.id).order_by(columns.id)).scalars())


def list_filters(*, family: str | None, active: bool | None) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = [columns.family == family] if family is not None else []
    return [*filters, columns.is_active == active] if active is not None else filters


def create(connection: Connection, values: Mapping[str, Any]) -> None:
    """Insert a plan."""
    connection.execute(insert(plans).values(**values))


def change(connection: Connection, plan_id: str, values: Mapping[str, Any]) -> None:
    """Set columns of a plan."""
    connection.execute(update(plans).where(columns.id == plan_id).values(**values))

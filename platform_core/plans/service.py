"""The rules of plans; one method a command."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict, NotFound, UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.money import Money, checked_currency, parse_amount
from platform_core.near import did_you_mean
from platform_core.plans import queries
from platform_core.plans.types import LEAST, REFUSE, UNLIMITED, Limit, NewPlan, Overage, Plan, PlanSummary
from platform_core.refs import checked_name
from platform_core.services import Service

T = TypeVar("T")
WORD = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
WORD_LENGTH = 100
PRICES = ("price_monthly", "price_yearly")


class PlanService(Service):
    """Plans."""

    def list(self, request: ListRequest, *, family: str | None = None, active: bool | None = None) -> Rows[PlanSummary]:
        """Plans, by their ids.

        Args:
            request: conditions, order and limit.
            family: keep only this one's.
            active: keep only those that can be subscribed to, or only the retired ones.

        Raises:
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(family=family, active=active)
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str) -> Plan:
        """One plan whole.

        Raises:
            NotFound: there is none with this id.
        """
        row = queries.load(self._connection, reference)
        if row is None:
            raise self._not_found(reference)
        return _plan(row)

    def create(self, new: NewPlan, *, if_not_exists: bool = False) -> Plan:
        """Make a plan.

        Args:
            new: what is known.
            if_not_exists: return the plan with this id, unchanged, when there is one.

        Raises:
            Conflict: there is one.
            UsageError: the id, the family, the currency or an amount is none.
        """
        plan_id, family = _checked_word(new.id, "an id of a plan"), _checked_word(new.family, "a family of plans")
        checked_name(new.name)
        currency = checked_currency(new.currency)
        if (existing := queries.load(self._connection, plan_id)) is not None:
            if if_not_exists:
                return _plan(existing)
            raise Conflict(f"there is a plan {plan_id!r} already", f"change it with: agentadm plans update {plan_id}")
        values = {
            "id": plan_id,
            "family": family,
            "name": new.name,
            "currency": currency,
            "description": new.description,
            **{str(name): new.limits.get(name, LEAST.get(name, 0)) for name in Limit},
            **_amounts({"price_monthly": new.price_monthly, "price_yearly": new.price_yearly}, currency),
            **_amounts({f"overage_{name}": price for name, price in new.overages.items()}, currency),
        }
        queries.create(self._connection, values)
        return self.show(plan_id)

    def update(
        self,
        reference: str,
        values: Mapping[str, Any],
        *,
        limits: Mapping[Limit, int | None],
        overages: Mapping[Overage, str | None],
    ) -> Plan:
        """Set columns of a plan; None takes a value away. The limits hold at once for everybody who has it.

        Args:
            reference: its id.
            values: by column; prices as decimals in the plan's currency.
            limits: those to be set; None is unlimited.
            overages: those to be set, as decimals; None refuses what is above the limit.

        Raises:
            NotFound: there is none with this id.
            UsageError: an amount is none.
        """
        row = queries.lock(self._connection, reference)
        if row is None:
            raise self._not_found(reference)
        checked_name(values.get("name"))
        prices = {name: values[name] for name in PRICES if name in values}
        wanted = {
            **values,
            **{str(name): value for name, value in limits.items()},
            **_amounts(prices, row.currency),
            **_amounts({f"overage_{name}": price for name, price in overages.items()}, row.currency),
        }
        changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if changed:
            queries.change(self._connection, reference, changed)
        return self.show(reference)

    def retire(self, reference: str) -> Plan:
        """Let nobody subscribe to a plan any more. Who has it keeps it.

        Raises:
            NotFound: there is none with this id.
        """
        return self._set_active(reference, active=False)

    def restore(self, reference: str) -> Plan:
        """Let a retired plan be subscribed to again.

        Raises:
            NotFound: there is none with this id.
        """
        return self._set_active(reference, active=True)

    def find(self, reference: str) -> str:
        """The id of the plan that a reference names.

        Raises:
            NotFound: there is none with this id.
        """
        if not queries.exists(self._connection, reference):
            raise self._not_found(reference)
        return reference

    def _set_active(self, reference: str, *, active: bool) -> Plan:
        row = queries.lock(self._connection, reference)
        if row is None:
            raise self._not_found(reference)
        if row.is_active != active:
            queries.change(self._connection, reference, {"is_active": active})
        return self.show(reference)

    def _not_found(self, reference: str) -> NotFound:
        known = queries.all_ids(self._connection)
        return NotFound(f"no plan {reference!r}{did_you_mean(reference, known)}", "agentadm plans list shows them")


def _checked_word(word: str, what: str) -> str:
    if not WORD.fullmatch(word) or len(word) > WORD_LENGTH:
        raise UsageError(f"{word!r} is not {what}", "lower case letters, digits, and single - or _ between them")
    return word


def _amounts(given: Mapping[str, str | None], currency: str) -> dict[str, int | None]:
    return {name: None if text is None else parse_amount(text, currency) for name, text in given.items()}


def _money(value: Mapping[str, Any] | None) -> Money | None:
    return None if value is None else Money(value["amount"], value["currency"])


def _or(value: T | None, word: str) -> T | str:
    return word if value is None else value


def _summary(row: AnyRow) -> PlanSummary:
    return PlanSummary(
        row.id,
        row.name,
        row.family,
        _money(row.price_monthly),
        _money(row.price_yearly),
        row.subscription_count,
        row.is_active,
    )


def _plan(row: AnyRow) -> Plan:
    def money(amount: int | None) -> Money | None:
        return None if amount is None else Money(amount, row.currency)

    return Plan(
        id=row.id,
        name=row.name,
        family=row.family,
        description=row.description,
        price_monthly=money(row.price_monthly),
        price_yearly=money(row.price_yearly),
        limits={str(name): _or(getattr(row, name), UNLIMITED) for name in Limit},
        overages={str(name): _or(money(getattr(row, f"overage_{name}")), REFUSE) for name in Overage},
        features=tuple(row.features),
        subscription_count=row.subscription_count,
        is_active=row.is_active,
        stripe_product_id=row.stripe_product_id,
        stripe_price_monthly=row.stripe_price_monthly,
        stripe_price_yearly=row.stripe_price_yearly,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

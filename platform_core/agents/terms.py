"""The rules of plans of agents, under which each is used; one method a command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platform_core.agents import term_queries as queries
from platform_core.agents.part_types import AgentPlan
from platform_core.agents.types import AgentPlanCode
from platform_core.db.schema import AnyRow
from platform_core.errors import UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.money import Money, checked_currency, parse_amount
from platform_core.services import Service

DEFAULT_CURRENCY = "USD"
QUOTAS = ("requests_per_day", "requests_per_minute")
# What PostgreSQL's integer holds.
MOST = 2**31 - 1


class TermService(Service):
    """Plans of agents."""

    def list(self, agent: str, request: ListRequest) -> Rows[AgentPlan]:
        """An agent's plans: free, monthly, yearly.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = [queries.of_agent(self._services.agents.find(agent))]
        return ListService(self._connection, queries.LIST, request, _plan, filters)

    def set(self, agent: str, code: AgentPlanCode, values: Mapping[str, Any]) -> AgentPlan:
        """Make an agent's plan, or change it. Who subscribed keeps the price; quotas hold at once for everybody.

        Args:
            agent: reference.
            code: which plan.
            values: columns to be set; `price` is decimal in the currency; None takes a value away, and of a quota
                means unlimited.

        Raises:
            NotFound, Conflict: the reference names none, or several.
            UsageError: the currency or the price is none; or a new plan does not say what it costs and allows.
        """
        agent_id = self._services.agents.find(agent)
        there = queries.lock(self._connection, agent_id, code)
        wanted = {**values, **_price(code, values, there)}
        for name in QUOTAS:
            if (wanted.get(name) or 0) > MOST:
                raise UsageError(f"{wanted[name]} {name.replace('_', ' ')} are too many", f"at most {MOST}")
        if there is None:
            if missing := [f"--{name.replace('_', '-')}" for name in QUOTAS if name not in wanted]:
                raise UsageError(
                    f"agent {agent} has no plan {code} yet, and a new one says what it allows",
                    f"give {' and '.join(missing)}: a number, or unlimited",
                )
            plan_id = queries.create(self._connection, {"agent_id": agent_id, "code": code.value, **wanted})
            return self._plan(plan_id)
        changed = {name: value for name, value in wanted.items() if getattr(there, name) != value}
        if changed:
            queries.change(self._connection, there.id, changed)
        return self._plan(there.id)

    def _plan(self, plan_id: UUID) -> AgentPlan:
        return _plan(queries.load_by_id(self._connection, plan_id))


def _price(code: AgentPlanCode, values: Mapping[str, Any], there: AnyRow | None) -> dict[str, Any]:
    """Price and currency to be set: of a plan that is there only what was asked for."""
    before = DEFAULT_CURRENCY if there is None else there.currency
    currency = checked_currency(values["currency"]) if "currency" in values else before
    price = values.get("price")
    is_free = code is AgentPlanCode.FREE
    if price is None and not is_free:
        if there is None:
            raise UsageError(f"a new plan {code} says what it costs", "give --price, such as 29.99")
        if currency != before:
            raise UsageError(f"the price is in {before} so far", f"give --price in {currency}, too")
        return {}
    minor = 0 if price is None else parse_amount(price, currency)
    if is_free and minor:
        raise UsageError(f"the plan free costs nothing, not {price}", "set the plan monthly, or yearly")
    return {"price": minor, "currency": currency}


def _plan(row: AnyRow) -> AgentPlan:
    fields = {name: row[place] for place, name in enumerate(queries.SHOWN)}
    return AgentPlan(**{**fields, "code": AgentPlanCode(fields["code"]), "price": Money(**fields["price"])})

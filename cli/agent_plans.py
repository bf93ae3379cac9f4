"""agentadm agents plans: terms under which agents are used."""

from typing import Annotated

import typer

from cli.agents import plans
from cli.changes import changes, clear_option
from cli.context import Context
from cli.limit_values import limit_value
from cli.options import DEFAULT_LIMIT, AgentRef, All, Limit, Since, Until, Where, sort_option
from cli.output import Listing
from cli.registry import BILLING, Risk, Undo
from platform_core.agents.part_types import PLAN_CLEARABLE, PLAN_SORTS, AgentPlan
from platform_core.agents.types import AgentPlanCode
from platform_core.listing.types import ListRequest


@plans.command("list", example="agentadm agents plans list platform/anaya")
def list_plans(
    ctx: Context,
    agent: AgentRef,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(PLAN_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[AgentPlan]:
    """List an agent's plans. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.agent_plans.list(agent, request))


@plans.command(
    "set",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    operators=BILLING,
    example="agentadm agents plans set platform/anaya monthly --price 199 --currency INR"
    " --requests-per-day 1000 --requests-per-minute 60 --yes",
)
def set_plan(
    ctx: Context,
    agent: AgentRef,
    code: Annotated[AgentPlanCode, typer.Argument(metavar="CODE", help=f"One of {', '.join(AgentPlanCode)}.")],
    price: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="In its currency, such as 29.99; of free it is 0.")
    ] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="ISO 4217 code; of a new plan USD.")] = None,
    requests_per_day: Annotated[str | None, typer.Option(metavar="N", help="A number, or unlimited.")] = None,
    requests_per_minute: Annotated[str | None, typer.Option(metavar="N", help="A number, or unlimited.")] = None,
    provider_plan_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The plan or price at the payment provider.")
    ] = None,
    clear: Annotated[list[str] | None, clear_option(PLAN_CLEARABLE)] = None,
) -> AgentPlan:
    """Make an agent's plan, or change it. Who subscribed keeps the price; requests hold at once for everybody."""
    given = {
        "price": price, "currency": currency, "provider_plan_id": provider_plan_id,
        "requests_per_day": requests_per_day, "requests_per_minute": requests_per_minute,
    }  # fmt: skip
    values = changes(given, clear, PLAN_CLEARABLE)
    quotas = {name: limit_value(name, values[name]) for name in values if name.startswith("requests_")}
    return ctx.write(lambda services: services.agent_plans.set(agent, code, {**values, **quotas}))

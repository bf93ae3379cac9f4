"""agentadm plans: what the platform sells, with its limits."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli.changes import changes, clear_option
from cli.context import Context
from cli.limit_values import AllowOption, allowed
from cli.options import DEFAULT_LIMIT, All, Limit, Reference, Where, sort_option
from cli.output import Listing
from cli.registry import BILLING, Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.errors import UsageError
from platform_core.listing.types import ListRequest
from platform_core.near import did_you_mean
from platform_core.plans.types import CLEARABLE, DEFAULT_FAMILY, PLAN_SORTS, REFUSE, NewPlan, Overage, Plan, PlanSummary

noun = Noun("plans", "What the platform sells, with its limits.")

PlanRefs = Annotated[list[str], Reference("PLAN", "plans", "Id of a plan, such as free").several]
Description = Annotated[str | None, typer.Option(help="What it offers, for people.")]
PriceMonthly = Annotated[str | None, typer.Option(metavar="AMOUNT", help="Price a month, such as 29.99.")]
PriceYearly = Annotated[str | None, typer.Option(metavar="AMOUNT", help="Price a year, such as 299.")]
OverageOption = Annotated[
    list[str] | None,
    typer.Option(
        "--overage",
        metavar="NAME=AMOUNT",
        help=f"Price of one above the limit, or NAME={REFUSE}: {', '.join(Overage)}. Repeatable.",
    ),
]


def overages(given: Sequence[str] | None) -> dict[Overage, str | None]:
    """What is charged above limits; None refuses it.

    Raises:
        UsageError: a part is not NAME=AMOUNT, or names what is not charged for.
    """
    found: dict[Overage, str | None] = {}
    for text in given or ():
        name, separator, amount = text.partition("=")
        if not separator or name not in set(Overage):
            raise UsageError(
                f"--overage {text!r} is not NAME=AMOUNT{did_you_mean(name, Overage)}", f"names: {', '.join(Overage)}"
            )
        found[Overage(name)] = None if amount == REFUSE else amount
    return found


@noun.command("list", example="agentadm plans list")
def list_plans(
    ctx: Context,
    family: Annotated[str | None, typer.Option(help="Only this family's.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--retired", help="Only those that can be subscribed to, or cannot.")
    ] = None,
    where: Where = None,
    sort: Annotated[str | None, sort_option(PLAN_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[PlanSummary]:
    """List plans, by their ids."""
    request = ListRequest(where or (), sort, limit=None if all_ else limit)
    return ctx.listed(request, lambda services: services.plans.list(request, family=family, active=active))


@noun.command("show", example="agentadm plans show pro")
def show(ctx: Context, plan: PlanRefs) -> tuple[ItemValue, ...] | Plan:
    """Show a plan whole; of several, each with its result."""
    return ctx.read_each(plan, lambda services, reference: services.plans.show(reference))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    operators=BILLING,
    example="agentadm plans create studio --name Studio --price-monthly 49.00 --allow max_work_agents=20",
)
def create(
    ctx: Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Its id: lower case, digits, hyphens.")],
    name: Annotated[str, typer.Option(help="For people.")],
    family: Annotated[str, typer.Option(help="A customer has one subscription of each.")] = DEFAULT_FAMILY,
    currency: Annotated[str, typer.Option(metavar="CODE", help="ISO 4217 code of its prices.")] = "USD",
    description: Description = None,
    price_monthly: PriceMonthly = None,
    price_yearly: PriceYearly = None,
    allow: AllowOption = None,
    overage: OverageOption = None,
    if_not_exists: Annotated[bool, typer.Option(help="Leave one with this id as it is.")] = False,
) -> Plan:
    """Make a plan. What --allow does not name is 0: nothing is allowed; of requests a minute it is 1."""
    limits, above = allowed(allow), overages(overage)
    new = NewPlan(plan, name, family, currency, description, price_monthly, price_yearly, limits, above)
    return ctx.write(lambda services: services.plans.create(new, if_not_exists=if_not_exists))


@noun.command(
    "update",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    operators=BILLING,
    example="agentadm plans update pro --allow runs_per_month=2000 --yes",
)
def update(
    ctx: Context,
    plan: PlanRefs,
    name: Annotated[str | None, typer.Option(help="For people.")] = None,
    description: Description = None,
    price_monthly: PriceMonthly = None,
    price_yearly: PriceYearly = None,
    stripe_product_id: Annotated[str | None, typer.Option(metavar="ID", help="Product at Stripe (prod_...).")] = None,
    stripe_price_monthly: Annotated[str | None, typer.Option(metavar="ID", help="Price at Stripe (price_...).")] = None,
    stripe_price_yearly: Annotated[str | None, typer.Option(metavar="ID", help="Price at Stripe (price_...).")] = None,
    allow: AllowOption = None,
    overage: OverageOption = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | Plan:
    """Change plans. Limits hold at once for everybody who has the plan; prices for who subscribes from now on."""
    limits, above = allowed(allow), overages(overage)
    given = {
        "name": name,
        "description": description,
        "price_monthly": price_monthly,
        "price_yearly": price_yearly,
        "stripe_product_id": stripe_product_id,
        "stripe_price_monthly": stripe_price_monthly,
        "stripe_price_yearly": stripe_price_yearly,
    }
    values = changes(given, clear, CLEARABLE) if any(given.values()) or clear or not (limits or above) else {}
    return ctx.write_each(
        plan, lambda services, reference: services.plans.update(reference, values, limits=limits, overages=above)
    )


@noun.command(
    "retire",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    operators=BILLING,
    example="agentadm plans retire enterprise --yes",
)
def retire(ctx: Context, plan: PlanRefs) -> tuple[ItemResult, ...] | Plan:
    """Let nobody subscribe to plans any more; who has one keeps it."""
    return ctx.write_each(plan, lambda services, reference: services.plans.retire(reference))


@noun.command(
    "restore",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    operators=BILLING,
    example="agentadm plans restore enterprise",
)
def restore(ctx: Context, plan: PlanRefs) -> tuple[ItemResult, ...] | Plan:
    """Let retired plans be subscribed to again."""
    return ctx.write_each(plan, lambda services, reference: services.plans.restore(reference))

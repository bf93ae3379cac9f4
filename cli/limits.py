"""agentadm limits: what somebody may use, where that comes from, and exceptions."""

from typing import Annotated

import typer

from cli.completers import of_words
from cli.context import Context
from cli.limit_values import AllowOption, allowed, limit_named
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Limit,
    Since,
    Until,
    Where,
    agent_option,
    sort_option,
    team_option,
    user_option,
)
from cli.output import Listing
from cli.registry import STAFF, Noun, Risk, Undo
from platform_core.limits.types import OVERRIDE_SORTS, LimitStep, Override
from platform_core.listing.types import ListRequest
from platform_core.plans.types import Limit as PlanLimit

noun = Noun("limits", "What somebody may use, and why; exceptions from it.")

User = Annotated[str | None, user_option("Whose.")]
Team = Annotated[str | None, team_option("Whose.")]
Name = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="LIMIT", help="Only this one. Repeatable.", autocompletion=of_words(*PlanLimit)),
]


@noun.command("show", example="agentadm limits show --user ada@example.com")
def show(
    ctx: Context,
    user: User = None,
    team: Team = None,
    agent: Annotated[str | None, agent_option("With this agent's plan, for requests.")] = None,
    name: Name = None,
    chain: Annotated[bool, typer.Option("--chain", help="Also where it might have come from, in order.")] = False,
) -> tuple[LimitStep, ...]:
    """Show the limits of a user or team: how much, how much of it is used, and which override or plan says so."""
    names = [limit_named(text) for text in name or ()]
    return ctx.read(lambda services: services.limits.show(user, team, agent=agent, names=names, chain=chain))


@noun.command("list", example="agentadm limits list")
def list_overrides(
    ctx: Context,
    user: User = None,
    team: Team = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="LIMIT", help="Only this one.", autocompletion=of_words(*PlanLimit)),
    ] = None,
    expired: Annotated[
        bool | None, typer.Option("--expired/--holding", help="Only those that hold no more, or do.")
    ] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(OVERRIDE_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[Override]:
    """List what was granted beside the plans, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    named = None if name is None else limit_named(name)
    return ctx.listed(
        request, lambda services: services.limits.list(request, user=user, team=team, name=named, expired=expired)
    )


@noun.command(
    "set",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    operators=STAFF,
    example="agentadm limits set --user mei@example.org --allow max_work_agents=5 --expires 30d --reason 'trade fair'",
)
def set_limits(
    ctx: Context,
    user: User = None,
    team: Team = None,
    allow: AllowOption = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="30d from now; through 2026-12-31, 2026-12 or this-month; or a time."),
    ] = None,
) -> tuple[Override, ...]:
    """Grant a user or team other limits than the plan's. Wants --reason."""
    values, reason = allowed(allow), ctx.shared.reason
    return ctx.write(lambda services: services.limits.set(user, team, values, reason=reason, expires=expires))


@noun.command(
    "clear",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    operators=STAFF,
    example="agentadm limits clear --user linus@example.org --name runs_per_month",
)
def clear_limits(
    ctx: Context,
    user: User = None,
    team: Team = None,
    name: Name = None,
    everything: Annotated[bool, typer.Option("--all-of-them", help="All that was granted.")] = False,
) -> tuple[Override, ...]:
    """Take grants back: the plan's limits hold again."""
    names = tuple(PlanLimit) if everything else tuple(limit_named(text) for text in name or ())
    return ctx.write(lambda services: services.limits.clear(user, team, names))

"""agentadm runs: what agents and workflows did."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Limit,
    RunRefs,
    Since,
    Until,
    Where,
    agent_option,
    sort_option,
    team_option,
    user_option,
    workflow_option,
)
from cli.output import Listing
from cli.registry import STAFF, Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.listing.types import ListRequest
from platform_core.runs.types import RUN_SORTS, Retry, Run, RunStatus, RunSummary

if TYPE_CHECKING:
    from platform_core.services import Services

noun = Noun("runs", "What agents and workflows did; cancel and retry.")


@noun.command("list", example="agentadm runs list --status failed --since -7d")
def list_runs(
    ctx: Context,
    agent: Annotated[str | None, agent_option("Only this agent's.")] = None,
    workflow: Annotated[str | None, workflow_option("Only this workflow's.")] = None,
    user: Annotated[str | None, user_option("Only this user's.")] = None,
    team: Annotated[str | None, team_option("Only this team's.")] = None,
    status: Annotated[RunStatus | None, typer.Option(help="Only these.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(RUN_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[RunSummary]:
    """List runs, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request,
        lambda services: services.runs.list(
            request, agent=agent, workflow=workflow, user=user, team=team, status=status
        ),
    )


@noun.command("show", masks=True, operators=STAFF, example="agentadm runs show 01930000-0000-7000-8000-000000000000")
def show(ctx: Context, run: RunRefs) -> tuple[ItemValue, ...] | Run:
    """Show a run whole; of several, each with its result. What was asked and answered takes --reveal."""
    return ctx.read_each(run, lambda services, reference: services.runs.show(reference))


@noun.command(
    "cancel",
    risk=Risk.MODERATE,
    undo=Undo.IRREVERSIBLE,
    example="agentadm runs cancel 01930000-0000-7000-8000-000000000000 --yes",
)
def cancel(ctx: Context, run: RunRefs) -> tuple[ItemResult, ...] | RunSummary:
    """End runs that wait or are under way. What they did stays done; retry begins anew."""
    return ctx.write_each(run, lambda services, reference: services.runs.cancel(reference))


@noun.command(
    "retry",
    risk=Risk.MILD,
    undo=Undo.COMPENSATED,
    compensated_by="runs cancel",
    example="agentadm runs retry 01930000-0000-7000-8000-000000000000",
)
def retry(
    ctx: Context,
    run: RunRefs,
    again: Annotated[bool, typer.Option("--again", help="Also what was tried again already.")] = False,
) -> tuple[ItemResult, ...] | Retry:
    """Queue runs that are to do again what failed, was cancelled, or took too long.

    audit undo does not take that back: what is still queued, runs cancel ends.
    """
    met: list[UUID] = []

    def try_again(services: "Services", reference: str) -> Retry:
        done = services.runs.retry(reference, again=again, met=met)
        met.append(done.retried_id)
        return done

    return ctx.write_each(run, try_again)

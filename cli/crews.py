"""agentadm crews: groups of hired agents in a project."""

from typing import Annotated

import typer

from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    CrewRef,
    CrewRefs,
    InstanceRefs,
    Limit,
    Since,
    Until,
    Where,
    project_option,
    sort_option,
)
from cli.output import Listing
from cli.registry import Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.crews.types import CREW_SORTS, Crew, CrewInstance, CrewSummary
from platform_core.listing.types import ListRequest

noun = Noun("crews", "Groups of hired agents in a project.")


@noun.command("list", example="agentadm crews list --project 'Bernoulli numbers'")
def list_crews(
    ctx: Context,
    project: Annotated[str | None, project_option("Only this project's.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(CREW_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[CrewSummary]:
    """List crews, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.crews.list(request, project=project))


@noun.command("show", example="agentadm crews show Reviewers")
def show(ctx: Context, crew: CrewRefs) -> tuple[ItemValue, ...] | Crew:
    """Show a crew whole, with its instances in their order; of several, each with its result."""
    return ctx.read_each(crew, lambda services, reference: services.crews.show(reference))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm crews create Typesetters --project 'Bernoulli numbers'",
)
def create(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people.")],
    project: Annotated[str, project_option("Where it works.")],
) -> Crew:
    """Create a crew in a project."""
    return ctx.write(lambda services: services.crews.create(name, project))


@noun.command("update", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm crews update Reviewers --name Critics")
def update(
    ctx: Context, crew: CrewRefs, name: Annotated[str, typer.Option(help="For people.")]
) -> tuple[ItemResult, ...] | Crew:
    """Give crews another name."""
    return ctx.write_each(crew, lambda services, reference: services.crews.rename(reference, name))


@noun.command("delete", risk=Risk.MODERATE, undo=Undo.REVERSIBLE, example="agentadm crews delete Reviewers --yes")
def delete(ctx: Context, crew: CrewRefs) -> tuple[ItemResult, ...] | Crew:
    """Delete crews."""
    return ctx.write_each(crew, lambda services, reference: services.crews.delete(reference))


@noun.command("add", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm crews add Reviewers 7a7dffb00cfdf6")
def add(ctx: Context, crew: CrewRef, instance: InstanceRefs) -> tuple[ItemResult, ...] | CrewInstance:
    """Let instances work in a crew, after those that do already."""
    return ctx.write_each(instance, lambda services, reference: services.crews.add(crew, reference))


@noun.command(
    "remove",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm crews remove Reviewers 33d3e3c12e4510 --yes",
)
def remove(ctx: Context, crew: CrewRef, instance: InstanceRefs) -> tuple[ItemResult, ...] | CrewInstance:
    """Take instances out of a crew; the others keep their places."""
    return ctx.write_each(instance, lambda services, reference: services.crews.remove(crew, reference))

"""agentadm projects: what hired agents work on."""

from typing import Annotated

import typer

from cli.changes import changes, clear_option
from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Limit,
    ProjectRefs,
    Since,
    Until,
    Where,
    sort_option,
    team_option,
    user_option,
)
from cli.output import Listing
from cli.registry import Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.listing.types import ListRequest
from platform_core.projects.types import CLEARABLE, PROJECT_SORTS, Project, ProjectSummary

noun = Noun("projects", "What hired agents work on, for a user or for a team.")

Description = Annotated[str | None, typer.Option(help="What it is about.")]


@noun.command("list", example="agentadm projects list --team analytical-engines")
def list_projects(
    ctx: Context,
    user: Annotated[str | None, user_option("Only this user's own.")] = None,
    team: Annotated[str | None, team_option("Only this team's.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(PROJECT_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[ProjectSummary]:
    """List projects, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.projects.list(request, user=user, team=team))


@noun.command("show", example="agentadm projects show 'Bernoulli numbers'")
def show(ctx: Context, project: ProjectRefs) -> tuple[ItemValue, ...] | Project:
    """Show a project whole; of several, each with its result."""
    return ctx.read_each(project, lambda services, reference: services.projects.show(reference))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm projects create 'Weaving' --team analytical-engines",
)
def create(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people.")],
    user: Annotated[str | None, user_option("Whose it is.")] = None,
    team: Annotated[str | None, team_option("Whose it is.")] = None,
    description: Description = None,
) -> Project:
    """Create a project of a user or of a team."""
    return ctx.write(lambda services: services.projects.create(name, user=user, team=team, description=description))


@noun.command(
    "update",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm projects update 'Bernoulli numbers' --description 'Note G'",
)
def update(
    ctx: Context,
    project: ProjectRefs,
    name: Annotated[str | None, typer.Option(help="For people.")] = None,
    description: Description = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | Project:
    """Change projects."""
    values = changes({"name": name, "description": description}, clear, CLEARABLE)
    return ctx.write_each(project, lambda services, reference: services.projects.update(reference, values))


@noun.command(
    "delete",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm projects delete 'Bernoulli numbers' --yes",
)
def delete(ctx: Context, project: ProjectRefs) -> tuple[ItemResult, ...] | Project:
    """Delete projects with their crews."""
    return ctx.write_each(project, lambda services, reference: services.projects.delete(reference))

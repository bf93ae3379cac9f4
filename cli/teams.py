"""agentadm teams: people who work together."""

from typing import Annotated

import typer

from cli.changes import Budget, changes, clear_option
from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Deleted,
    Limit,
    OnlyDeleted,
    Since,
    TeamRef,
    TeamRefs,
    Until,
    UserRef,
    UserRefs,
    Where,
    sort_option,
    user_option,
)
from cli.output import Listing
from cli.registry import Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.errors import UsageError
from platform_core.listing.types import ListRequest
from platform_core.teams.types import (
    CLEARABLE,
    MEMBER_SORTS,
    TEAM_SORTS,
    GivenRole,
    Member,
    MemberRole,
    NewTeam,
    Team,
    TeamSummary,
)

noun = Noun("teams", "People who work together.")
members = noun.noun("members", "Who belongs to a team, and what they may do there.")

# What PostgreSQL's integer holds.
MOST = 2**31 - 1
Description = Annotated[str | None, typer.Option(help="What the team is for.")]
MaxMembers = Annotated[int | None, typer.Option(help="How many members it may have.", min=1, max=MOST, metavar="N")]
MaxAgents = Annotated[int | None, typer.Option(help="How many agents it may have.", min=0, max=MOST, metavar="N")]


@noun.command("list", example="agentadm teams list --member ada@example.com")
def list_teams(
    ctx: Context,
    owner: Annotated[str | None, user_option("Only those that this user owns.")] = None,
    member: Annotated[str | None, user_option("Only those that this user belongs to.")] = None,
    personal: Annotated[bool, typer.Option("--personal", help="The personal teams instead.")] = False,
    deleted: OnlyDeleted = False,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(TEAM_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[TeamSummary]:
    """List teams, newest first; personal ones with --personal. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request,
        lambda services: services.teams.list(request, owner=owner, member=member, personal=personal, deleted=deleted),
    )


@noun.command("show", example="agentadm teams show analytical-engines")
def show(
    ctx: Context,
    team: TeamRefs,
    deleted: Deleted = False,
) -> tuple[ItemValue, ...] | Team:
    """Show a team whole; of several, each with its result."""
    return ctx.read_each(team, lambda services, reference: services.teams.show(reference, deleted=deleted))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm teams create 'Night shift' --owner grace@example.com --max-members 10",
)
def create(
    ctx: Context,
    owner: Annotated[str, user_option("Its owner, and its first member.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="For people; not for a personal team.")] = None,
    slug: Annotated[str | None, typer.Option(help="For references; made from the name.")] = None,
    description: Description = None,
    max_members: MaxMembers = None,
    max_agents: MaxAgents = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="The owner's personal team; answers with it if it is there.")
    ] = False,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Answer with the team that has this slug, if there is one.")
    ] = False,
) -> Team:
    """Create a team."""
    if personal == (name is not None):
        raise UsageError("a team has a name, a personal one has none", "give NAME, or --personal")
    if name is None:
        if any(given is not None for given in (slug, description, max_members, max_agents)):
            raise UsageError("a personal team is made as it is", "change it with: agentadm teams update")
        return ctx.write(lambda services: services.teams.personal(owner))
    new = NewTeam(name, slug, description, max_members, max_agents)
    return ctx.write(lambda services: services.teams.create(new, owner, if_not_exists=if_not_exists))


@noun.command(
    "update",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm teams update analytical-engines --max-members 20",
)
def update(
    ctx: Context,
    team: TeamRefs,
    name: Annotated[str | None, typer.Option(help="For people.")] = None,
    slug: Annotated[str | None, typer.Option(help="For references.")] = None,
    description: Description = None,
    logo_url: Annotated[str | None, typer.Option(help="Picture.")] = None,
    default_llm_provider: Annotated[str | None, typer.Option(help="Provider of new agents.")] = None,
    daily_budget: Budget = None,
    max_members: MaxMembers = None,
    max_agents: MaxAgents = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | Team:
    """Change teams; a limit that is cleared is none."""
    given = {
        "name": name, "slug": slug, "description": description, "logo_url": logo_url, "daily_budget": daily_budget,
        "default_llm_provider": default_llm_provider, "max_members": max_members, "max_agents": max_agents,
    }  # fmt: skip
    values = changes(given, clear, CLEARABLE)
    return ctx.write_each(team, lambda services, reference: services.teams.update(reference, values))


@noun.command(
    "delete", risk=Risk.MODERATE, undo=Undo.REVERSIBLE, example="agentadm teams delete analytical-engines --yes"
)
def delete(ctx: Context, team: TeamRefs) -> tuple[ItemResult, ...] | Team:
    """Delete teams, softly: nothing in them is lost, and the slug stays taken."""
    return ctx.write_each(team, lambda services, reference: services.teams.delete(reference))


@noun.command("restore", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm teams restore difference-engines")
def restore(ctx: Context, team: TeamRefs) -> tuple[ItemResult, ...] | Team:
    """Bring deleted teams back, as they were."""
    return ctx.write_each(team, lambda services, reference: services.teams.restore(reference), deleted=True)


@noun.command(
    "transfer",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm teams transfer analytical-engines grace@example.com --yes",
)
def transfer(
    ctx: Context,
    team: TeamRef,
    user: UserRef,
    deleted: Annotated[bool, typer.Option("--deleted", help="Look among the deleted teams.")] = False,
) -> Team:
    """Make a user the owner of a team; the owner so far becomes an admin of it."""
    return ctx.write(lambda services: services.teams.transfer(team, user, deleted=deleted))


@members.command("list", example="agentadm teams members list analytical-engines")
def list_members(
    ctx: Context,
    team: TeamRef,
    role: Annotated[MemberRole | None, typer.Option(help="Only these.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(MEMBER_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[Member]:
    """List the members of a team, in the order in which they came. --since and --until look at joined_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.team_members.list(team, request, role=role))


@members.command(
    "add",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm teams members add analytical-engines mei@example.org --role admin",
)
def add(
    ctx: Context,
    team: TeamRef,
    user: UserRefs,
    role: Annotated[GivenRole, typer.Option(help="What they may do.")] = GivenRole.MEMBER,
    invited_by: Annotated[str | None, user_option("Who invited them.")] = None,
) -> tuple[ItemResult, ...] | Member:
    """Make users members of a team."""
    as_what = MemberRole(role)
    return ctx.write_each(
        user, lambda services, reference: services.team_members.add(team, reference, as_what, invited_by=invited_by)
    )


@members.command(
    "remove",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm teams members remove analytical-engines linus@example.org --yes",
)
def remove(ctx: Context, team: TeamRef, user: UserRefs) -> tuple[ItemResult, ...] | Member:
    """Take members out of a team."""
    return ctx.write_each(user, lambda services, reference: services.team_members.remove(team, reference))


@members.command(
    "set-role",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm teams members set-role analytical-engines linus@example.org --role viewer",
)
def set_role(
    ctx: Context,
    team: TeamRef,
    user: UserRefs,
    role: Annotated[GivenRole, typer.Option(help="What they may do from now on.")],
) -> tuple[ItemResult, ...] | Member:
    """Change what members of a team may do. An owner is made by transfer."""
    as_what = MemberRole(role)
    return ctx.write_each(user, lambda services, reference: services.team_members.set_role(team, reference, as_what))

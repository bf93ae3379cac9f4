"""agentadm agents: definitions of agents, and what state they are in."""

from typing import Annotated

import typer

from cli.agent_options import (
    BaseWebsite,
    ContactEmail,
    ContactPhone,
    ContactWhatsapp,
    CustomWebsite,
    Description,
    Handle,
    IconUrl,
    MaxExecutionTime,
    MaxIterations,
    Model,
    Provider,
    Slug,
    SpecFile,
    Temperature,
    Tools,
    Type,
    checked_note,
    off_record,
    spec_of,
)
from cli.changes import changes, clear_option
from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    AgentRefs,
    All,
    Deleted,
    Limit,
    OnlyDeleted,
    Since,
    Until,
    Where,
    sort_option,
    team_option,
    user_option,
)
from cli.output import Listing
from cli.registry import STAFF, Noun, Risk, Undo
from cli.versions import ChangedBy, Notes
from platform_core.agents.types import (
    AGENT_SORTS,
    CLEARABLE,
    Agent,
    AgentStatus,
    AgentSummary,
    AgentType,
    NewAgent,
)
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.listing.types import ListRequest
from platform_core.versions.types import ChangeNote

noun = Noun("agents", "Definitions of agents, their versions and what state they are in.")
noun.declared_in("cli.agent_errors", "errors")
noun.declared_in("cli.agent_specs", "versions", "diff", "rollback", "export", "import")
noun.declared_in("cli.agent_states", "pause", "resume", "archive", "delete", "restore")
configurations = noun.noun("configurations", "What users set for agents.")
configurations.declared_in("cli.agent_configurations", "show", "set")
plans = noun.noun("plans", "Terms under which agents are used.")
plans.declared_in("cli.agent_plans", "list", "set")
skills = noun.noun("skills", "What agents have learned.")
skills.declared_in("cli.agent_skills", "list", "add", "remove")

OfTeam = Annotated[str | None, team_option("Only this team's.")]
WithTool = Annotated[str | None, typer.Option(metavar="NAME", help="Only those that may use it.")]


@noun.command("list", example="agentadm agents list --team analytical-engines --status active")
def list_agents(
    ctx: Context,
    team: OfTeam = None,
    status: Annotated[AgentStatus | None, typer.Option(help="Only these.")] = None,
    type_: Annotated[AgentType | None, typer.Option("--type", help="Only these.")] = None,
    tool: WithTool = None,
    deleted: OnlyDeleted = False,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(AGENT_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[AgentSummary]:
    """List agents, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request,
        lambda services: services.agents.list(
            request, team=team, status=status, agent_type=type_, tool=tool, deleted=deleted
        ),
    )


@noun.command("show", masks=True, operators=STAFF, example="agentadm agents show analytical-engines/code-review")
def show(ctx: Context, agent: AgentRefs, deleted: Deleted = False) -> tuple[ItemValue, ...] | Agent:
    """Show an agent whole; of several, each with its result. How people reach it is masked."""
    return ctx.read_each(
        agent, lambda services, reference: services.agents.show(reference, deleted=deleted, reveal=ctx.shared.reveal)
    )


@noun.command("search", operators=STAFF, example="agentadm agents search invoices")
def search(
    ctx: Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help='Words that are all there; "a phrase", or, -not as on the web.')
    ],
    team: OfTeam = None,
    tool: WithTool = None,
    deleted: OnlyDeleted = False,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(AGENT_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[AgentSummary]:
    """Find agents by words in their name, description or specification, newest first."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request,
        lambda services: services.agents.list(request, team=team, tool=tool, search=text, deleted=deleted),
    )


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm agents create Proofreader --team analytical-engines --tool search",
)
def create(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people.")],
    team: Annotated[str | None, team_option("Whose it is.")] = None,
    user: Annotated[str | None, user_option("Whose it is: of the user's personal team.")] = None,
    slug: Slug = None,
    handle: Handle = None,
    type_: Type = None,
    description: Description = None,
    spec_file: SpecFile = None,
    tool: Tools = None,
    provider: Provider = None,
    model: Model = None,
    temperature: Temperature = None,
    max_iterations: MaxIterations = None,
    max_execution_time: MaxExecutionTime = None,
    icon_url: IconUrl = None,
    base_website: BaseWebsite = None,
    custom_website: CustomWebsite = None,
    contact_email: ContactEmail = None,
    contact_phone: ContactPhone = None,
    contact_whatsapp: ContactWhatsapp = None,
    created_by: Annotated[str | None, user_option("Who made it.")] = None,
    notes: Notes = None,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Answer with the agent of the team with this slug, if there is one.")
    ] = False,
) -> Agent:
    """Create an agent: of a team, or with --user a personal one. A personal or work agent gets an instance at once."""
    given = {
        "handle": handle, "description": description, "tools": tool or None, "llm_provider": provider,
        "model_name": model, "temperature": temperature, "max_iterations": max_iterations,
        "max_execution_time": max_execution_time, "icon_url": icon_url, "base_website": base_website,
        "custom_website": custom_website, "contact_email": contact_email, "contact_phone": contact_phone,
        "contact_whatsapp": contact_whatsapp, **spec_of(ctx, spec_file),
    }  # fmt: skip
    values = {field: value for field, value in given.items() if value is not None}
    new = NewAgent(name, slug, type_, values)
    agent = ctx.write(
        lambda services: services.agents.create(
            new, services.agents.owner_of(team=team, user=user), note=ChangeNote(notes), created_by=created_by,
            if_not_exists=if_not_exists,
        ),
        inputs=off_record(ctx, values),
    )  # fmt: skip
    if other := new.differing(agent):
        ctx.note(f"the agent that is there has another {', '.join(other)}: left as it is")
    return agent


@noun.command(
    "update",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm agents update analytical-engines/code-review --model gpt-4o --temperature 0.2",
)
def update(
    ctx: Context,
    agent: AgentRefs,
    name: Annotated[str | None, typer.Option(help="For people.")] = None,
    slug: Slug = None,
    handle: Handle = None,
    type_: Type = None,
    description: Description = None,
    spec_file: SpecFile = None,
    tool: Tools = None,
    provider: Provider = None,
    model: Model = None,
    temperature: Temperature = None,
    max_iterations: MaxIterations = None,
    max_execution_time: MaxExecutionTime = None,
    icon_url: IconUrl = None,
    base_website: BaseWebsite = None,
    custom_website: CustomWebsite = None,
    contact_email: ContactEmail = None,
    contact_phone: ContactPhone = None,
    contact_whatsapp: ContactWhatsapp = None,
    notes: Notes = None,
    changed_by: ChangedBy = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | Agent:
    """Change agents. Another specification makes the next version; tools replace those that are there.

    A contact that was replaced is kept nowhere: that cannot be undone.
    """
    given = {
        "name": name, "slug": slug, "handle": handle, "agent_type": type_, "description": description,
        "tools": tool or None, "llm_provider": provider, "model_name": model, "temperature": temperature,
        "max_iterations": max_iterations, "max_execution_time": max_execution_time, "icon_url": icon_url,
        "base_website": base_website, "custom_website": custom_website, "contact_email": contact_email,
        "contact_phone": contact_phone, "contact_whatsapp": contact_whatsapp, **spec_of(ctx, spec_file, agent),
    }  # fmt: skip
    values = changes(given, clear, CLEARABLE)
    note = checked_note(notes, changed_by, values)
    return ctx.write_each(
        agent,
        lambda services, reference: services.agents.update(reference, values, note=note),
        inputs=off_record(ctx, values),
    )

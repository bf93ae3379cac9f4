"""agentadm agents: versions of specifications, what differs between them, the way back, and files."""

from typing import Annotated

import typer

from cli.agent_options import ChangedBy, Model, Notes, Provider, Tools, Type
from cli.agents import Deleted, noun
from cli.context import Context
from cli.import_options import Conflicts
from cli.options import (
    DEFAULT_LIMIT,
    AgentRef,
    AgentRefs,
    All,
    Limit,
    Since,
    Until,
    Where,
    sort_option,
    team_option,
    user_option,
)
from cli.output import Listing, Page
from cli.registry import STAFF, Risk, Undo
from platform_core.agents.types import VERSION_SORTS, Agent, AgentDefinition, AgentVersion, ChangeNote
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.errors import ExitCode, NotFound
from platform_core.importing.answers import OnConflict
from platform_core.listing.types import ListRequest
from platform_core.text_diff import DiffLine

Number = Annotated[int | None, typer.Option(metavar="N", min=1, help="A version.")]


@noun.command("versions", example="agentadm agents versions analytical-engines/code-review")
def versions(
    ctx: Context,
    agent: AgentRef,
    deleted: Deleted = False,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(VERSION_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[AgentVersion]:
    """List the versions of an agent, newest first: when each was made, by whom and why; export shows one whole."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.agent_specs.versions(agent, request, deleted=deleted))


@noun.command("diff", operators=STAFF, example="agentadm agents diff analytical-engines/code-review --from 1")
def diff(
    ctx: Context,
    agent: AgentRef,
    from_: Annotated[
        int | None, typer.Option("--from", metavar="N", min=1, help="A version; else the one before the other.")
    ] = None,
    to: Annotated[int | None, typer.Option("--to", metavar="N", min=1, help="A version; else the newest.")] = None,
    deleted: Deleted = False,
) -> Page[DiffLine]:
    """Show what differs between two versions of an agent, in specification and code; exit with 1 if they differ."""
    found = ctx.read(lambda services: services.agent_specs.diff(agent, start=from_, end=to, deleted=deleted))
    if found.lines:
        ctx.invocation.code = int(ExitCode.DIFFERS)
    else:
        ctx.note(f"no difference between version {found.from_version} and version {found.to_version}")
    return Page(found.text, found.lines)


@noun.command(
    "rollback",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm agents rollback analytical-engines/code-review --to 1 --yes",
)
def rollback(
    ctx: Context,
    agent: AgentRefs,
    to: Annotated[int, typer.Option("--to", metavar="N", min=1, help="The version whose content is wanted.")],
    notes: Notes = None,
    changed_by: ChangedBy = None,
) -> tuple[ItemResult, ...] | Agent:
    """Make a new version of agents with the specification and code of an earlier one."""
    note = ChangeNote(notes, changed_by)
    return ctx.write_each(
        agent,
        lambda services, reference: services.agent_specs.rollback(reference, to, note=note),
        find=lambda services, reference: services.agents.find(reference),
    )


@noun.command(
    "export",
    masks=True,
    operators=STAFF,
    example="agentadm agents export analytical-engines/code-review > code-review.md",
)
def export(
    ctx: Context,
    agent: AgentRefs,
    version: Annotated[int | None, typer.Option(metavar="N", min=1, help="A version; else what holds.")] = None,
    deleted: Deleted = False,
) -> tuple[ItemValue, ...] | AgentDefinition | Page[AgentDefinition]:
    """Write out the specification of an agent, to the letter; with -o json or yaml the whole definition."""
    found = ctx.read_each(
        agent,
        lambda services, reference: services.agent_specs.export(
            reference, version=version, deleted=deleted, reveal=ctx.shared.reveal
        ),
    )
    if isinstance(found, tuple) or ctx.shared.output is not None:
        return found
    if found.spec_content is None:
        raise NotFound(f"agent {agent[0]} has no specification", "-o json writes out all that it has")
    return Page(found.spec_content, [found])


@noun.command(
    "import",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm agents import specs/*.md --team analytical-engines --on-conflict update --yes",
)
def import_specs(
    ctx: Context,
    file: Annotated[
        list[str], typer.Argument(metavar="FILE", help="A specification in Markdown; several, or - for one on stdin.")
    ],
    team: Annotated[str | None, team_option("Whose they are.")] = None,
    user: Annotated[str | None, user_option("Whose they are: of the user's personal team.")] = None,
    name: Annotated[str | None, typer.Option(help="For people; else the first heading, else the file's name.")] = None,
    slug: Annotated[str | None, typer.Option(help="For references; else made from the file's name.")] = None,
    type_: Type = None,
    tool: Tools = None,
    provider: Provider = None,
    model: Model = None,
    on_conflict: Conflicts = OnConflict.FAIL,
    notes: Notes = None,
    changed_by: ChangedBy = None,
) -> tuple[ItemResult, ...] | Agent:
    """Make agents of specifications, a file each; or give them to the agents that are there, as their next version."""
    from cli.spec_files import imported

    given = {"tools": tool or None, "llm_provider": provider, "model_name": model}
    return imported(
        ctx, file, team=team, user=user, name=name, slug=slug, agent_type=type_, values=given,
        on_conflict=on_conflict, note=ChangeNote(notes, changed_by),
    )  # fmt: skip

"""agentadm agents: versions of specifications, what differs between them, the way back, and files."""

from typing import Annotated

import typer

from cli.agent_options import Model, Provider, Tools, Type
from cli.agents import noun
from cli.context import Context
from cli.import_options import Conflicts
from cli.options import AGENT, AgentRefs, Deleted, team_option, user_option
from cli.output import Page
from cli.registry import STAFF, Risk, Undo
from cli.versions import ChangedBy, Notes, Words, declare_versions
from platform_core.agents.types import Agent, AgentDefinition
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.errors import NotFound
from platform_core.importing.answers import OnConflict
from platform_core.versions.types import ChangeNote

VERSIONED = Words(
    one="an agent",
    several="agents",
    more="export shows one whole",
    compared="in specification and code",
    parts="specification and code",
    example="analytical-engines/code-review",
)
declare_versions(noun, AGENT, Agent, VERSIONED, lambda services: services.agent_versions)


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

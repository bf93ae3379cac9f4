"""agentadm workflows: automations of nodes and connections."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.changes import changes, clear_option
from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Deleted,
    Limit,
    OnlyDeleted,
    Since,
    Until,
    Where,
    WorkflowRef,
    WorkflowRefs,
    sort_option,
    team_option,
    user_option,
)
from cli.output import Listing
from cli.registry import STAFF, Noun, Risk, Undo
from cli.versions import ChangedBy, Notes
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.errors import UsageError
from platform_core.listing.types import ListRequest
from platform_core.runs.types import RUN_SORTS, RunStatus, RunSummary
from platform_core.versions.types import ChangeNote
from platform_core.workflows.types import (
    CLEARABLE,
    WORKFLOW_SORTS,
    NewWorkflow,
    Workflow,
    WorkflowStatus,
    WorkflowSummary,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

noun = Noun("workflows", "Automations of nodes and connections: versions, triggers, schedules, runs.")
noun.declared_in("cli.workflow_states", "pause", "resume", "archive", "delete", "restore")
noun.declared_in("cli.workflow_versions", "versions", "diff", "rollback")
schedules = noun.noun("schedules", "At what times workflows start.")
schedules.declared_in("cli.workflow_schedules", "list", "add", "update", "remove")
triggers = noun.noun("triggers", "What starts workflows.")
triggers.declared_in("cli.workflow_triggers", "list", "add", "update", "remove")

File = Annotated[
    str | None,
    typer.Option("--file", metavar="FILE", help="JSON with nodes, connections and settings; - is stdin."),
]
Description = Annotated[str | None, typer.Option(help="What it does.")]
Category = Annotated[str | None, typer.Option(help="Where it is listed.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="WORD", help="A word to find it by. Repeatable.")]
Public = Annotated[bool | None, typer.Option("--public/--private", help="Whether everybody may read it.")]


@noun.command("list", example="agentadm workflows list --team analytical-engines --status active")
def list_workflows(
    ctx: Context,
    team: Annotated[str | None, team_option("Only this team's.")] = None,
    user: Annotated[str | None, user_option("Only what this user made, or has in the personal team.")] = None,
    status: Annotated[WorkflowStatus | None, typer.Option(help="Only these.")] = None,
    public: Annotated[
        bool | None, typer.Option("--public/--private", help="Only those that everybody may read, or the others.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="Only these.")] = None,
    tag: Annotated[str | None, typer.Option(metavar="WORD", help="Only those with this tag.")] = None,
    deleted: OnlyDeleted = False,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(WORKFLOW_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[WorkflowSummary]:
    """List workflows, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request,
        lambda services: services.workflows.list(
            request, team=team, user=user, status=status, public=public, category=category, tag=tag, deleted=deleted
        ),
    )


@noun.command("show", operators=STAFF, example="agentadm workflows show 'analytical-engines/Morning summary'")
def show(ctx: Context, workflow: WorkflowRefs, deleted: Deleted = False) -> tuple[ItemValue, ...] | Workflow:
    """Show a workflow whole; of several, each with its result.

    -o json --columns nodes,connections,settings writes what --file of create and update reads.
    """
    return ctx.read_each(workflow, lambda services, reference: services.workflows.show(reference, deleted=deleted))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows create 'Nightly report' --team analytical-engines --tag report",
)
def create(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people.")],
    team: Annotated[str | None, team_option("Whose it is.")] = None,
    user: Annotated[str | None, user_option("Whose it is: of the user's personal team.")] = None,
    file: File = None,
    description: Description = None,
    category: Category = None,
    tag: Tags = None,
    public: Public = None,
    created_by: Annotated[str | None, user_option("Who made it.")] = None,
    notes: Notes = None,
) -> Workflow:
    """Create a workflow, as a draft: of a team, or with --user a personal one. resume makes it active."""
    graph = graph_of(ctx, file) or {}
    given = {"description": description, "category": category, "tags": tag, "is_public": public}
    new = NewWorkflow(name, graph, {field: value for field, value in given.items() if value is not None})
    return ctx.write(
        lambda services: services.workflows.create(
            new, team=team, user=user, note=ChangeNote(notes), created_by=created_by
        ),
        inputs={"graph": graph},
    )


@noun.command(
    "update",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows update 'analytical-engines/Morning summary' --category Reports --tag nightly",
)
def update(
    ctx: Context,
    workflow: WorkflowRefs,
    name: Annotated[str | None, typer.Option(help="For people.")] = None,
    file: File = None,
    description: Description = None,
    category: Category = None,
    tag: Tags = None,
    public: Public = None,
    notes: Notes = None,
    changed_by: ChangedBy = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | Workflow:
    """Change workflows. What the file names is replaced, and makes the next version; what it leaves out stays.

    Tags replace those that are there.
    """
    if file is None and (notes is not None or changed_by is not None):
        raise UsageError("only a change of nodes, connections or settings makes a version to keep notes", "add --file")
    graph = graph_of(ctx, file, workflow)
    given = {"name": name, "description": description, "category": category, "tags": tag, "is_public": public}
    values = changes({**given, "graph": graph}, clear, CLEARABLE)
    values.pop("graph", None)
    note = ChangeNote(notes, changed_by)
    return ctx.write_each(
        workflow,
        lambda services, reference: services.workflows.update(reference, values, given=graph, note=note),
        inputs={"graph": graph},
    )


@noun.command(
    "runs", example="agentadm workflows runs 'analytical-engines/Morning summary' --status failed --since -7d"
)
def runs(
    ctx: Context,
    workflow: WorkflowRef,
    status: Annotated[RunStatus | None, typer.Option(help="Only these.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(RUN_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[RunSummary]:
    """List the runs of a workflow, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.runs.list(request, workflow=workflow, status=status))


def graph_of(ctx: Context, file: str | None, references: "Sequence[str]" = ()) -> dict[str, Any] | None:
    """What --file names of nodes, connections and settings; None without one.

    Raises:
        UsageError: it cannot be read, is no JSON, or standard input is asked for twice.
    """
    if file is None:
        return None
    from cli.text_input import refuse_stdin_twice, text_of
    from platform_core.workflows.graph import parsed

    refuse_stdin_twice(file, "--file", references)
    return parsed(text_of(ctx, file))

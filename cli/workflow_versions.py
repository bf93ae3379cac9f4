"""agentadm workflows: versions, what differs between them, and the way back."""

from typing import Annotated

import typer

from cli.agent_options import ChangedBy, Notes
from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, Since, Until, Where, WorkflowRef, WorkflowRefs, sort_option
from cli.output import Listing, Page
from cli.registry import STAFF, Risk, Undo
from cli.workflows import Deleted, noun
from platform_core.agents.types import ChangeNote
from platform_core.bulk.types import ItemResult
from platform_core.errors import ExitCode
from platform_core.listing.types import ListRequest
from platform_core.text_diff import DiffLine
from platform_core.workflows.types import VERSION_SORTS, Workflow, WorkflowVersion


@noun.command("versions", example="agentadm workflows versions 'analytical-engines/Morning summary'")
def versions(
    ctx: Context,
    workflow: WorkflowRef,
    deleted: Deleted = False,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(VERSION_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[WorkflowVersion]:
    """List the versions of a workflow, newest first: when each was made, by whom and why; diff shows what changed."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.workflow_versions.list(workflow, request, deleted=deleted))


@noun.command("diff", operators=STAFF, example="agentadm workflows diff 'analytical-engines/Morning summary' --from 1")
def diff(
    ctx: Context,
    workflow: WorkflowRef,
    from_: Annotated[
        int | None, typer.Option("--from", metavar="N", min=1, help="A version; else the one before the other.")
    ] = None,
    to: Annotated[int | None, typer.Option("--to", metavar="N", min=1, help="A version; else the newest.")] = None,
    deleted: Deleted = False,
) -> Page[DiffLine]:
    """Show what differs between two versions of a workflow, as JSON in one order; exit with 1 if they differ."""
    found = ctx.read(lambda services: services.workflow_versions.diff(workflow, start=from_, end=to, deleted=deleted))
    if found.lines:
        ctx.invocation.code = int(ExitCode.DIFFERS)
    else:
        ctx.note(f"no difference between version {found.from_version} and version {found.to_version}")
    return Page(found.text, found.lines)


@noun.command(
    "rollback",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows rollback 'analytical-engines/Morning summary' --to 1 --yes",
)
def rollback(
    ctx: Context,
    workflow: WorkflowRefs,
    to: Annotated[int, typer.Option("--to", metavar="N", min=1, help="The version whose content is wanted.")],
    notes: Notes = None,
    changed_by: ChangedBy = None,
) -> tuple[ItemResult, ...] | Workflow:
    """Make a new version of workflows with the nodes, connections and settings of an earlier one."""
    note = ChangeNote(notes, changed_by)
    return ctx.write_each(
        workflow,
        lambda services, reference: services.workflow_versions.rollback(reference, to, note=note),
        find=lambda services, reference: services.workflows.find(reference),
    )

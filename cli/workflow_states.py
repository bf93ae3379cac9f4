"""agentadm workflows: what state they are in."""

from cli.context import Context
from cli.options import WorkflowRefs
from cli.registry import Risk, Undo
from cli.workflows import noun
from platform_core.bulk.types import ItemResult
from platform_core.workflows.types import Workflow


@noun.command(
    "pause",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows pause 'analytical-engines/Morning summary' --yes",
)
def pause(ctx: Context, workflow: WorkflowRefs) -> tuple[ItemResult, ...] | Workflow:
    """Pause active workflows: nothing starts them, and nothing is lost; resume makes them active again."""
    return ctx.write_each(workflow, lambda services, reference: services.workflows.pause(reference))


@noun.command(
    "resume",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows resume 'analytical-engines/Morning summary'",
)
def resume(ctx: Context, workflow: WorkflowRefs) -> tuple[ItemResult, ...] | Workflow:
    """Make workflows active: drafts, paused and archived ones.

    Their schedules go on from now: what was missed is not made up for.
    """
    return ctx.write_each(workflow, lambda services, reference: services.workflows.resume(reference))


@noun.command(
    "archive",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows archive 'analytical-engines/Morning summary' --yes",
)
def archive(ctx: Context, workflow: WorkflowRefs) -> tuple[ItemResult, ...] | Workflow:
    """Archive workflows that are not in use any more. Nothing is lost; resume brings them back."""
    return ctx.write_each(workflow, lambda services, reference: services.workflows.archive(reference))


@noun.command(
    "delete",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows delete 'analytical-engines/Morning summary' --yes",
)
def delete(ctx: Context, workflow: WorkflowRefs) -> tuple[ItemResult, ...] | Workflow:
    """Delete workflows, softly: nothing of them is lost, and nothing starts them."""
    return ctx.write_each(workflow, lambda services, reference: services.workflows.delete(reference))


@noun.command(
    "restore",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows restore 'analytical-engines/Morning summary'",
)
def restore(ctx: Context, workflow: WorkflowRefs) -> tuple[ItemResult, ...] | Workflow:
    """Bring deleted workflows back, as they were."""
    return ctx.write_each(workflow, lambda services, reference: services.workflows.restore(reference), deleted=True)

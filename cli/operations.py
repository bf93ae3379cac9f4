"""agentadm operations: steps at a provider that are not finished."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, OperationRef, Where, sort_option
from cli.output import Listing
from cli.output.text import as_json
from cli.registry import STAFF, Noun, Risk, Undo
from platform_core.listing.types import ListRequest
from platform_core.operations.types import INTENT_SORTS, Intent, ResumedIntent

if TYPE_CHECKING:
    from platform_core.services import Services

noun = Noun("operations", "Operations, and steps at a provider that are not finished.")


@noun.command("list", operators=STAFF, example="agentadm operations list")
def list_unfinished(
    ctx: Context,
    where: Where = None,
    sort: Annotated[str | None, sort_option(INTENT_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[Intent]:
    """List the steps at a provider that are not finished, oldest first."""
    request = ListRequest(where or (), sort, limit=None if all_ else limit)
    return ctx.listed(request, lambda services: services.operations.unfinished(request))


@noun.command("show", operators=STAFF, example="agentadm operations show 01930000-0000-7000-8000-000000000000")
def show(ctx: Context, operation: OperationRef) -> Listing[Intent]:
    """Show the steps at a provider that an operation took, finished or not."""

    def load(services: "Services") -> "tuple[Intent, ...]":
        found = services.audit.find(operation)
        steps = services.operations.steps_of(found)
        if not steps:
            # One that took no step has none to show; one that there is not is an error.
            services.audit.show(found, limit=1)
        return tuple(steps)

    return Listing(ctx.read(load))


@noun.command(
    "resume",
    risk=Risk.MODERATE,
    undo=Undo.IRREVERSIBLE,
    provider=True,
    example="agentadm operations resume 01930000-0000-7000-8000-000000000000 --yes",
)
def resume(
    ctx: Context,
    operation: OperationRef,
    abandon: Annotated[
        bool,
        typer.Option("--abandon", help="Give up a step that is too old to repeat and unknown to the provider."),
    ] = False,
) -> tuple[ResumedIntent, ...]:
    """Finish the unfinished steps of an operation; each takes effect once, however often it is resumed."""
    found = ctx.read(lambda services: services.audit.find(operation))
    ctx.confirm_here()
    if ctx.shared.dry_run:
        steps = ctx.read(lambda services: services.operations.steps_of(found))
        pending = [step for step in steps if step.settled_at is None]
        ctx.note(f"dry run: {len(pending)} steps would be sent, nothing was sent")
        for step in pending:
            ctx.note(f"  would send: {step.step} {as_json(step.request)}")
    return ctx.platform.resume_operation(found, abandon=abandon, dry_run=ctx.shared.dry_run)

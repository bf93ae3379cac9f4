"""agentadm operations: steps at a provider that are not finished."""

from typing import Annotated

import typer

from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, OperationRef
from cli.output import Listing, listing
from cli.registry import Noun, Risk, Undo
from platform_core.operations.types import Intent, ResumedIntent
from platform_core.refs import operation_id

noun = Noun("operations", "Operations, and steps at a provider that are not finished.")


@noun.command("list", example="agentadm operations list")
def list_unfinished(ctx: Context, limit: Limit = DEFAULT_LIMIT, all_: All = False) -> Listing[Intent]:
    """List the steps at a provider that are not finished, oldest first."""
    wanted = None if all_ else limit
    rows = ctx.read(lambda services: services.operations.unfinished(None if wanted is None else wanted + 1))
    return listing(rows, wanted)


@noun.command("show", example="agentadm operations show 01930000-0000-7000-8000-000000000000")
def show(ctx: Context, operation: OperationRef) -> Listing[Intent]:
    """Show the steps at a provider that an operation took, finished or not."""
    found = operation_id(operation)
    return Listing(ctx.read(lambda services: services.operations.steps_of(found)))


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
    found = operation_id(operation)
    return ctx.resume_operation(found, abandon=abandon)

"""agentadm audit: what was changed, by whom and why; undo and verify."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, OperationRef, Since, Until, Where, sort_option
from cli.output import Listing
from cli.registry import STAFF, Noun, Risk, Undo
from platform_core.audit.types import OPERATION_SORTS, OperationDetail, OperationSummary, UndoResult, Verification
from platform_core.errors import ExitCode
from platform_core.listing.types import ListRequest

if TYPE_CHECKING:
    from platform_core.services import Services

noun = Noun("audit", "What was changed, by whom and why; undo and verify.")


@noun.command("list", operators=STAFF, example="agentadm audit list --command 'users suspend'")
def list_operations(
    ctx: Context,
    command: Annotated[str | None, typer.Option(help="Only this noun and verb.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this actor did.")] = None,
    table: Annotated[str | None, typer.Option(help="Only what touched this table.")] = None,
    key: Annotated[str | None, typer.Option(help="Only what touched the row with this key.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(OPERATION_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[OperationSummary]:
    """List operations, newest first. --since and --until look at started_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request, lambda services: services.audit.list(request, command=command, actor=by, table=table, key=key)
    )


@noun.command("show", masks=True, operators=STAFF, example="agentadm audit show 01930000-0000-7000-8000-000000000000")
def show(ctx: Context, operation: OperationRef, all_: All = False) -> OperationDetail:
    """Show one operation with the rows that it changed, before and after."""
    limit = {"limit": None} if all_ else {}
    detail = ctx.read(
        lambda services: services.audit.show(services.audit.find(operation), reveal=ctx.shared.reveal, **limit)
    )
    if len(detail.changes) < detail.total_changes:
        ctx.say(f"the first {len(detail.changes)} of {detail.total_changes} changes only: --all shows the rest")
    return detail


@noun.command(
    "undo",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm audit undo 01930000-0000-7000-8000-000000000000 --yes",
)
def undo(ctx: Context, operation: OperationRef) -> UndoResult:
    """Put every row that an operation changed back to how it was before."""
    from cli.main import all_commands

    irreversible = frozenset(command.path for command in all_commands() if command.undo is Undo.IRREVERSIBLE)
    compensated = {command.path: command.compensated_by for command in all_commands() if command.compensated_by}
    found = ctx.read(lambda services: services.audit.find(operation))

    def take_back(services: "Services") -> UndoResult:
        done = services.audit.undo(
            found, undo_id=services.operation, irreversible=irreversible, compensated=compensated
        )
        services.workflow_schedules.plan_touched(services.operation)
        return done

    return ctx.write(take_back, undoes=found)


@noun.command("verify", operators=STAFF, example="agentadm audit verify")
def verify(ctx: Context) -> Verification:
    """Compute every seal of the audit again; exit with 1 when anything does not fit."""
    found = ctx.read(lambda services: services.audit.verify())
    if found.problems:
        ctx.invocation.code = int(ExitCode.DIFFERS)
    return found

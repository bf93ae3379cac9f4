"""--reveal: what is masked is shown, and that goes on record before it is."""

from dataclasses import replace
from typing import TYPE_CHECKING

from cli.bulk import FROM_STDIN
from platform_core.errors import UsageError

if TYPE_CHECKING:
    from cli.context import Context


def record(ctx: "Context") -> None:
    """Leave an operation that says whose data is shown, to whom and why.

    Raises:
        UsageError: that would not be on record.
    """
    if ctx.shared.dry_run:
        raise UsageError("--reveal goes on record, and a dry run leaves nothing there", "leave out --dry-run")
    if any(isinstance(value, list) and FROM_STDIN in value for value in ctx.arguments.values()):
        raise UsageError("--reveal puts on record whose data is shown", "give references as arguments, not -")
    request = ctx.request()
    request = replace(request, arguments={**request.arguments, "reveal": True}, idempotency_key=None, max_affected=None)
    outcome = ctx.platform.write(request, lambda _services: None, None)
    # Whoever interrupts from here on interrupts a read.
    ctx.platform.sessions.in_flight = None
    ctx.note(f"what is masked is shown; on record as operation {outcome.operation_id}")

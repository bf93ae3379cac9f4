"""agentadm workflows schedules: at what times workflows start."""

from typing import Annotated

import typer

from cli.changes import changes
from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, Reference, Since, Until, Where, WorkflowRef, sort_option
from cli.output import Listing
from cli.registry import Risk, Undo
from cli.workflows import schedules
from platform_core.bulk.types import ItemResult
from platform_core.listing.types import ListRequest
from platform_core.workflows.types import SCHEDULE_SORTS, WorkflowSchedule

SCHEDULE = Reference("SCHEDULE", "workflow_schedules", "Id, or ending of an id", completes=False)
ScheduleRefs = Annotated[list[str], SCHEDULE.several]
ZONE_HELP = "The clocks of which place: Europe/Berlin."
CRON_HELP = "Minute, hour, day, month, weekday: '30 9 * * MON-FRI'."
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it starts anything.")]


@schedules.command("list", example="agentadm workflows schedules list 'analytical-engines/Morning summary'")
def list_schedules(
    ctx: Context,
    workflow: WorkflowRef,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Only those that start it, or do not.")
    ] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(SCHEDULE_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[WorkflowSchedule]:
    """List the schedules of a workflow, in the order in which they came. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.workflow_schedules.list(workflow, request, active=active))


@schedules.command(
    "add",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows schedules add 'analytical-engines/Morning summary' '30 2 * * *'"
    " --timezone Europe/London",
)
def add(
    ctx: Context,
    workflow: WorkflowRef,
    cron: Annotated[str, typer.Argument(metavar="CRON", help=CRON_HELP)],
    timezone: Annotated[str, typer.Option(metavar="ZONE", help=ZONE_HELP)] = "UTC",
    active: Active = None,
) -> WorkflowSchedule:
    """Let a workflow start at certain times, while it is active."""
    return ctx.write(
        lambda services: services.workflow_schedules.add(workflow, cron, timezone, active=active is not False)
    )


@schedules.command(
    "update",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows schedules update 01930000-0000-7000-8000-000000000000 --cron '0 3 * * *'",
)
def update(
    ctx: Context,
    schedule: ScheduleRefs,
    cron: Annotated[str | None, typer.Option(metavar="CRON", help=CRON_HELP)] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help=ZONE_HELP)] = None,
    active: Active = None,
) -> tuple[ItemResult, ...] | WorkflowSchedule:
    """Change schedules; when each comes next is found out anew."""
    values = changes({"cron": cron, "timezone": timezone, "is_active": active}, None, ())
    return ctx.write_each(schedule, lambda services, reference: services.workflow_schedules.update(reference, values))


@schedules.command(
    "remove",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows schedules remove 01930000-0000-7000-8000-000000000000 --yes",
)
def remove(ctx: Context, schedule: ScheduleRefs) -> tuple[ItemResult, ...] | WorkflowSchedule:
    """Remove schedules."""
    return ctx.write_each(schedule, lambda services, reference: services.workflow_schedules.remove(reference))

"""agentadm workflows triggers: what starts workflows. Their configurations are never shown."""

from typing import Annotated, Any

import typer

from cli.changes import changes, clear_option
from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, Reference, Since, Until, Where, WorkflowRef, sort_option
from cli.output import Listing
from cli.registry import STAFF, Risk, Undo
from cli.workflows import triggers
from platform_core.bulk.types import ItemResult
from platform_core.errors import UsageError
from platform_core.listing.types import ListRequest
from platform_core.workflows.types import TRIGGER_CLEARABLE, TRIGGER_SORTS, WorkflowTrigger

CONFIG_OPTION = "--config-stdin"
TRIGGER = Reference("TRIGGER", "workflow_triggers", "Id, or ending of an id", completes=False)
TriggerRefs = Annotated[list[str], TRIGGER.several]
ConfigStdin = Annotated[
    bool, typer.Option(CONFIG_OPTION, help="Read its settings, a JSON object, from standard input, or ask for them.")
]
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it fires.")]


@triggers.command(
    "list", operators=STAFF, example="agentadm workflows triggers list 'analytical-engines/Morning summary'"
)
def list_triggers(
    ctx: Context,
    workflow: WorkflowRef,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Only those that fire, or do not.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(TRIGGER_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[WorkflowTrigger]:
    """List the triggers of a workflow, in the order in which they came. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.workflow_triggers.list(workflow, request, active=active))


@triggers.command(
    "add",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows triggers add 'analytical-engines/Morning summary' webhook --config-stdin < hook.json",
)
def add(
    ctx: Context,
    workflow: WorkflowRef,
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="webhook, event, email, ...")],
    config_stdin: ConfigStdin = False,
    active: Active = None,
) -> WorkflowTrigger:
    """Let something start a workflow."""
    given = _config(ctx, wanted=config_stdin)
    return ctx.write(
        lambda services: services.workflow_triggers.add(
            workflow, type_, given.get("config"), active=active is not False
        ),
        inputs=given,
    )


@triggers.command(
    "update",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm workflows triggers update 01930000-0000-7000-8000-000000000000 --inactive --yes",
)
def update(
    ctx: Context,
    trigger: TriggerRefs,
    type_: Annotated[str | None, typer.Option("--type", help="webhook, event, email, ...")] = None,
    config_stdin: ConfigStdin = False,
    active: Active = None,
    clear: Annotated[list[str] | None, clear_option(TRIGGER_CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | WorkflowTrigger:
    """Change triggers; settings replace those that are there.

    Settings that are given are stored anew, be they the same: nobody reads those that are there. What was replaced or
    cleared is kept nowhere: that cannot be undone.
    """
    config = _config(ctx, trigger, wanted=config_stdin)
    values = changes({"type": type_, "is_active": active, **config}, clear, TRIGGER_CLEARABLE)
    return ctx.write_each(
        trigger, lambda services, reference: services.workflow_triggers.update(reference, values), inputs=config
    )


@triggers.command(
    "remove",
    risk=Risk.MODERATE,
    undo=Undo.IRREVERSIBLE,
    example="agentadm workflows triggers remove 01930000-0000-7000-8000-000000000000 --yes",
)
def remove(ctx: Context, trigger: TriggerRefs) -> tuple[ItemResult, ...] | WorkflowTrigger:
    """Remove triggers for good, with their settings, which are kept nowhere else: that cannot be undone.

    update --inactive keeps triggers from firing, and keeps their settings.
    """
    return ctx.write_each(trigger, lambda services, reference: services.workflow_triggers.remove(reference))


def _config(ctx: Context, references: list[str] | None = None, *, wanted: bool) -> dict[str, dict[str, Any]]:
    """The settings that are given, which make two calls differ, and go on no record."""
    if not wanted:
        return {}
    import json

    from cli.secret_input import secret_text

    text = secret_text(ctx, "settings as a JSON object", CONFIG_OPTION, references or ())
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # What the parser says may quote what it stumbled over.
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{CONFIG_OPTION}: that is no JSON object", 'for example: {"secret": "..."}')
    return {"config": found}

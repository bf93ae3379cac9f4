"""agentadm instances: agents that run for somebody."""

from typing import Annotated, Any

import typer

from cli.changes import changes, clear_option, json_object
from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    InstanceRefs,
    Limit,
    Since,
    Until,
    Where,
    agent_option,
    sort_option,
    user_option,
)
from cli.output import Listing
from cli.registry import Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.instances.types import (
    CLEARABLE,
    INSTANCE_SORTS,
    Instance,
    InstanceOrigin,
    InstanceStatus,
    InstanceSummary,
)
from platform_core.listing.types import ListRequest

noun = Noun("instances", "Agents that run for somebody; what is wanted of them.")


@noun.command("list", example="agentadm instances list --status running")
def list_instances(
    ctx: Context,
    user: Annotated[str | None, user_option("Only this user's.")] = None,
    agent: Annotated[str | None, agent_option("Only this agent's.")] = None,
    status: Annotated[InstanceStatus | None, typer.Option(help="Only these.")] = None,
    origin: Annotated[InstanceOrigin | None, typer.Option(help="Only these.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(INSTANCE_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[InstanceSummary]:
    """List instances, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request,
        lambda services: services.instances.list(request, user=user, agent=agent, status=status, origin=origin),
    )


@noun.command("show", example="agentadm instances show 33d3e3c12e4510")
def show(ctx: Context, instance: InstanceRefs) -> tuple[ItemValue, ...] | Instance:
    """Show an instance whole; of several, each with its result."""
    return ctx.read_each(instance, lambda services, reference: services.instances.show(reference))


@noun.command("start", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm instances start 33d3e3c12e4510")
def start(ctx: Context, instance: InstanceRefs) -> tuple[ItemResult, ...] | Instance:
    """Let instances run. The runtime is not called: what is wanted is written down, for it to read."""
    return ctx.write_each(instance, lambda services, reference: services.instances.start(reference))


@noun.command("stop", risk=Risk.MODERATE, undo=Undo.REVERSIBLE, example="agentadm instances stop 33d3e3c12e4510 --yes")
def stop(ctx: Context, instance: InstanceRefs) -> tuple[ItemResult, ...] | Instance:
    """Let instances stop, and keep what they have. The runtime is not called: it reads what is wanted."""
    return ctx.write_each(instance, lambda services, reference: services.instances.stop(reference))


@noun.command(
    "destroy", risk=Risk.MODERATE, undo=Undo.REVERSIBLE, example="agentadm instances destroy 33d3e3c12e4510 --yes"
)
def destroy(ctx: Context, instance: InstanceRefs) -> tuple[ItemResult, ...] | Instance:
    """Let instances go for good. The runtime is not called: undo helps only until it has read what is wanted."""
    return ctx.write_each(instance, lambda services, reference: services.instances.destroy(reference))


@noun.command(
    "configure",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm instances configure 33d3e3c12e4510 --display-name Charles --region fra",
)
def configure(
    ctx: Context,
    instance: InstanceRefs,
    display_name: Annotated[str | None, typer.Option(help="What its user calls it.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that its user prefers.")] = None,
    region: Annotated[str | None, typer.Option(help="Region at its runtime provider.")] = None,
    metadata: Annotated[
        dict[str, Any] | None,
        typer.Option(parser=json_object, metavar="JSON", help="Merged into what is there; null takes a key away."),
    ] = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | Instance:
    """Change what instances are called, prefer, and where they are to run."""
    given = {"display_name": display_name, "model_preference": model, "region": region, "metadata": metadata}
    values = changes(given, clear, CLEARABLE)
    return ctx.write_each(instance, lambda services, reference: services.instances.configure(reference, values))

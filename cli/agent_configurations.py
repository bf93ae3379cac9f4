"""agentadm agents configurations: what users set for agents."""

from typing import Annotated, Any

import typer

from cli.agents import configurations
from cli.changes import json_object
from cli.context import Context
from cli.options import AgentRef, UserRefs
from cli.registry import STAFF, Risk, Undo
from platform_core.agents.part_types import Configuration
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.errors import UsageError


def given_json(ctx: Context, text: str) -> dict[str, Any]:
    """The JSON object that was given, on standard input if it is -.

    Raises:
        UsageError: standard input holds the references already.
        BadParameter: it is no JSON object.
    """
    from cli.bulk import FROM_STDIN

    if text != FROM_STDIN:
        return json_object(text)
    if FROM_STDIN in ctx.params["user"]:
        raise UsageError("standard input can be read once only", "give - for USER, or for --json")
    ctx.invocation.stdin_taken = True
    return json_object(ctx.invocation.stdin.read())


@configurations.command(
    "show",
    operators=STAFF,
    example="agentadm agents configurations show platform/anaya grace@example.com",
)
def show(ctx: Context, agent: AgentRef, user: UserRefs) -> tuple[ItemValue, ...] | Configuration:
    """Show what a user set for an agent; of several users, each with its result."""
    return ctx.read_each(user, lambda services, reference: services.agent_configurations.show(agent, reference))


@configurations.command(
    "set",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example='agentadm agents configurations set platform/anaya grace@example.com --json \'{"language": "en"}\'',
)
def set_configuration(
    ctx: Context,
    agent: AgentRef,
    user: UserRefs,
    json: Annotated[str, typer.Option(metavar="JSON", help="All of it, or - for standard input.")],
) -> tuple[ItemResult, ...] | Configuration:
    """Set what users' configurations of an agent are, in place of all that is there."""
    found = given_json(ctx, json)
    return ctx.write_each(
        user,
        lambda services, reference: services.agent_configurations.set(agent, reference, found),
        inputs={"configuration": found},
    )

"""agentadm agents skills: what agents have learned."""

from typing import Annotated, Any

import typer

from cli.agents import skills
from cli.changes import json_object
from cli.context import Context
from cli.options import DEFAULT_LIMIT, AgentRef, All, Limit, Since, Until, Where, sort_option
from cli.output import Listing
from cli.registry import STAFF, Risk, Undo
from platform_core.agents.part_types import SKILL_SORTS, Skill
from platform_core.bulk.types import ItemResult
from platform_core.listing.types import ListRequest


@skills.command("list", operators=STAFF, example="agentadm agents skills list platform/anaya")
def list_skills(
    ctx: Context,
    agent: AgentRef,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(SKILL_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[Skill]:
    """List an agent's skills, by name. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.agent_skills.list(agent, request))


@skills.command(
    "add",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm agents skills add platform/anaya transcribe --description 'Speech to text'",
)
def add(
    ctx: Context,
    agent: AgentRef,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called, unique in the agent.")],
    description: Annotated[str | None, typer.Option(help="What it does.")] = None,
    config: Annotated[
        dict[str, Any] | None, typer.Option(parser=json_object, metavar="JSON", help="Its settings.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change the one of this name, if there is one.")] = False,
) -> Skill:
    """Give an agent a skill."""
    given = {"description": description, "config": config}
    values = {field: value for field, value in given.items() if value is not None}
    return ctx.write(lambda services: services.agent_skills.add(agent, name, values, replace=replace))


@skills.command(
    "remove",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm agents skills remove platform/anaya Forms --yes",
)
def remove(
    ctx: Context,
    agent: AgentRef,
    skill: Annotated[
        list[str],
        typer.Argument(metavar="SKILL", help="Name, id, or ending of an id; several, or - for one a line on stdin."),
    ],
) -> tuple[ItemResult, ...] | Skill:
    """Take skills away from an agent."""
    return ctx.write_each(
        skill,
        lambda services, reference: services.agent_skills.remove(agent, reference),
        find=lambda services, reference: services.agent_skills.find(agent, reference),
    )

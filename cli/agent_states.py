"""agentadm agents: what state they are in."""

from cli.agents import noun
from cli.context import Context
from cli.options import AgentRefs
from cli.registry import Risk, Undo
from platform_core.agents.types import Agent
from platform_core.bulk.types import ItemResult


@noun.command(
    "pause",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm agents pause analytical-engines/code-review --yes",
)
def pause(ctx: Context, agent: AgentRefs) -> tuple[ItemResult, ...] | Agent:
    """Pause active agents. Nothing is lost; resume makes them active again."""
    return ctx.write_each(agent, lambda services, reference: services.agents.pause(reference))


@noun.command(
    "resume", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm agents resume analytical-engines/code-review"
)
def resume(ctx: Context, agent: AgentRefs) -> tuple[ItemResult, ...] | Agent:
    """Make agents active: drafts, paused and archived ones."""
    return ctx.write_each(agent, lambda services, reference: services.agents.resume(reference))


@noun.command(
    "archive",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm agents archive analytical-engines/scheduling --yes",
)
def archive(ctx: Context, agent: AgentRefs) -> tuple[ItemResult, ...] | Agent:
    """Archive agents that are not in use any more. Nothing is lost; resume brings them back."""
    return ctx.write_each(agent, lambda services, reference: services.agents.archive(reference))


@noun.command(
    "delete",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm agents delete analytical-engines/scheduling --yes",
)
def delete(ctx: Context, agent: AgentRefs) -> tuple[ItemResult, ...] | Agent:
    """Delete agents, softly, and destroy their instances; slug and handle stay taken."""
    return ctx.write_each(agent, lambda services, reference: services.agents.delete(reference))


@noun.command("restore", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm agents restore compilers/inbox")
def restore(ctx: Context, agent: AgentRefs) -> tuple[ItemResult, ...] | Agent:
    """Bring deleted agents back, with the instances that were destroyed with them."""
    return ctx.write_each(agent, lambda services, reference: services.agents.restore(reference), deleted=True)

"""agentadm users why: would a request be let through, and which rule decides?"""

from typing import Annotated

import typer

from cli.completers import of_database, of_words
from cli.context import Context
from cli.options import agent_option
from cli.users import noun
from platform_core.errors import ExitCode
from platform_core.requests.types import Asked, RuleOutcome, left_out


@noun.command("why", example="agentadm users why ada@example.com --endpoint 'POST /v1/runs'")
def why(
    ctx: Context,
    user: Annotated[
        str | None,
        typer.Argument(
            metavar="USER",
            help="Whose request; without one, the key's.",
            autocompletion=of_database("users"),
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="With this key: its display start or id, never the key itself.",
            autocompletion=of_database("keys"),
        ),
    ] = None,
    agent: Annotated[str | None, agent_option("To this agent.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="WHAT", help="A scope such as agents:write, or 'POST /v1/runs'.")
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(metavar="live|test", help="In this environment.", autocompletion=of_words("live", "test")),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Then, instead of now; what changed since is not known.")
    ] = None,
) -> tuple[RuleOutcome, ...]:
    """Say whether a request would be let through, and show every rule in order. Ends with 1 when it is refused."""
    asked = Asked(user, key, agent, endpoint, environment, at)
    rules = ctx.read(lambda services: services.requests.why(asked))
    refusal = next((rule for rule in rules if not rule.allowed), None)
    if refusal is None:
        missing = [rule for rule in left_out(endpoint, "", agent=agent is not None) if key or rule != "key_scope"]
        more = f"; not looked at: {', '.join(missing)} (--endpoint and --agent say what it is for)" if missing else ""
        ctx.note(f"allowed{more}")
    else:
        ctx.note(f"refused by {refusal.rule}: {refusal.message}")
        ctx.invocation.code = int(ExitCode.DIFFERS)
    return rules

"""agentadm agents errors: what went wrong, of one agent or of all."""

from typing import Annotated

import typer

from cli import completers
from cli.agents import noun
from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, Since, Until, Where, sort_option, user_option
from cli.output import Listing
from platform_core.listing.types import ListRequest
from platform_core.runs.types import ERROR_SORTS, ErrorEntry


@noun.command("errors", example="agentadm agents errors platform/anaya --since -7d")
def errors(
    ctx: Context,
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="AGENT",
            help="team/slug, @handle, id, or ending of an id; of all, and of none, if not given.",
            autocompletion=completers.of_database("agents"),
        ),
    ] = None,
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only errors of this kind.")] = None,
    user: Annotated[str | None, user_option("Only those of this user's requests.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(ERROR_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[ErrorEntry]:
    """List errors that were logged, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.runs.errors(request, agent=agent, user=user, type_=type_))

"""agentadm keys: API keys. The plain text of one is shown once, when it is made."""

from typing import Annotated

import typer

from cli.changes import changes, clear_option
from cli.context import Context
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Limit,
    Reference,
    Since,
    Until,
    UserRefs,
    Where,
    sort_option,
    team_option,
    user_option,
)
from cli.output import Listing
from cli.registry import STAFF, Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.keys.types import (
    CLEARABLE,
    DEFAULT_NAME,
    DEFAULT_RATE_LIMIT,
    DEFAULT_SCOPES,
    KEY_SORTS,
    ApiKey,
    Asked,
    Environment,
    Expiry,
    IssuedKey,
    KeyStatus,
    KeySummary,
    NewKey,
    Verdict,
)
from platform_core.listing.types import ListRequest

noun = Noun("keys", "API keys: create, rotate, revoke, verify.")

KEY = Reference(
    "API_KEY",
    "keys",
    "Beginning as lists show it, id, or ending of an id",
    more="several, or - for stdin. Never a whole key",
)
KeyRefs = Annotated[list[str], KEY.several]
Name = Annotated[str | None, typer.Option(help="For people.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", metavar="SCOPE", help="As runs:read. Repeatable.")]
RateLimit = Annotated[
    int | None, typer.Option("--rate-limit", help="Requests a minute.", min=1, max=2**31 - 1, metavar="N")
]
Quota = Annotated[int | None, typer.Option(help="Requests over its whole life.", min=0, max=2**63 - 1, metavar="N")]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="So long from now, as 90d; through a day or month; or a time."),
]
SecretsTo = Annotated[
    str | None,
    typer.Option("--secrets-to", metavar="FILE", help="A new file for the plain texts; CSV, or JSON lines for .jsonl."),
]


@noun.command("list", example="agentadm keys list --user ada@example.com --status active")
def list_keys(
    ctx: Context,
    user: Annotated[str | None, user_option("Only this user's.")] = None,
    team: Annotated[str | None, team_option("Only those that work for this team.")] = None,
    agent: Annotated[str | None, typer.Option(metavar="AGENT", help="Only those that open this agent alone.")] = None,
    environment: Annotated[Environment | None, typer.Option(help="Only these.")] = None,
    status: Annotated[KeyStatus | None, typer.Option(help="Only these.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(KEY_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[KeySummary]:
    """List API keys, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(
        request,
        lambda services: services.keys.list(
            request, user=user, team=team, agent=agent, environment=environment, status=status
        ),
    )


@noun.command("show", example="agentadm keys show aa_live_7Hq2Lm")
def show(ctx: Context, key: KeyRefs) -> tuple[ItemValue, ...] | ApiKey:
    """Show a key whole, but for the key itself, which nobody has; of several, each with its result."""
    return ctx.read_each(key, lambda services, reference: services.keys.show(reference))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm keys create ada@example.com --name deploy --scope runs:write --expires 90d",
)
def create(
    ctx: Context,
    user: UserRefs,
    name: Annotated[str, typer.Option(help="For people.")] = DEFAULT_NAME,
    team: Annotated[str | None, team_option("The team that it works for.")] = None,
    agent: Annotated[str | None, typer.Option(metavar="AGENT", help="The only agent that it opens.")] = None,
    environment: Annotated[Environment, typer.Option(help="What it is for.")] = Environment.LIVE,
    scopes: Scopes = None,
    rate_limit: RateLimit = DEFAULT_RATE_LIMIT,
    quota: Quota = None,
    expires: Expires = None,
    secrets_to: SecretsTo = None,
) -> tuple[ItemResult, ...] | IssuedKey:
    """Make API keys of users. The plain text is shown now and never again; of several it goes to --secrets-to."""
    from cli.secrets import issued

    wanted = tuple(dict.fromkeys(scopes or DEFAULT_SCOPES))
    new = NewKey(name, team, agent, environment, wanted, rate_limit or DEFAULT_RATE_LIMIT, quota, expires)
    return issued(ctx, user, secrets_to, lambda services, reference, take: services.keys.create(reference, new, take))


@noun.command(
    "update", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm keys update aa_live_7Hq2Lm --rate-limit 600"
)
def update(
    ctx: Context,
    key: KeyRefs,
    name: Name = None,
    scopes: Scopes = None,
    rate_limit: RateLimit = None,
    quota: Quota = None,
    expires: Expires = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | ApiKey:
    """Change API keys; scopes replace those that are there, a quota or an expiry that is cleared is none."""
    given = {
        "name": name, "scopes": scopes or None, "rate_limit_per_minute": rate_limit, "quota": quota,
        "expires_at": expires,
    }  # fmt: skip
    values = changes(given, clear, CLEARABLE)
    return ctx.write_each(key, lambda services, reference: services.keys.update(reference, values))


@noun.command(
    "rotate",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm keys rotate aa_live_7Hq2Lm --overlap 7d --yes",
)
def rotate(
    ctx: Context,
    key: KeyRefs,
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the old one still works: 0, 1h, 24h, 7d.")
    ] = "24h",
    secrets_to: SecretsTo = None,
) -> tuple[ItemResult, ...] | IssuedKey:
    """Replace API keys by new ones that may do the same; their quota is not taken over. Shown as create does."""
    from cli.secrets import issued

    return issued(
        ctx, key, secrets_to, lambda services, reference, take: services.keys.rotate(reference, overlap, take)
    )


@noun.command(
    "revoke",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm keys revoke aa_live_7Hq2Lm --reason leaked --yes",
)
def revoke(ctx: Context, key: KeyRefs) -> tuple[ItemResult, ...] | ApiKey:
    """Refuse API keys from now on; --reason is kept with the key."""
    reason = ctx.shared.reason
    # Kept with the key, so that another reason makes it another command.
    return ctx.write_each(
        key, lambda services, reference: services.keys.revoke(reference, reason=reason), inputs={"reason": reason}
    )


@noun.command("expire", risk=Risk.MILD, undo=Undo.REVERSIBLE, cron=True, example="agentadm keys expire --after 7d")
def expire(
    ctx: Context,
    after: Annotated[str, typer.Option(metavar="DURATION", help="Only what expired longer ago.")] = "0",
) -> Expiry:
    """Mark API keys whose time is over as revoked, with the reason expired; they are refused before, too. For cron."""
    return ctx.write(lambda services: services.keys.expire(after))


@noun.command(
    "verify",
    risk=Risk.MILD,
    undo=Undo.IRREVERSIBLE,
    operators=STAFF,
    example="agentadm keys verify --scope runs:write < key.txt",
)
def verify(
    ctx: Context,
    from_: Annotated[str, typer.Option("--from", metavar="FILE", help="One key a line; - is stdin.")] = "-",
    scope: Annotated[
        str | None,
        typer.Option(metavar="SCOPE", help="Of the request, as runs:write; or its endpoint, as 'POST /v1/runs'."),
    ] = None,
    environment: Annotated[Environment | None, typer.Option(help="Of the request.")] = None,
    agent: Annotated[str | None, typer.Option(metavar="AGENT", help="That the request is about.")] = None,
    at: Annotated[str | None, typer.Option(metavar="WHEN", help="At this moment instead of now.")] = None,
) -> Listing[Verdict]:
    """Say which keys these are, and which rule refuses each; exit with 1 when one is refused.

    A key under an old pepper, or under bcrypt, is stored under the newest one. keys show says whose a key is, users
    why --key shows every rule, also of a key that is known by its beginning only.
    """
    from cli.secrets import verified

    return Listing(verified(ctx, from_, Asked(scope, environment), agent=agent, at=at))

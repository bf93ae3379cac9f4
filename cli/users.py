"""agentadm users: people who use the platform."""

from typing import Annotated

import typer

from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, Since, Until, UserRefs, Where, sort_option
from cli.output import Listing
from cli.registry import Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.listing.types import ListRequest
from platform_core.users.types import USER_SORTS, NewUser, User, UserRole, UserStatus, UserSummary

noun = Noun("users", "People who use the platform.")


@noun.command("list", example="agentadm users list --status suspended")
def list_users(
    ctx: Context,
    status: Annotated[UserStatus | None, typer.Option(help="Only these.")] = None,
    role: Annotated[UserRole | None, typer.Option(help="Only these.")] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="The deleted ones instead.")] = False,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(USER_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[UserSummary]:
    """List users, newest first. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.users.list(request, status=status, role=role, deleted=deleted))


@noun.command("show", example="agentadm users show ada@example.com")
def show(
    ctx: Context,
    user: UserRefs,
    deleted: Annotated[bool, typer.Option("--deleted", help="Look among the deleted ones.")] = False,
) -> tuple[ItemValue, ...] | User:
    """Show a user whole; of several, each with its result."""
    return ctx.read_each(user, lambda services, reference: services.users.show(reference, deleted=deleted))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm users create edsger@example.com --full-name 'Edsger Dijkstra'",
)
def create(
    ctx: Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Unique among the living, whatever its case.")],
    username: Annotated[str | None, typer.Option(help="Public name, unique.")] = None,
    first_name: Annotated[str | None, typer.Option(help="Given name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Family name.")] = None,
    full_name: Annotated[str | None, typer.Option(help="Name as the person writes it.")] = None,
    role: Annotated[UserRole, typer.Option(help="Role on the platform.")] = UserRole.USER,
    if_not_exists: Annotated[
        bool,
        typer.Option("--if-not-exists", help="Answer with the user that has this e-mail, if there is one."),
    ] = False,
) -> User:
    """Create a user."""
    new = NewUser(email, username, first_name, last_name, full_name, role)
    user = ctx.write(lambda services: services.users.create(new, if_not_exists=if_not_exists))
    if other := new.differing(user):
        ctx.note(f"the user that is there has another {', '.join(other)}: left as it is")
    return user


@noun.command(
    "suspend",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm users suspend grace@example.com --reason chargeback --yes",
)
def suspend(ctx: Context, user: UserRefs) -> tuple[ItemResult, ...] | User:
    """Shut users out. Nothing is deleted; --reason is kept with the user."""
    reason = ctx.shared.reason
    # Kept with the user, so that another reason makes it another command.
    return ctx.write_each(
        user,
        lambda services, reference: services.users.suspend(reference, reason=reason),
        find=lambda services, reference: services.users.find(reference),
        inputs={"reason": reason},
    )


@noun.command(
    "resume",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm users resume sam.suspended@example.com",
)
def resume(ctx: Context, user: UserRefs) -> tuple[ItemResult, ...] | User:
    """Let suspended users in again."""
    return ctx.write_each(
        user,
        lambda services, reference: services.users.resume(reference),
        find=lambda services, reference: services.users.find(reference),
    )

"""agentadm users: people who use the platform."""

from typing import Annotated

import typer

from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, UserRef
from cli.output import Listing, listing
from cli.registry import Noun, Risk, Undo
from platform_core.users.types import NewUser, User, UserRole, UserStatus, UserSummary

noun = Noun("users", "People who use the platform.")


@noun.command("list", example="agentadm users list --status suspended")
def list_users(
    ctx: Context,
    status: Annotated[UserStatus | None, typer.Option(help="Only these.")] = None,
    role: Annotated[UserRole | None, typer.Option(help="Only these.")] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="The deleted ones instead.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[UserSummary]:
    """List users, newest first."""
    wanted = None if all_ else limit
    rows = ctx.read(
        lambda services: services.users.list(
            limit=None if wanted is None else wanted + 1, status=status, role=role, deleted=deleted
        )
    )
    return listing(rows, wanted)


@noun.command("show", example="agentadm users show ada@example.com")
def show(
    ctx: Context,
    user: UserRef,
    deleted: Annotated[bool, typer.Option("--deleted", help="Look among the deleted ones.")] = False,
) -> User:
    """Show one user whole."""
    return ctx.read(lambda services: services.users.show(user, deleted=deleted))


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
    return ctx.write(lambda services: services.users.create(new, if_not_exists=if_not_exists))


@noun.command(
    "suspend",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm users suspend grace@example.com --reason chargeback --yes",
)
def suspend(ctx: Context, user: UserRef) -> User:
    """Shut a user out. Nothing is deleted; --reason is kept with the user."""
    return ctx.write(lambda services: services.users.suspend(user, reason=ctx.shared.reason))


@noun.command(
    "resume",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm users resume sam.suspended@example.com",
)
def resume(ctx: Context, user: UserRef) -> User:
    """Let a suspended user in again."""
    return ctx.write(lambda services: services.users.resume(user))

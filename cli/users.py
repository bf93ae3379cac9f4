"""agentadm users: people who use the platform."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.changes import Budget, changes, clear_option, json_object
from cli.context import Context
from cli.import_options import Conflicts, Format, Ignored, Input, RejectsFile
from cli.options import (
    DEFAULT_LIMIT,
    All,
    Deleted,
    Limit,
    OnlyDeleted,
    Since,
    Until,
    UserRef,
    UserRefs,
    Where,
    sort_option,
)
from cli.output import Listing
from cli.registry import ADMIN, STAFF, Noun, Risk, Undo
from cli.shared import OutputFormat
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.importing.answers import ImportResult, OnConflict, SyncResult
from platform_core.listing.types import ListRequest
from platform_core.users.types import (
    CLEARABLE,
    USER_SORTS,
    Erasure,
    Identity,
    MergeResult,
    NewUser,
    PersonExport,
    SyncProvider,
    User,
    UserRole,
    UserScreen,
    UserStatus,
    UserSummary,
)

if TYPE_CHECKING:
    from uuid import UUID

    from platform_core.services import Services

noun = Noun("users", "People who use the platform.")
noun.declared_in("cli.why", "why")
identities = noun.noun("identities", "Ids of users at sign-in and payment providers.")

Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="clerk, stack_auth, supabase, ...")]
Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="The user's id at the provider.")]


@noun.command("list", example="agentadm users list --status suspended")
def list_users(
    ctx: Context,
    status: Annotated[UserStatus | None, typer.Option(help="Only these.")] = None,
    role: Annotated[UserRole | None, typer.Option(help="Only these.")] = None,
    deleted: OnlyDeleted = False,
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
    deleted: Deleted = False,
) -> tuple[ItemValue, ...] | UserScreen:
    """Show a user whole, with the newest runs; of several, each with its result."""
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
    "update",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm users update ada@example.com --full-name 'Ada King'",
)
def update(
    ctx: Context,
    user: UserRefs,
    email: Annotated[str | None, typer.Option(help="Unique among the living.")] = None,
    email_verified: Annotated[
        bool | None, typer.Option("--email-verified/--email-unverified", help="Whether the address was confirmed.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="Public name, unique.")] = None,
    first_name: Annotated[str | None, typer.Option(help="Given name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Family name.")] = None,
    full_name: Annotated[str | None, typer.Option(help="Name as the person writes it.")] = None,
    avatar_url: Annotated[str | None, typer.Option(help="Picture.")] = None,
    role: Annotated[UserRole | None, typer.Option(help="Role on the platform.")] = None,
    billing_anchor_day: Annotated[
        int | None, typer.Option(help="Day on which a period begins.", min=1, max=31, metavar="DAY")
    ] = None,
    default_llm_provider: Annotated[str | None, typer.Option(help="Provider of new agents.")] = None,
    daily_budget: Budget = None,
    onboarding_completed: Annotated[
        bool | None, typer.Option("--onboarded/--not-onboarded", help="Whether the first steps were done.")
    ] = None,
    metadata: Annotated[
        dict[str, Any] | None,
        typer.Option(parser=json_object, metavar="JSON", help="Merged into what is there; null takes a key away."),
    ] = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | User:
    """Change users; a daily budget that is cleared is unlimited."""
    given = {
        "email": email, "email_verified": email_verified, "username": username, "first_name": first_name,
        "last_name": last_name, "full_name": full_name, "avatar_url": avatar_url, "role": role,
        "billing_anchor_day": billing_anchor_day, "default_llm_provider": default_llm_provider,
        "daily_budget": daily_budget, "onboarding_completed": onboarding_completed, "metadata": metadata,
    }  # fmt: skip
    values = changes(given, clear, CLEARABLE)
    return ctx.write_each(user, lambda services, reference: services.users.update(reference, values))


@noun.command(
    "delete", risk=Risk.MODERATE, undo=Undo.REVERSIBLE, example="agentadm users delete linus@example.org --yes"
)
def delete(ctx: Context, user: UserRefs) -> tuple[ItemResult, ...] | User:
    """Delete users, softly: their data stays, and restore brings them back. Refused while they own teams."""
    return ctx.write_each(user, lambda services, reference: services.users.delete(reference))


@noun.command(
    "restore", risk=Risk.MILD, undo=Undo.REVERSIBLE, example="agentadm users restore dara.deleted@example.org"
)
def restore(ctx: Context, user: UserRefs) -> tuple[ItemResult, ...] | User:
    """Bring deleted users back, as they were."""
    return ctx.write_each(user, lambda services, reference: services.users.restore(reference), deleted=True)


@noun.command(
    "merge",
    risk=Risk.SEVERE,
    undo=Undo.IRREVERSIBLE,
    operators=ADMIN,
    example="agentadm users merge zoe@example.net mei@example.org --dry-run",
)
def merge(
    ctx: Context,
    user: UserRef,
    into: Annotated[str, typer.Argument(metavar="INTO", help="Who is kept, and gets everything.")],
) -> MergeResult:
    """Let everything of one user be another's, and delete the one."""
    done = ctx.write(lambda services: services.users.merge(user, into))
    for step in done.steps:
        ctx.say(f"left to do: {step}")
    return done


@noun.command(
    "erase",
    risk=Risk.SEVERE,
    undo=Undo.IRREVERSIBLE,
    operators=ADMIN,
    example="agentadm users erase noor@example.net --dry-run",
)
def erase(ctx: Context, user: UserRefs, deleted: Deleted = False) -> tuple[ItemResult, ...] | Erasure:
    """Erase what is personal of users, everywhere; the ledger stays. A living user is deleted first."""
    ctx.refuse_idempotency_key("it would keep what was given, which is to be erased")
    steps: dict[UUID, tuple[str, ...]] = {}

    def change(services: "Services", reference: str) -> Erasure:
        done = services.users.erase(reference, deleted=deleted)
        steps[done.id] = done.steps
        return done

    results = ctx.write_each(user, change, deleted=deleted, private=True)
    for step in (step for of_one in steps.values() for step in of_one):
        ctx.say(f"left to do: {step}")
    return results


@noun.command("export", operators=STAFF, example="agentadm users export ada@example.com -o json")
def export(ctx: Context, user: UserRefs, deleted: Deleted = False) -> tuple[ItemValue, ...] | PersonExport:
    """Write out, as JSON, all that is held on a person: rows of every table, operations, changes with their images."""
    ctx.shared.output = ctx.shared.output or OutputFormat.JSON
    return ctx.read_each(user, lambda services, reference: services.users.export(reference, deleted=deleted))


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
        user, lambda services, reference: services.users.suspend(reference, reason=reason), inputs={"reason": reason}
    )


@noun.command(
    "resume",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm users resume sam.suspended@example.com",
)
def resume(ctx: Context, user: UserRefs) -> tuple[ItemResult, ...] | User:
    """Let suspended users in again."""
    return ctx.write_each(user, lambda services, reference: services.users.resume(reference))


@noun.command(
    "import",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    chunks=True,
    example="agentadm users import people.csv --on-conflict skip --rejects rejects.csv --yes",
)
def import_users(
    ctx: Context,
    file: Input,
    written: Format = None,
    on_conflict: Conflicts = OnConflict.FAIL,
    rejects: RejectsFile = None,
    ignore: Ignored = None,
) -> ImportResult:
    """Import users from CSV or JSON lines. A bad record is named by its line, the others go in."""
    from cli.importing import import_users as run

    return run(ctx, file, written, on_conflict, rejects, ignore)


@noun.command(
    "sync",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    chunks=True,
    example="agentadm users sync clerk-users.csv --from clerk --yes",
)
def sync(
    ctx: Context,
    file: Input,
    from_: Annotated[SyncProvider, typer.Option("--from", help="Whose export it is.")],
    rejects: RejectsFile = None,
) -> SyncResult:
    """Bring in what an export of Clerk or Stack Auth says of users. Nobody is deleted."""
    from cli.importing import sync_users

    return sync_users(ctx, file, from_, rejects)


@identities.command("list", example="agentadm users identities list ada@example.com")
def list_identities(ctx: Context, user: UserRef, deleted: Deleted = False) -> Listing[Identity]:
    """List a user's identities."""
    return Listing(ctx.read(lambda services: services.users.show(user, deleted=deleted)).identities)


@identities.command(
    "link",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    example="agentadm users identities link ada@example.com clerk user_2abc",
)
def link(ctx: Context, user: UserRef, provider: Provider, subject: Subject) -> User:
    """Give a user an identity: whoever signs in there is this user."""
    return ctx.write(lambda services: services.user_identities.link(user, Identity(provider, subject)))


@identities.command(
    "unlink",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    example="agentadm users identities unlink ada@example.com clerk user_2ada --yes",
)
def unlink(ctx: Context, user: UserRef, provider: Provider, subject: Subject) -> User:
    """Take an identity away from a user, who can sign in there no more."""
    return ctx.write(lambda services: services.user_identities.unlink(user, Identity(provider, subject)))

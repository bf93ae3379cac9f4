"""A person as a whole: merged into another, erased, exported; by what each table says in its care(people=...)."""

from typing import TYPE_CHECKING
from uuid import UUID

from platform_core.db.people import OnMerge
from platform_core.db.schema import SCHEMA, AnyRow, person_links, tables_of_people
from platform_core.db.transaction_queries import database_now
from platform_core.errors import Conflict
from platform_core.users import person_queries as queries
from platform_core.users.types import Erasure, PersonExport

if TYPE_CHECKING:
    from platform_core.services import Services

# What erasing keeps, and why: docs/decisions.
KEPT = (
    "the row itself, with its id: the ledger and the audit refer to it",
    "ids at Stripe: invoices must be kept, and are found by them",
    "backups, until they are thrown away",
)


def merge(services: "Services", gone_id: UUID, kept_id: UUID) -> tuple[dict[str, int], dict[str, int], tuple[str, ...]]:
    """Let everything that names one user name another, and delete the one, softly. There is no way back.

    Returns:
        By table, how many rows were moved; how many were dropped for a stronger one; and what is left to be done.

    Raises:
        Conflict: they are the same, one of them is suspended, or something names a user and no rule says what becomes
            of it.
    """
    if gone_id == kept_id:
        raise Conflict(f"user {gone_id} cannot be merged into itself", "name two users")
    connection = services.connection
    rows = queries.lock_both(connection, gone_id, kept_id)
    gone, kept = rows[gone_id], rows[kept_id]
    for row in (gone, kept):
        if row.deleted_at is not None:
            raise Conflict(f"user {row.id} was just deleted or merged", "look at both, then try again")
        if row.status != "active":
            raise Conflict(f"user {row.id} is {row.status}", "resume it first: a merge would lose that")
    _refuse_what_has_no_rule(services)
    if both := queries.both_have(connection, gone_id, kept_id):
        raise Conflict(f"both have {both[0].what}: {both[0].id} and {both[0].other}", both[0].advice)
    moved, dropped = {}, {}
    for table, named in tables_of_people():
        links = [link for link in named if link.on_merge is not OnMerge.STAY]
        if not links:
            continue
        for link in links:
            if link.on_merge is OnMerge.KEEP_STRONGER:
                dropped[table.name] = queries.drop_weaker(connection, table, link, gone_id, kept_id)
        moved[table.name] = queries.move(connection, table, links, gone_id, kept_id)
    queries.retire(connection, gone, kept_id)
    return _counted(moved), _counted(dropped), (*_left_at_stripe(gone, kept), *_differing(gone, kept))


def erase(services: "Services", row: AnyRow) -> Erasure:
    """Erase what is personal of a deleted user, everywhere, and of users who were merged into this one.

    See agentadm.erase_person. There is no way back.

    Args:
        services: of a change.
        row: the user's, before anything is erased.
    """
    rows: dict[str, int] = {}
    for user_id in (*queries.merged_into(services.connection, row.id), row.id):
        queries.mark_erased(services.connection, user_id)
        for table, number in queries.erase(services.connection, user_id, services.operation):
            rows[table] = rows.get(table, 0) + number
    told = {
        row.stripe_customer_id: "delete the customer {} at Stripe: agentadm does not, and invoices are kept there",
        row.stripe_connect_account_id: "close the Connect account {} at Stripe",
    }
    steps = tuple(step.format(name) for name, step in told.items() if name is not None)
    return Erasure(row.id, database_now(services.connection), rows, KEPT, steps)


def export(services: "Services", user_id: UUID) -> PersonExport:
    """All that is held on a person."""
    connection = services.connection
    rows = dict(queries.held_rows(connection, user_id))
    changes = queries.held_changes(connection, user_id)
    operations = queries.held_operations(
        connection, list(dict.fromkeys(change["operation_id"] for change in changes)), user_id
    )
    return PersonExport(user_id, database_now(connection), rows, operations, changes)


def _refuse_what_has_no_rule(services: "Services") -> None:
    known = {(f"{SCHEMA}.{table.name}", link.column) for table, link in person_links()}
    unknown = sorted(queries.pointing_at_users(services.connection) - known)
    if unknown:
        named = ", ".join(f"{table}.{column}" for table, column in unknown)
        raise Conflict(f"no rule says what becomes of {named} when users are merged", "nothing was changed")


def _left_at_stripe(gone: AnyRow, kept: AnyRow) -> tuple[str, ...]:
    steps = []
    for name, what in (("stripe_customer_id", "customer"), ("stripe_connect_account_id", "Connect account")):
        mine, theirs = getattr(gone, name), getattr(kept, name)
        if mine is not None and theirs is not None:
            steps.append(f"at Stripe both have a {what}: {mine} stays with {gone.id}; {theirs} is used from now on")
    return tuple(steps)


def _differing(gone: AnyRow, kept: AnyRow) -> tuple[str, ...]:
    """Settings of which only one can be, and that of the one kept is."""
    names = ("role", "daily_budget", "billing_anchor_day", "default_llm_provider")
    return tuple(
        f"{name} stays {_told(getattr(kept, name))}; that of {gone.id} was {_told(getattr(gone, name))}"
        for name in names
        if getattr(gone, name) != getattr(kept, name)
    )


def _told(value: object) -> str:
    return "unlimited" if value is None else str(value)


def _counted(numbers: dict[str, int]) -> dict[str, int]:
    return {table: number for table, number in numbers.items() if number}

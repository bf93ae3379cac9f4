"""Every statement about users."""

import dataclasses
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    insert,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from platform_core.db.reference_queries import ends_with
from platform_core.db.schema import AnyRow
from platform_core.listing.queries import ListSpec, Sort, fields_of
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.users.tables import identities, users
from platform_core.users.types import NewUser, UserRole, UserStatus, UserSummary

CANDIDATES = 10

columns = users.c

identity_list = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("provider", identities.c.provider, "subject", identities.c.subject),
                    identities.c.provider,
                    identities.c.subject,
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .where(identities.c.user_id == columns.id)
    .scalar_subquery()
    .label("identities")
)
label = func.coalesce(columns.email, columns.username, columns.full_name, "no e-mail").label("label")


def _is_named_by(reference: str, *, deleted: bool) -> ColumnElement[bool]:
    """Whether a living, or a deleted, user may be meant.

    Each meaning uses its own index, and all are looked up once, before the users: an array, and a state that no
    index is made for, leave the planner no other way, however little it knows of the tables.
    """
    state = columns.deleted_at.is_not(None) if deleted else columns.deleted_at.is_(None)
    in_state = state.is_not_distinct_from(true())
    whole = as_uuid(reference)
    if whole is not None:
        return and_(columns.id == whole, in_state)
    lowered = reference.lower()
    meanings = [
        select(columns.id).where(func.lower(columns.email) == lowered, state),
        select(columns.id).where(func.lower(columns.username) == lowered),
        select(columns.id).where(columns.stripe_customer_id == reference),
        select(identities.c.user_id).where(identities.c.subject == reference),
    ]
    ending = as_uuid_ending(reference)
    if ending is not None:
        meanings.append(select(columns.id).where(ends_with(columns.id, ending)))
    return and_(columns.id == func.any(func.array(union_all(*meanings).scalar_subquery())), in_state)


def find(connection: Connection, reference: str, *, deleted: bool) -> list[tuple[UUID, str]]:
    """Candidates of a reference among the living, or among the deleted."""
    statement = select(columns.id, label).where(_is_named_by(reference, deleted=deleted)).limit(CANDIDATES)
    return [(row.id, row.label) for row in connection.execute(statement)]


def load(connection: Connection, reference: str, *, deleted: bool) -> list[AnyRow]:
    """Whole rows of a reference's candidates, with their identities, in one round trip."""
    statement = select(users, identity_list, label).where(_is_named_by(reference, deleted=deleted)).limit(CANDIDATES)
    return list(connection.execute(statement).all())


def load_by_id(connection: Connection, user_id: UUID, *, lock: bool = False) -> AnyRow:
    """One row with its identities; locked for the rest of the transaction if asked."""
    statement = select(users, identity_list, label).where(columns.id == user_id)
    return connection.execute(statement.with_for_update(of=users) if lock else statement).one()


# --where knows every column but the JSON; --sort only those with an index.
LIST = ListSpec(
    fields=fields_of(users, words={"role": tuple(UserRole), "status": tuple(UserStatus)}),
    columns={field.name: columns[field.name] for field in dataclasses.fields(UserSummary)},
    sorts={
        "created_at": Sort(columns.created_at),
        "email": Sort(func.lower(columns.email), nullable=True),
        "username": Sort(func.lower(columns.username), nullable=True),
        "id": Sort(columns.id),
    },
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def list_filters(*, status: UserStatus | None, role: UserRole | None, deleted: bool) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters: list[ColumnElement[bool]] = [columns.deleted_at.is_not(None) if deleted else columns.deleted_at.is_(None)]
    filters += [columns.status == status.value] if status is not None else []
    filters += [columns.role == role.value] if role is not None else []
    return filters


def near(connection: Connection, reference: str) -> list[str]:
    """E-mails and usernames that stand around a reference in their indexes: a slip later than its beginning."""
    lowered = reference.lower()
    around = []
    for value in (func.lower(columns.email), func.lower(columns.username)):
        for side, order in ((value >= lowered, value), (value < lowered, value.desc())):
            found = select(value.label("value")).where(side, columns.deleted_at.is_(None)).order_by(order)
            around.append(found.limit(CANDIDATES).subquery().select())
    return list(connection.execute(union_all(*around)).scalars())


def holder_of(connection: Connection, new: NewUser) -> AnyRow | None:
    """A living user that has the e-mail already, or anybody that has the username."""
    same_email = and_(func.lower(columns.email) == new.email.lower(), columns.deleted_at.is_(None))
    same_username = func.lower(columns.username) == (new.username or "").lower()
    meant = same_email if new.username is None else or_(same_email, same_username)
    return connection.execute(select(columns.id, columns.email, columns.username).where(meant)).first()


def create(connection: Connection, new: NewUser) -> UUID:
    """Insert a user. Returns the key that the database made."""
    statement = (
        insert(users)
        .values(
            email=new.email,
            username=new.username,
            first_name=new.first_name,
            last_name=new.last_name,
            full_name=new.full_name,
            role=new.role.value,
            metadata_=new.metadata,
        )
        .returning(columns.id)
    )
    return connection.execute(statement).scalar_one()


def set_status(connection: Connection, user_id: UUID, status: UserStatus, reason: str | None) -> None:
    """Suspend or resume."""
    connection.execute(update(users).where(columns.id == user_id).values(status=status.value, suspended_reason=reason))

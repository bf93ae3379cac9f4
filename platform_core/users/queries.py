"""Every statement about users."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from platform_core.db.reference_queries import CANDIDATES, ends_with
from platform_core.db.schema import AnyRow
from platform_core.projects.tables import projects
from platform_core.refs import as_uuid, as_uuid_ending
from platform_core.teams.tables import team_members, teams
from platform_core.users.screen_queries import SCREEN
from platform_core.users.tables import identities, users
from platform_core.users.types import NewUser, UserStatus

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
membership_list = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("team", teams.c.slug, "role", team_members.c.role), teams.c.slug
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .where(team_members.c.user_id == columns.id, teams.c.id == team_members.c.team_id, teams.c.deleted_at.is_(None))
    .scalar_subquery()
    .label("teams")
)
project_count = select(func.count()).where(projects.c.owner_user_id == columns.id).scalar_subquery().label("projects")
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


def _whole() -> Select[*tuple[Any, ...]]:
    return select(users, identity_list, membership_list, project_count, label)


def load(connection: Connection, reference: str, *, deleted: bool) -> list[AnyRow]:
    """Whole rows of a reference's candidates, with what a screen shows of each, in one round trip."""
    statement = _whole().add_columns(*SCREEN).where(_is_named_by(reference, deleted=deleted)).limit(CANDIDATES)
    return list(connection.execute(statement).all())


def load_by_id(connection: Connection, user_id: UUID, *, lock: bool = False) -> AnyRow:
    """One row with its identities; locked for the rest of the transaction if asked."""
    statement = _whole().where(columns.id == user_id)
    return connection.execute(statement.with_for_update(of=users) if lock else statement).one()


def near(connection: Connection, reference: str) -> list[str]:
    """E-mails and usernames that stand around a reference in their indexes: a slip later than its beginning."""
    lowered = reference.lower()
    around = []
    for value in (func.lower(columns.email), func.lower(columns.username)):
        for side, order in ((value >= lowered, value), (value < lowered, value.desc())):
            found = select(value.label("value")).where(side, columns.deleted_at.is_(None)).order_by(order)
            around.append(found.limit(CANDIDATES).subquery().select())
    return list(connection.execute(union_all(*around)).scalars())


def holder_of(
    connection: Connection, email: str | None, username: str | None, *, but: UUID | None = None
) -> AnyRow | None:
    """A living user, other than `but`, that has the e-mail already, or anybody that has the username."""
    same_email = and_(func.lower(columns.email) == (email or "").lower(), columns.deleted_at.is_(None))
    same_username = func.lower(columns.username) == (username or "").lower()
    meant = or_(
        and_(same_email, literal(value=email is not None)), and_(same_username, literal(value=username is not None))
    )
    found = select(columns.id, columns.email, columns.username).where(meant)
    return connection.execute(found if but is None else found.where(columns.id != but)).first()


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


def hold(connection: Connection, user_id: UUID) -> bool:
    """Keep a user from being deleted until the end of the transaction; False where that has happened."""
    living = select(columns.id).where(columns.id == user_id, columns.deleted_at.is_(None))
    return connection.execute(living.with_for_update(read=True)).first() is not None


def change(connection: Connection, user_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a user."""
    renamed = {"metadata_" if name == "metadata" else name: value for name, value in values.items()}
    connection.execute(update(users).where(columns.id == user_id).values(**renamed))


def set_deleted(connection: Connection, user_id: UUID, *, deleted: bool) -> None:
    """Delete a user with the personal team, softly, or take that back."""
    moment = func.agentadm.now() if deleted else None
    connection.execute(update(users).where(columns.id == user_id).values(deleted_at=moment))
    connection.execute(update(teams).where(teams.c.personal_of == user_id).values(deleted_at=moment))


def identity_holder(connection: Connection, provider: str, subject: str) -> UUID | None:
    """Whose an identity is."""
    named = and_(identities.c.provider == provider, identities.c.subject == subject)
    return connection.execute(select(identities.c.user_id).where(named)).scalar()


def link_identity(connection: Connection, user_id: UUID, provider: str, subject: str) -> None:
    """Insert an identity."""
    connection.execute(insert(identities).values(user_id=user_id, provider=provider, subject=subject))


def unlink_identity(connection: Connection, provider: str, subject: str) -> None:
    """Delete an identity."""
    named = and_(identities.c.provider == provider, identities.c.subject == subject)
    connection.execute(delete(identities).where(named))


def set_status(connection: Connection, user_id: UUID, status: UserStatus, reason: str | None) -> None:
    """Suspend or resume."""
    connection.execute(update(users).where(columns.id == user_id).values(status=status.value, suspended_reason=reason))

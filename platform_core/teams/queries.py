"""Every statement about teams and their members."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from platform_core.db.reference_queries import CANDIDATES, around, named_or_id
from platform_core.db.schema import AnyRow
from platform_core.listing.conditions import Kind
from platform_core.listing.queries import Field, ListSpec, Sort, fields_of
from platform_core.projects.tables import projects
from platform_core.teams.tables import team_members, teams
from platform_core.teams.types import MemberRole, NewTeam
from platform_core.users.tables import users

columns = teams.c
members = team_members.c
owner = select(func.coalesce(users.c.email, users.c.username)).where(users.c.id == columns.owner_id).scalar_subquery()
project_count = select(func.count()).where(projects.c.owner_team_id == columns.id).scalar_subquery()
SUMMARY = ("slug", "name", "owner", "member_count", "max_members", "created_at", "id")

LIST = ListSpec(
    fields={**fields_of(teams, words={}), "owner": Field(owner, Kind.TEXT)},
    columns={name: owner if name == "owner" else columns[name] for name in SUMMARY},
    sorts={"created_at": Sort(columns.created_at), "slug": Sort(columns.slug), "id": Sort(columns.id)},
    default_sort="-created_at",
    key=columns.id,
    time=columns.created_at,
)


def _in_state(*, deleted: bool) -> ColumnElement[bool]:
    return columns.deleted_at.is_not(None) if deleted else columns.deleted_at.is_(None)


def find(connection: Connection, reference: str, *, deleted: bool) -> list[tuple[UUID, str]]:
    """Candidates of a reference among the living, or among the deleted."""
    statement = select(columns.id, columns.slug).where(
        named_or_id(columns.id, columns.slug, reference), _in_state(deleted=deleted)
    )
    return [(row.id, row.slug) for row in connection.execute(statement.limit(CANDIDATES))]


def near(connection: Connection, reference: str) -> dict[str, str]:
    """Slugs that stand around a reference in their index."""
    return around(connection, columns.slug, reference.lower(), columns.deleted_at.is_(None))


def _whole() -> Select[*tuple[Any, ...]]:
    return select(teams, owner.label("owner"), project_count.label("project_count"))


def load(connection: Connection, reference: str, *, deleted: bool) -> list[AnyRow]:
    """Whole rows of a reference's candidates, in one round trip."""
    statement = (
        _whole().where(named_or_id(columns.id, columns.slug, reference), _in_state(deleted=deleted)).limit(CANDIDATES)
    )
    return list(connection.execute(statement).all())


def load_by_id(connection: Connection, team_id: UUID) -> AnyRow:
    """One row whole."""
    return connection.execute(_whole().where(columns.id == team_id)).one()


def lock(connection: Connection, team_id: UUID) -> AnyRow:
    """One row, locked against changes of the team and of its members for the rest of the transaction."""
    return connection.execute(select(teams).where(columns.id == team_id).with_for_update()).one()


def lock_counts(connection: Connection, team_id: UUID) -> AnyRow:
    """One row, locked against whoever makes, deletes or restores what belongs to the team."""
    return connection.execute(select(teams).where(columns.id == team_id).with_for_update(key_share=True)).one()


def list_filters(
    *, owner_id: UUID | None, member_id: UUID | None, personal: bool, deleted: bool
) -> list[ColumnElement[bool]]:
    """The real options of the list as conditions."""
    filters = [_in_state(deleted=deleted)]
    filters.append(columns.personal_of.is_not(None) if personal else columns.personal_of.is_(None))
    filters += [columns.owner_id == owner_id] if owner_id is not None else []
    if member_id is not None:
        filters.append(columns.id.in_(select(members.team_id).where(members.user_id == member_id)))
    return filters


def slug_is_taken(connection: Connection, slug: str) -> UUID | None:
    """The team, living or deleted, that has a slug."""
    return connection.execute(select(columns.id).where(columns.slug == slug)).scalar()


def create(connection: Connection, new: NewTeam, slug: str, owner_id: UUID) -> UUID:
    """Insert a team with its owner as a member. Returns the key that the database made."""
    statement = insert(teams).values(
        name=new.name,
        slug=slug,
        description=new.description,
        owner_id=owner_id,
        max_members=new.max_members,
        max_agents=new.max_agents,
    )
    team_id = connection.execute(statement.returning(columns.id)).scalar_one()
    add_member(connection, team_id, owner_id, MemberRole.OWNER, None)
    return team_id


def personal_team(connection: Connection, user_id: UUID) -> UUID:
    """The personal team of a user, made now if there is none."""
    found: UUID = connection.execute(text("SELECT agentadm.personal_team(:user)"), {"user": user_id}).scalar_one()
    return found


def change(connection: Connection, team_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of a team."""
    connection.execute(update(teams).where(columns.id == team_id).values(**values))


def set_deleted(connection: Connection, team_id: UUID, *, deleted: bool) -> None:
    """Delete a team, softly, or take that back."""
    change(connection, team_id, {"deleted_at": func.agentadm.now() if deleted else None})


def set_owner(connection: Connection, team_id: UUID, owner_id: UUID) -> None:
    """Make a member the owner, and the owner so far an admin, in one statement: there is always one."""
    connection.execute(
        update(team_members)
        .where(members.team_id == team_id, or_(members.user_id == owner_id, members.role == MemberRole.OWNER.value))
        .values(role=case((members.user_id == owner_id, MemberRole.OWNER.value), else_=MemberRole.ADMIN.value))
    )
    change(connection, team_id, {"owner_id": owner_id})


# ------------------------------------------------------------------------------------------------------------- members

_MEMBER = (
    users.c.email,
    users.c.full_name,
    members.role,
    members.joined_at,
    members.user_id,
    members.invited_by,
    columns.slug.label("team"),
    members.id,
)
_OF_TEAM_AND_USER = and_(members.team_id == columns.id, members.user_id == users.c.id)
MEMBER_LIST = ListSpec(
    fields={
        **fields_of(team_members, words={"role": tuple(MemberRole)}, leave_out=frozenset({"owner_of"})),
        "email": Field(users.c.email, Kind.TEXT),
        "full_name": Field(users.c.full_name, Kind.TEXT),
        "team": Field(columns.slug, Kind.TEXT),
    },
    columns={str(column.name): column for column in _MEMBER},
    sorts={"id": Sort(members.id)},
    default_sort="id",
    key=members.id,
    time=members.joined_at,
)


def member_filters(team_id: UUID, role: MemberRole | None) -> list[ColumnElement[bool]]:
    """The members of one team, perhaps of one role."""
    filters: list[ColumnElement[bool]] = [_OF_TEAM_AND_USER, members.team_id == team_id]
    return [*filters, members.role == role.value] if role is not None else filters


def find_member(connection: Connection, team_id: UUID, user_id: UUID) -> AnyRow | None:
    """A user's membership of a team."""
    statement = select(*_MEMBER).where(_OF_TEAM_AND_USER, members.team_id == team_id, members.user_id == user_id)
    return connection.execute(statement).first()


def add_member(connection: Connection, team_id: UUID, user_id: UUID, role: MemberRole, invited_by: UUID | None) -> None:
    """Insert a membership."""
    connection.execute(
        insert(team_members).values(team_id=team_id, user_id=user_id, role=role.value, invited_by=invited_by)
    )


def remove_member(connection: Connection, member_id: UUID) -> None:
    """Delete a membership."""
    connection.execute(delete(team_members).where(members.id == member_id))


def set_role(connection: Connection, member_id: UUID, role: MemberRole) -> None:
    """Change what a member may do."""
    connection.execute(update(team_members).where(members.id == member_id).values(role=role.value))

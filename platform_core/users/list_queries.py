"""The list of users; apart, for most commands need none of what lists are made of."""

import dataclasses

from sqlalchemy import ColumnElement, func

from platform_core.listing.queries import ListSpec, Sort, fields_of
from platform_core.users.tables import users
from platform_core.users.types import UserRole, UserStatus, UserSummary

columns = users.c

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

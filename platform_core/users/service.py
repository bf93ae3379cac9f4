"""The rules of users; one method a command."""

import re
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict, UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.near import nearest
from platform_core.refs import as_uuid, exactly_one
from platform_core.users import queries
from platform_core.users.types import EMAIL_LENGTH, Identity, NewUser, User, UserRole, UserStatus, UserSummary

# Another customer is worse than none: only what differs by a letter or two is named.
NEAR_ENOUGH = 0.85
FIND_HINT = "a user is named by e-mail, username, id, the last 8 digits or more of an id, or an id at a provider"
# The constraint users_email_check holds whoever writes; this says it in words.
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+\.[^@\s\x00-\x1f\x7f-\x9f]+")


class UserService:
    """Users and their identities.

    Args:
        connection: inside a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        request: ListRequest,
        *,
        status: UserStatus | None = None,
        role: UserRole | None = None,
        deleted: bool = False,
    ) -> Rows[UserSummary]:
        """Users, newest first.

        Args:
            request: conditions, order and limit.
            status, role: keep only these.
            deleted: list the deleted ones instead of the living.

        Raises:
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(status=status, role=role, deleted=deleted)
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str, *, deleted: bool = False) -> User:
        """One user whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference, deleted=deleted)
        hint = FIND_HINT if rows else self._near(reference)
        exactly_one("user", reference, [(row.id, row.label) for row in rows], hint)
        return _user(rows[0])

    def create(self, new: NewUser, *, if_not_exists: bool = False) -> User:
        """Make a user.

        Args:
            new: what is known.
            if_not_exists: return the user with this e-mail, unchanged, when there is one.

        Raises:
            UsageError: the e-mail is none.
            Conflict: the e-mail or the username is taken.
        """
        if not EMAIL.fullmatch(new.email) or len(new.email) > EMAIL_LENGTH:
            raise UsageError(f"{new.email[:EMAIL_LENGTH]!r} is not an e-mail address", "for example: ada@example.com")
        holder = queries.holder_of(self._connection, new)
        if holder is None:
            return _user(queries.load_by_id(self._connection, queries.create(self._connection, new)))
        same_email = (holder.email or "").lower() == new.email.lower()
        if same_email and if_not_exists:
            return _user(queries.load_by_id(self._connection, holder.id))
        taken = f"e-mail {new.email!r}" if same_email else f"username {new.username!r}"
        raise Conflict(
            f"the {taken} is taken by user {holder.id}",
            "--if-not-exists returns the user that is there" if same_email else "choose another username",
        )

    def suspend(self, reference: str, *, reason: str | None) -> User:
        """Shut a user out; nothing is deleted. A suspended user stays so, with the first reason.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._move(reference, UserStatus.SUSPENDED, reason)

    def resume(self, reference: str) -> User:
        """Let a suspended user in again. An active user stays so.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._move(reference, UserStatus.ACTIVE, None)

    def find(self, reference: str, *, deleted: bool = False) -> UUID:
        """The key of the user that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        found = queries.find(self._connection, reference, deleted=deleted)
        return exactly_one("user", reference, found, FIND_HINT if found else self._near(reference))

    def _near(self, reference: str) -> str:
        """A hint that names who may have been meant."""
        if as_uuid(reference) is not None:
            return FIND_HINT
        near = nearest(reference.lower(), queries.near(self._connection, reference), cutoff=NEAR_ENOUGH)
        return f"did you mean {near[0]!r}? {FIND_HINT}" if near else FIND_HINT

    def _move(self, reference: str, status: UserStatus, reason: str | None) -> User:
        user_id = self.find(reference)
        row = queries.load_by_id(self._connection, user_id, lock=True)
        if row.status == status.value:
            return _user(row)
        queries.set_status(self._connection, user_id, status, reason)
        return _user(queries.load_by_id(self._connection, user_id))


def _summary(row: AnyRow) -> UserSummary:
    return UserSummary(
        row.email,
        row.full_name,
        UserRole(row.role),
        UserStatus(row.status),
        row.created_at,
        row.last_login_at,
        row.id,
    )


def _user(row: Any) -> User:
    fields = dict(row._mapping)
    del fields["label"]
    fields["role"] = UserRole(row.role)
    fields["status"] = UserStatus(row.status)
    fields["identities"] = tuple(Identity(**identity) for identity in row.identities)
    return User(**fields)

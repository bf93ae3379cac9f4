"""The rules of users; one method a command."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict, NotFound, UsageError
from platform_core.listing.types import ListRequest, Rows
from platform_core.near import near_hint
from platform_core.refs import as_uuid, exactly_one, other_state_hint
from platform_core.services import Service
from platform_core.users import queries
from platform_core.users.types import (
    EMAIL_LENGTH,
    Erasure,
    Identity,
    Membership,
    MergeResult,
    NewUser,
    PersonExport,
    RecentRun,
    User,
    UserRole,
    UserScreen,
    UserStatus,
    UserSummary,
)

# Another customer is worse than none: only what differs by a letter or two is named.
NEAR_ENOUGH = 0.85
FIND_HINT = "a user is named by e-mail, username, id, the last 8 digits or more of an id, or an id at a provider"
# The constraint users_email_check holds whoever writes; this says it in words.
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+\.[^@\s\x00-\x1f\x7f-\x9f]+")


class UserService(Service):
    """Users."""

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
        from platform_core.listing.service import ListService
        from platform_core.users import list_queries

        filters = list_queries.list_filters(status=status, role=role, deleted=deleted)
        return ListService(self._connection, list_queries.LIST, request, _summary, filters)

    def show(self, reference: str, *, deleted: bool = False) -> UserScreen:
        """One user whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference, deleted=deleted)
        hint = FIND_HINT if rows else self._near(reference, deleted=deleted)
        exactly_one("user", reference, [(row.id, row.label) for row in rows], hint)
        return UserScreen(**_fields(rows[0]), runs=tuple(_recent(run) for run in rows[0].runs))

    def create(self, new: NewUser, *, if_not_exists: bool = False) -> User:
        """Make a user.

        Args:
            new: what is known.
            if_not_exists: return the user with this e-mail, unchanged, when there is one.

        Raises:
            UsageError: the e-mail is none.
            Conflict: the e-mail or the username is taken.
        """
        _refuse_no_email(new.email)
        holder = queries.holder_of(self._connection, new.email, new.username)
        if holder is None:
            return self.load(queries.create(self._connection, new))
        same_email = (holder.email or "").lower() == new.email.lower()
        if same_email and if_not_exists:
            return self.load(holder.id)
        taken = f"e-mail {new.email!r}" if same_email else f"username {new.username!r}"
        raise Conflict(
            f"the {taken} is taken by user {holder.id}",
            "--if-not-exists returns the user that is there" if same_email else "choose another username",
        )

    def update(self, reference: str, values: Mapping[str, Any]) -> User:
        """Set columns of a user; None takes a value away. `metadata` is merged: a key with None goes.

        Raises:
            NotFound, Conflict: the reference names none, or several; the e-mail or the username is taken.
            UsageError: the e-mail is none.
        """
        user_id = self.find(reference)
        row = self._lock(user_id, reference)
        email, username = values.get("email"), values.get("username")
        if email is not None:
            _refuse_no_email(email)
        holder = queries.holder_of(self._connection, email, username, but=user_id)
        if holder is not None:
            same_email = email is not None and (holder.email or "").lower() == email.lower()
            taken = f"e-mail {email!r}" if same_email else f"username {username!r}"
            raise Conflict(f"the {taken} is taken by user {holder.id}", "choose another, or merge the two users")
        wanted = dict(values)
        if "metadata" in wanted:
            merged = {**row.metadata, **wanted["metadata"]}
            wanted["metadata"] = {name: value for name, value in merged.items() if value is not None}
        changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if changed:
            queries.change(self._connection, user_id, changed)
        return self.load(user_id)

    def delete(self, reference: str) -> User:
        """Delete a user, softly, with the personal team; restore brings both back.

        Raises:
            NotFound, Conflict: the reference names none, or several; the user owns teams.
        """
        user_id = self.find(reference)
        self._lock(user_id, reference)
        queries.set_deleted(self._connection, user_id, deleted=True)
        return self.load(user_id)

    def restore(self, reference: str) -> User:
        """Bring a deleted user back, as it was.

        Raises:
            NotFound, Conflict: the reference names none that is deleted, or several; the user was erased or merged;
                somebody else has the e-mail now.
        """
        user_id = self.find(reference, deleted=True)
        row = self._lock(user_id, reference, deleted=True)
        if row.erased_at is not None or row.merged_into_id is not None:
            what = "erased" if row.erased_at is not None else f"merged into {row.merged_into_id}"
            raise Conflict(f"user {user_id} was {what}, and cannot be restored", "there is no way back from that")
        holder = None if row.email is None else queries.holder_of(self._connection, row.email, None)
        if holder is not None:
            raise Conflict(
                f"the e-mail {row.email!r} is taken by user {holder.id} now", "change that one first, or merge them"
            )
        queries.set_deleted(self._connection, user_id, deleted=False)
        return self.load(user_id)

    def merge(self, reference: str, into: str) -> MergeResult:
        """Let everything of one user be another's, and delete the one. There is no way back.

        Raises:
            NotFound, Conflict: a reference names none, or several; see person.merge.
        """
        from platform_core.users import person

        gone_id, kept_id = self.find(reference), self.find(into)
        moved, dropped, steps = person.merge(self._services, gone_id, kept_id)
        return MergeResult(self.load(kept_id), gone_id, moved, dropped, steps)

    def erase(self, reference: str, *, deleted: bool = False) -> Erasure:
        """Erase what is personal, everywhere; a living user is deleted first. There is no way back.

        Args:
            reference: whom.
            deleted: look among the deleted ones.

        Raises:
            NotFound, Conflict: the reference names none, or several; the user owns teams.
        """
        from platform_core.users import person

        user_id = self.find(reference, deleted=deleted)
        row = self._lock(user_id, reference, deleted=deleted)
        if row.deleted_at is None:
            queries.set_deleted(self._connection, user_id, deleted=True)
        return person.erase(self._services, row)

    def export(self, reference: str, *, deleted: bool = False) -> PersonExport:
        """All that is held on a person.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        from platform_core.users import person

        return person.export(self._services, self.find(reference, deleted=deleted))

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
        return exactly_one("user", reference, found, FIND_HINT if found else self._near(reference, deleted=deleted))

    def hold(self, reference: str) -> UUID:
        """As find, for a row that is to name the user: nobody deletes, merges or erases the user until the end.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        user_id = self.find(reference)
        if not queries.hold(self._connection, user_id):
            raise _gone(reference)
        return user_id

    def _lock(self, user_id: UUID, reference: str, *, deleted: bool = False) -> AnyRow:
        """The user's row, locked, and still as it was found."""
        row = queries.load_by_id(self._connection, user_id, lock=True)
        if (row.deleted_at is not None) is not deleted:
            raise _gone(reference)
        return row

    def load(self, user_id: UUID) -> User:
        """One user, by its key."""
        return _user(queries.load_by_id(self._connection, user_id))

    def _near(self, reference: str, *, deleted: bool) -> str:
        """A hint that names who may have been meant."""
        if other := queries.find(self._connection, reference, deleted=not deleted):
            return other_state_hint(other, deleted=deleted)
        if as_uuid(reference) is not None:
            return FIND_HINT
        around = {name: name for name in queries.near(self._connection, reference)}
        return near_hint(reference.lower(), around, FIND_HINT, cutoff=NEAR_ENOUGH)

    def _move(self, reference: str, status: UserStatus, reason: str | None) -> User:
        user_id = self.find(reference)
        row = self._lock(user_id, reference)
        if row.status == status.value:
            return _user(row)
        queries.set_status(self._connection, user_id, status, reason)
        return self.load(user_id)


def _gone(reference: str) -> NotFound:
    return NotFound(f"user {reference!r} was just deleted, restored or merged", "look at it, then try again")


def _refuse_no_email(email: str) -> None:
    if not EMAIL.fullmatch(email) or len(email) > EMAIL_LENGTH:
        raise UsageError(f"{email[:EMAIL_LENGTH]!r} is not an e-mail address", "for example: ada@example.com")


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
    return User(**_fields(row))


def _recent(run: Mapping[str, str]) -> RecentRun:
    return RecentRun(datetime.fromisoformat(run["created_at"]), run["what"], run["status"])


def _fields(row: Any) -> dict[str, Any]:
    fields = {name: value for name, value in row._mapping.items() if name not in {"label", "runs"}}
    fields["role"] = UserRole(row.role)
    fields["status"] = UserStatus(row.status)
    fields["identities"] = tuple(Identity(**identity) for identity in row.identities)
    fields["teams"] = tuple(Membership(**team) for team in row.teams)
    return fields

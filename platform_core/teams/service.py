"""The rules of teams; one method a command."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict, UsageError
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.near import near_hint
from platform_core.refs import checked_name, exactly_one
from platform_core.services import Service
from platform_core.slugs import checked_slug, slug_of
from platform_core.teams import queries
from platform_core.teams.types import MemberRole, NewTeam, Team, TeamSummary

FIND_HINT = "a team is named by its slug, its id, or the last 8 digits or more of its id"


class TeamService(Service):
    """Teams."""

    def list(
        self,
        request: ListRequest,
        *,
        owner: str | None = None,
        member: str | None = None,
        personal: bool = False,
        deleted: bool = False,
    ) -> Rows[TeamSummary]:
        """Teams, newest first.

        Args:
            request: conditions, order and limit.
            owner, member: references of users; keep only their teams.
            personal: the personal teams instead of the others.
            deleted: the deleted ones instead of the living.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        users = self._services.users
        filters = queries.list_filters(
            owner_id=None if owner is None else users.find(owner),
            member_id=None if member is None else users.find(member),
            personal=personal,
            deleted=deleted,
        )
        return ListService(self._connection, queries.LIST, request, _summary, filters)

    def show(self, reference: str, *, deleted: bool = False) -> Team:
        """One team whole, in one statement.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        rows = queries.load(self._connection, reference, deleted=deleted)
        exactly_one("team", reference, [(row.id, row.slug) for row in rows], self._hint(reference, rows))
        return _team(rows[0])

    def create(self, new: NewTeam, owner: str, *, if_not_exists: bool = False) -> Team:
        """Make a team; its owner is its first member.

        Args:
            new: what is known.
            owner: reference of a user.
            if_not_exists: return the living team with this slug, unchanged, when there is one.

        Raises:
            NotFound, Conflict: the owner is not found; the slug is taken.
            UsageError: no slug can be made from the name, or the one given is none.
        """
        checked_name(new.name)
        owner_id = self._services.users.hold(owner)
        slug = checked_slug(new.slug) if new.slug is not None else slug_of(new.name)
        holder = queries.slug_is_taken(self._connection, slug)
        if holder is None:
            return self._team(queries.create(self._connection, new, slug, owner_id))
        found = self._team(holder)
        if if_not_exists and found.deleted_at is None:
            return found
        state = "" if found.deleted_at is None else "deleted "
        raise Conflict(f"the slug {slug!r} is taken by {state}team {holder}", "choose another with --slug")

    def personal(self, owner: str) -> Team:
        """The personal team of a user, made now if there is none.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        return self._team(queries.personal_team(self._connection, self._services.users.hold(owner)))

    def update(self, reference: str, values: Mapping[str, Any]) -> Team:
        """Set columns of a team; None takes a value away.

        Raises:
            NotFound, Conflict: the reference names none, or several; the slug is taken; more members are there than
                max_members would allow.
            UsageError: the slug is none.
        """
        team_id = self.find(reference)
        team = queries.lock(self._connection, team_id)
        checked_name(values.get("name"))
        if (slug := values.get("slug")) is not None:
            holder = queries.slug_is_taken(self._connection, checked_slug(slug))
            if holder not in {None, team_id}:
                raise Conflict(f"the slug {slug!r} is taken by team {holder}", "choose another")
        if (most := values.get("max_members")) is not None and most < team.member_count:
            raise Conflict(
                f"team {team.slug} has {team.member_count} members; max_members cannot be {most}",
                "remove members first: agentadm teams members remove",
            )
        changed = {name: value for name, value in values.items() if getattr(team, name) != value}
        if changed:
            queries.change(self._connection, team_id, changed)
        return self._team(team_id)

    def delete(self, reference: str) -> Team:
        """Delete a team, softly: its slug stays taken, and restore brings it back.

        Raises:
            NotFound, Conflict: the reference names none, or several; it is somebody's personal team.
        """
        team_id = self.find(reference)
        team = queries.lock(self._connection, team_id)
        if team.personal_of is not None:
            raise Conflict(
                f"team {team.slug} is the personal team of user {team.personal_of}", "it is deleted with the user"
            )
        queries.set_deleted(self._connection, team_id, deleted=True)
        return self._team(team_id)

    def restore(self, reference: str) -> Team:
        """Bring a deleted team back, as it was.

        Raises:
            NotFound, Conflict: the reference names none that is deleted, or several; its owner is deleted.
        """
        found = queries.find(self._connection, reference, deleted=True)
        hint = "agentadm teams list --deleted shows the deleted ones"
        team_id = exactly_one("deleted team", reference, found, hint)
        team = queries.lock(self._connection, team_id)
        if team.personal_of is not None:
            raise Conflict(
                f"team {team.slug} is the personal team of user {team.personal_of}", "it is restored with the user"
            )
        queries.set_deleted(self._connection, team_id, deleted=False)
        return self._team(team_id)

    def transfer(self, reference: str, new_owner: str, *, deleted: bool = False) -> Team:
        """Make a member, or anybody else, the owner; the owner so far becomes an admin.

        Args:
            reference: which team.
            new_owner: reference of a user.
            deleted: look among the deleted teams.

        Raises:
            NotFound, Conflict: a reference names none, or several; it is a personal team; the team is full.
        """
        team_id = self.find(reference, deleted=deleted)
        owner_id = self._services.users.hold(new_owner)
        team = queries.lock(self._connection, team_id)
        if team.personal_of is not None:
            raise Conflict(f"team {team.slug} is a personal team, which stays its user's", "make a team for several")
        if team.owner_id != owner_id:
            if queries.find_member(self._connection, team_id, owner_id) is None:
                refuse_when_full(team)
                queries.add_member(self._connection, team_id, owner_id, MemberRole.ADMIN, None)
            queries.set_owner(self._connection, team_id, owner_id)
        return self._team(team_id)

    def find(self, reference: str, *, deleted: bool = False) -> UUID:
        """The key of the team that a reference names.

        Raises:
            NotFound, Conflict: it names none, or several.
        """
        found = queries.find(self._connection, reference, deleted=deleted)
        return exactly_one("team", reference, found, self._hint(reference, found))

    def owner_of(self, what: str, *, team: str | None, user: str | None) -> UUID:
        """The team that a thing is to belong to: the one named, or the user's personal one, made now if need be.

        Args:
            what: the thing, with its article.
            team: reference of a team.
            user: reference of a user.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: both were named, or neither.
        """
        if (team is None) == (user is None):
            raise UsageError(
                f"{what} belongs to a team, or to a user's personal one", "give --team TEAM, or --user USER"
            )
        return self.find(team or "") if user is None else self.personal(user).id

    def lock_counts(self, team_id: UUID) -> AnyRow:
        """A team's row, locked against whoever makes, deletes or restores what belongs to it: its counts stay."""
        return queries.lock_counts(self._connection, team_id)

    def has_member(self, team_id: UUID, user_id: UUID) -> bool:
        """Whether a user is a member of a team."""
        return queries.find_member(self._connection, team_id, user_id) is not None

    def _team(self, team_id: UUID) -> Team:
        return _team(queries.load_by_id(self._connection, team_id))

    def _hint(self, reference: str, found: Sequence[object]) -> str:
        around = {} if found else queries.near(self._connection, reference)
        return near_hint(reference.lower(), around, FIND_HINT)


def refuse_when_full(team: AnyRow) -> None:
    """Say no to one more member of a team that is full.

    Raises:
        Conflict: it is.
    """
    if team.max_members is not None and team.member_count >= team.max_members:
        raise Conflict(
            f"team {team.slug} is full: it has {team.member_count} members, max_members is {team.max_members}",
            f"agentadm teams update {team.slug} --max-members N",
        )


def _summary(row: AnyRow) -> TeamSummary:
    return TeamSummary(*row[: len(queries.SUMMARY)])


def _team(row: AnyRow) -> Team:
    return Team(**row._mapping)

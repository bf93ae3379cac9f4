"""The rules of members of teams; one method a command."""

from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.errors import Conflict, NotFound
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.services import Service
from platform_core.teams import queries
from platform_core.teams.service import refuse_when_full
from platform_core.teams.types import Member, MemberRole


class MemberService(Service):
    """Members of teams."""

    def list(self, reference: str, request: ListRequest, *, role: MemberRole | None = None) -> Rows[Member]:
        """The members of a team, in the order in which they came.

        Raises:
            NotFound, Conflict: the reference names none, or several.
        """
        filters = queries.member_filters(self._services.teams.find(reference), role)
        return ListService(self._connection, queries.MEMBER_LIST, request, _member, filters)

    def add(self, reference: str, user: str, role: MemberRole, *, invited_by: str | None = None) -> Member:
        """Make a user a member. One who is a member already stays so, with the role that is there.

        Raises:
            NotFound, Conflict: a reference names none, or several; the team is full, or a personal one.
        """
        users = self._services.users
        team_id, user_id = self._services.teams.find(reference), users.hold(user)
        inviter = None if invited_by is None else users.hold(invited_by)
        team = queries.lock(self._connection, team_id)
        if (there := queries.find_member(self._connection, team_id, user_id)) is not None:
            if there.role != role.value:
                raise Conflict(
                    f"{user} is {there.role} of team {team.slug} already", "agentadm teams members set-role changes it"
                )
            return _member(there)
        if team.personal_of is not None:
            raise Conflict(f"team {team.slug} is a personal team, of one", "make a team for several")
        refuse_when_full(team)
        queries.add_member(self._connection, team_id, user_id, role, inviter)
        return self._member_of(team_id, team.slug, user_id, user)

    def remove(self, reference: str, user: str) -> Member:
        """Take a member out of a team.

        Raises:
            NotFound, Conflict: a reference names none, or several; not a member, or the owner.
        """
        _, member = self._changing(reference, user, "removed")
        queries.remove_member(self._connection, member.id)
        return member

    def set_role(self, reference: str, user: str, role: MemberRole) -> Member:
        """Change what a member may do.

        Raises:
            NotFound, Conflict: a reference names none, or several; not a member, or the owner.
        """
        team, member = self._changing(reference, user, f"made {role}")
        if member.role is not role:
            queries.set_role(self._connection, member.id, role)
        return self._member_of(team.id, team.slug, member.user_id, user)

    def _changing(self, reference: str, user: str, what: str) -> tuple[AnyRow, Member]:
        """A team, locked, and one of its members who is not its owner."""
        team_id, user_id = self._services.teams.find(reference), self._services.users.find(user)
        team = queries.lock(self._connection, team_id)
        member = self._member_of(team_id, team.slug, user_id, user)
        if member.role is MemberRole.OWNER:
            raise Conflict(
                f"{user} owns team {team.slug} and cannot be {what}",
                f"transfer it first: agentadm teams transfer {team.slug} NEW_OWNER",
            )
        return team, member

    def _member_of(self, team_id: UUID, slug: str, user_id: UUID, user: str) -> Member:
        row = queries.find_member(self._connection, team_id, user_id)
        if row is None:
            raise NotFound(f"{user} is no member of team {slug}", f"agentadm teams members list {slug} shows them")
        return _member(row)


def _member(row: AnyRow) -> Member:
    return Member(
        row.email, row.full_name, MemberRole(row.role), row.joined_at, row.user_id, row.invited_by, row.team, row.id
    )

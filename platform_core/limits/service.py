"""The rules of limits; one method a command."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from platform_core.db.schema import AnyRow
from platform_core.db.transaction_queries import database_now
from platform_core.errors import Conflict, NotFound, UsageError
from platform_core.limits import queries
from platform_core.limits.types import LimitStep, Override
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.periods import parse_end
from platform_core.plans.types import Limit
from platform_core.services import Service

# What is counted together is told so: the word of the limit says only that it is the total.
TOTAL = "personal and work agents together"


class LimitService(Service):
    """What somebody may use: by an override, else the agent's plan, else the plan; else nothing.

    What is in a personal team counts for its user.
    """

    def show(
        self,
        user: str | None,
        team: str | None,
        *,
        agent: str | None = None,
        names: Sequence[Limit] = (),
        chain: bool = False,
    ) -> tuple[LimitStep, ...]:
        """The effective limits of a customer, how much of them is used, and where they come from.

        Args:
            user, team: reference of one of them.
            agent: reference; its plan may say how many requests are allowed.
            names: keep only these limits.
            chain: also the places that do not decide.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: both, or neither, of user and team.
        """
        user_id, team_id = self._customer(user, team)
        agent_id = None if agent is None else self._services.agents.find(agent)
        rows = queries.chains(
            self._connection, user_id=user_id, team_id=team_id, agent_id=agent_id, names=names or tuple(Limit)
        )
        return tuple(LimitStep(**row._mapping) for row in rows if chain or row.decides)

    def list(
        self,
        request: ListRequest,
        *,
        user: str | None = None,
        team: str | None = None,
        name: Limit | None = None,
        expired: bool | None = None,
    ) -> Rows[Override]:
        """What was granted beside the plans, newest first.

        Args:
            request: conditions, order and limit.
            user, team: references; keep only theirs.
            name: keep only this limit.
            expired: keep only those that hold no more, or only those that do.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: a condition or the order names what there is not.
        """
        filters = queries.list_filters(
            user_id=None if user is None else self._services.users.find(user),
            team_id=None if team is None else self._services.teams.find(team),
            name=name,
            expired=expired,
        )
        return ListService(self._connection, queries.LIST, request, _override, filters)

    def set(
        self,
        user: str | None,
        team: str | None,
        values: Mapping[Limit, int | None],
        *,
        reason: str | None,
        expires: str | None,
    ) -> tuple[Override, ...]:
        """Grant limits beside the plan, in place of earlier grants of the same.

        Args:
            user, team: reference of one of them.
            values: what is allowed of what; None is unlimited.
            reason: why; there must be one.
            expires: from when on it does not hold, as parse_end reads it; None is never.

        Raises:
            NotFound, Conflict: a reference names none, or several.
            UsageError: nothing was named, there is no reason, the moment is none or past, or both or neither of user
                and team.
        """
        if not values:
            raise UsageError("no limit was named", f"for example: --allow {Limit.MAX_WORKFLOWS}=50")
        if not reason:
            raise UsageError("a limit is granted for a reason", "add --reason TEXT")
        expires_at = None if expires is None else self._future(expires)
        user_id, team_id = self._customer(user, team)
        for name, value in values.items():
            queries.grant(
                self._connection,
                user_id=user_id,
                team_id=team_id,
                name=name,
                value=value,
                reason=reason,
                expires_at=expires_at,
            )
        rows = queries.granted(self._connection, user_id=user_id, team_id=team_id, names=tuple(values))
        return tuple(_override(row) for row in rows)

    def clear(self, user: str | None, team: str | None, names: Sequence[Limit]) -> tuple[Override, ...]:
        """Take grants back: the plan's limits hold again. What is above them stays; no more can be made.

        Returns:
            What was granted.

        Raises:
            NotFound: nothing was granted of one of them.
            NotFound, Conflict: a reference names none, or several.
            UsageError: nothing was named, or both or neither of user and team.
        """
        if not names:
            raise UsageError("no limit was named", "add --name LIMIT, or --all-of-them")
        user_id, team_id = self._customer(user, team)
        rows = queries.granted(self._connection, user_id=user_id, team_id=team_id, names=names)
        missing = sorted(set(names) - {row.limit for row in rows})
        if missing and len(names) < len(Limit):
            raise NotFound(
                f"nothing was granted of {', '.join(missing)}", "agentadm limits list shows what was granted to whom"
            )
        queries.clear(self._connection, user_id=user_id, team_id=team_id, names=names)
        return tuple(_override(row) for row in rows)

    def refuse_full(self, team: AnyRow, names: Sequence[Limit]) -> None:
        """Say no where the customer of a team has all that a limit allows; triggers hold it whoever writes.

        Args:
            team: its row, locked, so that what is counted stays so.
            names: the limits that one more would use.

        Raises:
            Conflict: how many are allowed and there, and what says so.
        """
        user_id, team_id = (None, team.id) if team.personal_of is None else (team.personal_of, None)
        for row in queries.chains(self._connection, user_id=user_id, team_id=team_id, agent_id=None, names=names):
            if row.decides and row.value is not None and (row.used or 0) >= row.value:
                raise self._full(team, row)

    def _full(self, team: AnyRow, row: AnyRow) -> Conflict:
        kind, name = "team", team.slug
        if team.personal_of is not None:
            user = self._services.users.show(str(team.personal_of))
            kind, name = "user", user.email or user.username or str(user.id)
        by = {"override": f"by an override: {row.detail}", "plan": f"by the plan {row.detail}"}
        what = TOTAL if row.limit == Limit.MAX_TOTAL_AGENTS else row.limit.removeprefix("max_").replace("_", " ")
        return Conflict(
            f"{kind} {name} may have {row.value} {what} ({by.get(row.source, row.detail)}), and has {row.used}",
            f"an exception: agentadm limits set --{kind} {name} --allow {row.limit}=N --reason TEXT",
        )

    def _future(self, text: str) -> datetime:
        now = database_now(self._connection)
        moment = parse_end(text, lambda: now)
        if moment <= now:
            raise UsageError(f"{text!r} is past: it would not hold", "give a later moment, such as 30d")
        return moment

    def _customer(self, user: str | None, team: str | None) -> tuple[UUID | None, UUID | None]:
        if (user is None) == (team is None):
            raise UsageError("limits are those of a user or of a team", "give --user USER, or --team TEAM")
        if user is not None:
            return self._services.users.find(user), None
        return queries.customer_of_team(self._connection, self._services.teams.find(str(team)))


def _override(row: AnyRow) -> Override:
    return Override(
        row.user,
        row.team,
        row.limit,
        row.value,
        row.unlimited,
        row.reason,
        row.expires_at,
        row.created_at,
        row.id,
    )

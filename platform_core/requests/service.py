"""Why a request is refused, or that it is not."""

from typing import TYPE_CHECKING

from platform_core.db.transaction_queries import database_now
from platform_core.errors import NotFound, UsageError
from platform_core.periods import parse_moment
from platform_core.requests import queries
from platform_core.requests.types import Asked, RuleOutcome, checked_endpoint

if TYPE_CHECKING:
    from uuid import UUID

    from platform_core.services import Services


class RequestService:
    """Requests of the platform's users.

    Args:
        services: of the unit of work.
    """

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._connection = services.connection

    def why(self, asked: Asked) -> tuple[RuleOutcome, ...]:
        """The rules that a request must pass, in order; the first that does not allow it decides.

        Raises:
            NotFound, Conflict: a reference names none, or several. Deleted users and agents are found, too.
            UsageError: neither user nor key; no endpoint; no moment.
        """
        if asked.user is None and asked.key is None:
            raise UsageError("whose request is it?", "name a user, or a key with --key")
        checked_endpoint(asked.endpoint)
        now = database_now(self._connection)
        rows = queries.rules(
            self._connection,
            user_id=None if asked.user is None else self._user(asked.user),
            key_id=None if asked.key is None else self._services.keys.find(asked.key),
            agent_id=None if asked.agent is None else self._agent(asked.agent),
            endpoint=asked.endpoint,
            environment=asked.environment,
            at=now if asked.at is None else parse_moment(asked.at, lambda: now),
        )
        return tuple(RuleOutcome(**row._mapping) for row in rows)

    def _user(self, reference: str) -> "UUID":
        """Also a deleted one: that is an answer."""
        try:
            return self._services.users.find(reference)
        except NotFound:
            return self._services.users.show(reference, deleted=True).id

    def _agent(self, reference: str) -> "UUID":
        """Also a deleted one: that is an answer."""
        try:
            return self._services.agents.find(reference)
        except NotFound:
            return self._services.agents.find(reference, deleted=True)

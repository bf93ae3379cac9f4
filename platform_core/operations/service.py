"""The rules of operations and of steps at providers."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from platform_core.errors import TryAgain
from platform_core.listing.service import ListService
from platform_core.listing.types import ListRequest, Rows
from platform_core.operations import queries
from platform_core.operations.types import Intent, IntentState, NewIntent

if TYPE_CHECKING:
    from platform_core.services import Services


class OperationService:
    """Steps at providers, inside a transaction.

    Args:
        services: of the same transaction.
    """

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._connection: Connection = services.connection

    def begin_step(self, new: NewIntent) -> Intent:
        """Write down what is about to be asked.

        Raises:
            TryAgain: a step about the same object is unfinished.
        """
        # The index decides, or two at the same moment would both find nothing unfinished.
        row = queries.insert_intent(self._connection, self._services.operation, new)
        if row is not None:
            return _intent(row)
        self.refuse_unfinished(new.object_type, new.object_id)
        raise TryAgain(f"another step about {new.object_type} {new.object_id} was just finished", "try again")

    def refuse_unfinished(self, object_type: str, object_id: str) -> None:
        """Stop when a step about this object is unfinished; every change of such an object calls this first.

        Raises:
            TryAgain: there is one; it names the command that finishes it.
        """
        row = queries.unfinished_intent(self._connection, object_type, object_id)
        if row is not None:
            raise TryAgain(
                f"a step at {row.provider} about {object_type} {object_id} is unfinished",
                f"finish it with: agentadm operations resume {row.operation_id}",
                operation_id=str(row.operation_id),
            )

    def steps_of(self, operation_id: UUID) -> tuple[Intent, ...]:
        """The steps of an operation, oldest first."""
        return tuple(_intent(row) for row in queries.intents_of(self._connection, operation_id))

    def unfinished(self, request: ListRequest) -> Rows[Intent]:
        """Unfinished steps, oldest first.

        Raises:
            UsageError: a condition or the order names what there is not.
        """
        return ListService(self._connection, queries.LIST, request, _listed_intent, [queries.UNFINISHED])

    def forget_keys(self, older_than: timedelta) -> int:
        """Forget the idempotency keys that are older, and their stored answers. Returns how many."""
        return queries.forget_keys(self._connection, older_than)

    def settle(
        self,
        intent_id: UUID,
        state: IntentState,
        answer: Mapping[str, Any] | None,
        error: str | None,
        effects: "Callable[[Services, Intent], None]",
    ) -> IntentState:
        """Record an answer and its effects, once: a step that somebody else settled meanwhile is left as it is.

        Returns:
            How the step stands now.
        """
        intent = _intent(queries.lock_intent(self._connection, intent_id))
        if intent.state is not IntentState.PENDING:
            return intent.state
        effects(self._services, intent)
        queries.settle_intent(self._connection, intent_id, state, answer, error)
        return state

    def keep_result(self, key: str, value: Any) -> None:
        """Store what the operation under an idempotency key answered, for its replays."""
        queries.store_result(self._connection, key, msgspec.json.encode(value).decode())


def _intent(row: Any) -> Intent:
    fields = dict(row._mapping)
    del fields["updated_at"]
    fields["state"] = IntentState(row.state)
    return Intent(**fields)


def _listed_intent(row: Any) -> Intent:
    values = {field.name: getattr(row, field.name) for field in dataclasses.fields(Intent)}
    return Intent(**{**values, "state": IntentState(row.state)})

"""The write path, once: the only place that commits."""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from platform_core.audit import queries as audit_queries
from platform_core.audit.types import ChangeList
from platform_core.clock import uuid_v7
from platform_core.config import Settings
from platform_core.db import transaction_queries
from platform_core.db.engine import (
    DRIVER_ERRORS,
    Database,
    host_name,
    is_lost_connection,
    os_user,
    roll_back,
    translated,
)
from platform_core.db.reading import Reader
from platform_core.errors import AgentadmError, Conflict, GuardTripped, Interrupted, Terminated, TryAgain
from platform_core.operations import queries
from platform_core.operations.types import Outcome, WriteRequest
from platform_core.services import Services
from platform_core.signals import Termination

T = TypeVar("T")

FIND_OUT_SECONDS = 30.0
POLL_SECONDS = 0.05
# What agentadm.erase_person leaves of an answer.
ERASED_ANSWER = {"erased": True}


class Phase(StrEnum):
    """How far a change has come."""

    OPEN = "open"
    COMMITTING = "committing"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "not known"


@dataclass
class InFlight:
    """The change under way, for whoever is interrupted and must say what became of it.

    `at_provider` tells that the operation's first transaction is committed and its step at a provider not settled.
    """

    operation_id: UUID
    phase: Phase = Phase.OPEN
    xid: int | None = None
    at_provider: bool = False


class Sessions(Reader):
    """Transactions on the configured database.

    Args:
        database: where to.
        settings: time-outs and the fake clock.
        wait_seconds: how long to wait for a lock before giving up with TryAgain; None for the default.
    """

    def __init__(self, database: Database, settings: Settings, wait_seconds: float | None = None) -> None:
        super().__init__(database, settings, wait_seconds)
        self.in_flight: InFlight | None = None

    def write(
        self, request: WriteRequest, work: Callable[[Services], T], result_type: Any, *, goes_on: bool = False
    ) -> Outcome[T]:
        """Run one operation whole, or not at all.

        Args:
            request: what is asked, by whom and why.
            work: the change itself; run again after a serialization failure or deadlock, so it reads no input.
            result_type: of the value that `work` returns; a replay is decoded into it.
            goes_on: a later transaction stores the result; until then the value of a replay is None.

        Raises:
            Conflict: the idempotency key was used for other inputs, or a rule was broken.
            GuardTripped: more rows would change than were allowed.
            TryAgain: locked, in the way of others, or the connection was lost; nothing was changed, or it says so.
            Interrupted, Terminated: by a signal, with what became of the change.
        """
        from platform_core.db.rerun import rerun

        operation_id = uuid_v7()
        return rerun(lambda: self._once(operation_id, request, work, result_type, goes_on=goes_on))

    def wait_for_provider(self, operation_id: UUID) -> None:
        """Note that a provider is about to be asked: whoever is interrupted meanwhile says that it is not finished."""
        self.in_flight = InFlight(operation_id, at_provider=True)

    def go_on(self, operation_id: UUID, work: Callable[[Services], T]) -> T:
        """Run a later transaction of an operation that was begun: the second half of a provider step.

        Args:
            operation_id: of the operation.
            work: the rest of the change; run again after a serialization failure or deadlock.

        Raises:
            AgentadmError: as write does.
        """
        from platform_core.db.rerun import rerun

        return rerun(lambda: self._go_on_once(operation_id, work))

    def _go_on_once(self, operation_id: UUID, work: Callable[[Services], T]) -> T:
        in_flight = self.in_flight = InFlight(operation_id, at_provider=True)
        connection = self._writing_connection()
        try:
            in_flight.xid = queries.go_on(connection, operation_id, self._timeouts())
            value = work(Services(connection, operation_id, self._settings))
            self._commit(connection, in_flight)
        except BaseException as error:
            self._after_failure(error, connection, in_flight)
            raise
        return value

    def _once(
        self,
        operation_id: UUID,
        request: WriteRequest,
        work: Callable[[Services], T],
        result_type: Any,
        *,
        goes_on: bool,
    ) -> Outcome[T]:
        in_flight = self.in_flight = InFlight(operation_id)
        connection = self._writing_connection()
        try:
            in_flight.xid = queries.begin(
                connection,
                operation_id,
                request,
                msgspec.json.encode(request.arguments).decode(),
                self._timeouts(),
                os_user=os_user(),
                host=host_name(),
            )
            if (replay := self._claim(connection, operation_id, request, result_type)) is not None:
                roll_back(connection)
                in_flight.phase = Phase.ROLLED_BACK
                return replay
            services = Services(connection, operation_id, self._settings)
            value = work(services)
            affected = audit_queries.count_changes(connection, operation_id) + services.unaudited
            if request.max_affected is not None and affected > request.max_affected:
                raise GuardTripped(
                    f"{affected} rows would change, cascades included; --max-affected allows {request.max_affected}",
                    "nothing was changed; look at them with --dry-run",
                )
            if request.dry_run:
                changes = self._dry_run_changes(connection, operation_id)
                roll_back(connection)
                in_flight.phase = Phase.ROLLED_BACK
                return Outcome(value, operation_id, dry_run=True, affected=affected, changes=changes,
                               unaudited=services.unaudited)  # fmt: skip
            if request.idempotency_key is not None and not goes_on:
                queries.store_result(connection, request.idempotency_key, msgspec.json.encode(value).decode())
            self._commit(connection, in_flight)
        except BaseException as error:
            self._after_failure(error, connection, in_flight)
            raise
        return Outcome(value, operation_id, affected=affected)

    def _claim(
        self, connection: Connection, operation_id: UUID, request: WriteRequest, result_type: Any
    ) -> Outcome[Any] | None:
        """The stored outcome when the request's idempotency key was used before; None when it is ours now."""
        key = request.idempotency_key
        if key is None:
            return None
        digest = inputs_digest(connection, request)
        if queries.claim_key(connection, key, digest, operation_id):
            return None
        stored = queries.find_key(connection, key)
        if stored is None:
            raise TryAgain(f"idempotency key {key!r} was given up while we waited for it", "run the command again")
        if not hmac.compare_digest(stored.inputs_digest, digest):
            raise Conflict(
                f"idempotency key {key!r} was used for other inputs, by operation {stored.operation_id}",
                "use a new key, or repeat the command exactly",
                operation_id=str(stored.operation_id),
            )
        if stored.result == ERASED_ANSWER:
            raise Conflict(
                f"operation {stored.operation_id} ran under this key before; its answer was erased with a person",
                f"nothing was changed; see: agentadm audit show {stored.operation_id}",
                operation_id=str(stored.operation_id),
            )
        value = None if stored.result is None else msgspec.convert(stored.result, result_type)
        return Outcome(value, stored.operation_id, replayed=True)

    @staticmethod
    def _dry_run_changes(connection: Connection, operation_id: UUID) -> ChangeList:
        queries.force_deferred_constraints(connection)
        return audit_queries.change_list(connection, operation_id)

    def _commit(self, connection: Connection, in_flight: InFlight) -> None:
        in_flight.phase = Phase.COMMITTING
        try:
            connection.commit()
        except DRIVER_ERRORS as error:
            if not is_lost_connection(error):
                raise
            if not self._find_out(in_flight):
                raise TryAgain(
                    "the connection was lost at COMMIT; the change was not made, nothing is half done",
                    "run the command again",
                    operation_id=str(in_flight.operation_id),
                ) from error
        in_flight.phase = Phase.COMMITTED

    def _find_out(self, in_flight: InFlight) -> bool:
        """Whether a COMMIT without an answer took effect.

        Raises:
            TryAgain: the database could not be asked in time.
        """
        deadline = time.monotonic() + FIND_OUT_SECONDS
        in_flight.phase = Phase.UNKNOWN
        told = "the database cannot be asked"
        try:
            self._database.forget()
            while (seconds_left := deadline - time.monotonic()) > 0:
                found = self._look_up(in_flight, seconds_left)
                if found is not None:
                    in_flight.phase = Phase.COMMITTED if found else Phase.ROLLED_BACK
                    return found
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            # Whoever interrupts even this wants to leave.
            told = "asking the database was interrupted"
        raise TryAgain(
            f"there is no answer to COMMIT, and {told}: it is not known whether the change was made",
            f"ask later: agentadm audit show {in_flight.operation_id} (not found means not made)",
            operation_id=str(in_flight.operation_id),
        )

    def _look_up(self, in_flight: InFlight, seconds: float) -> bool | None:
        """Whether a COMMIT took effect, on a connection of its own; None when that cannot be told now."""
        if in_flight.xid is None:
            return False
        patience = f"{max(1, round(seconds * 1000))}ms"
        try:
            with self._database.connect() as connection:
                # Each statement sees what was committed before it, whatever the database's default is.
                connection.execution_options(isolation_level="READ COMMITTED", postgresql_readonly=True)
                settings = {"statement_timeout": patience, "lock_timeout": patience, "clock": ""}
                transaction_queries.set_up(connection, settings)
                return queries.was_committed(connection, in_flight.operation_id, in_flight.xid)
        except (*DRIVER_ERRORS, AgentadmError):
            return None

    def _after_failure(self, error: BaseException, connection: Connection, in_flight: InFlight) -> None:
        """Get the transaction out of the way, and raise ours for what is not ours."""
        if isinstance(error, KeyboardInterrupt):
            raise self.interruption(error) from error
        was_open = in_flight.phase is Phase.OPEN
        if in_flight.phase in {Phase.OPEN, Phase.COMMITTING}:
            roll_back(connection)
            in_flight.phase = Phase.ROLLED_BACK
        if was_open and is_lost_connection(error):
            raise TryAgain(
                "the connection was lost before COMMIT; nothing was changed",
                "run the command again",
                operation_id=str(in_flight.operation_id),
            ) from error
        if isinstance(error, DRIVER_ERRORS):
            from platform_core.db.rerun import Rerun, is_in_the_way

            raise (Rerun(error) if is_in_the_way(error) else translated(error)) from error

    def interruption(self, error: KeyboardInterrupt) -> AgentadmError:
        """What to say after a signal: what became of the change that was under way, if any."""
        kind = Terminated if isinstance(error, Termination) else Interrupted
        word = "ended by SIGTERM" if kind is Terminated else "interrupted"
        in_flight = self.in_flight
        if in_flight is None:
            return kind(f"{word}; nothing was changed")
        if in_flight.phase in {Phase.COMMITTING, Phase.UNKNOWN}:
            self._find_out(in_flight)
        if in_flight.phase is Phase.COMMITTED:
            return kind(
                f"{word}; the change had been made already, as operation {in_flight.operation_id}",
                f"agentadm audit show {in_flight.operation_id}",
                operation_id=str(in_flight.operation_id),
            )
        self._database.forget()
        in_flight.phase = Phase.ROLLED_BACK
        if in_flight.at_provider:
            return kind(
                f"{word}; operation {in_flight.operation_id} is not finished",
                f"finish it with: agentadm operations resume {in_flight.operation_id}",
                operation_id=str(in_flight.operation_id),
            )
        return kind(f"{word}; rolled back, nothing was changed")

    def _writing_connection(self) -> Connection:
        return self._database.connection.execution_options(isolation_level="READ COMMITTED", postgresql_readonly=False)


def inputs_digest(connection: Connection, request: WriteRequest) -> str:
    """An HMAC over the command and all its inputs: equal for calls that are the same.

    Args:
        connection: to the installation with whose own random key it is made, which stays in the database.
        request: the inputs hold no file or stream, but their digests. What may be secret among them stays here.
    """
    message = msgspec.json.encode([request.command, request.inputs or request.arguments], order="deterministic")
    return queries.inputs_digest(connection, hashlib.sha256(message).digest())

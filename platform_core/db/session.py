"""The write path, once: the only place that commits. And its counterpart for reads."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from platform_core.audit import queries as audit_queries
from platform_core.audit.types import ChangeList
from platform_core.clock import uuid_v7
from platform_core.config import Settings
from platform_core.db.engine import Database, host_name, is_lost_connection, os_user, translated
from platform_core.errors import AgentadmError, Conflict, GuardTripped, Interrupted, Terminated, TryAgain
from platform_core.operations import queries
from platform_core.operations.types import Outcome, WriteRequest
from platform_core.services import Services
from platform_core.signals import Termination

T = TypeVar("T")

ATTEMPTS = 3
RERUN_STATES = frozenset({"40001", "40P01"})
DRIVER_ERRORS = (DBAPIError, psycopg.Error)
DEFAULT_STATEMENT_SECONDS = 300.0
DEFAULT_LOCK_SECONDS = 5.0
FIND_OUT_SECONDS = 30.0


class Phase(StrEnum):
    """How far a change has come."""

    OPEN = "open"
    COMMITTING = "committing"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"


@dataclass
class InFlight:
    """The change under way, for whoever is interrupted and must say what became of it."""

    operation_id: UUID
    phase: Phase = Phase.OPEN
    xid: int | None = None


class Sessions:
    """Transactions on the configured database.

    Args:
        database: where to.
        settings: time-outs and the fake clock.
        wait_seconds: how long to wait for a lock before giving up with TryAgain; None for the default.
    """

    def __init__(self, database: Database, settings: Settings, wait_seconds: float | None = None) -> None:
        self._database = database
        self._settings = settings
        self._wait_seconds = wait_seconds
        self._connection: Connection | None = None
        self.in_flight: InFlight | None = None

    @property
    def connection(self) -> Connection:
        """The process's one connection, made again when it was lost."""
        if self._connection is not None and (self._connection.closed or self._connection.invalidated):
            self._connection = None
        if self._connection is None:
            self._connection = self._database.connect()
        return self._connection

    def close(self) -> None:
        """Give the connection back; whatever was open is rolled back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, work: Callable[[Services], T]) -> T:
        """Run statements that see one moment of the database and cannot change it.

        Raises:
            AgentadmError: whatever the work raises; driver errors translated.
        """
        connection = self.connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        try:
            queries.begin_read(connection, self._transaction_settings())
            return work(Services(connection))
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            self._roll_back(connection)

    def write(self, request: WriteRequest, work: Callable[[Services], T], result_type: Any) -> Outcome[T]:
        """Run one operation whole, or not at all.

        Args:
            request: what is asked, by whom and why.
            work: the change itself; run again after a serialization failure or deadlock, so it reads no input.
            result_type: of the value that `work` returns; a replay is decoded into it.

        Raises:
            Conflict: the idempotency key was used for other inputs, or a rule was broken.
            GuardTripped: more rows would change than were allowed.
            TryAgain: locked, in the way of others, or the connection was lost; nothing was changed, or it says so.
            Interrupted, Terminated: by a signal, with what became of the change.
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

        attempts = Retrying(
            retry=retry_if_exception_type(_Rerun),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            reraise=True,
        )
        operation_id = uuid_v7()
        try:
            return attempts(self._once, operation_id, request, work, result_type)
        except _Rerun as error:
            raise translated(error.error) from error.error

    def go_on(self, operation_id: UUID, work: Callable[[Services], T]) -> T:
        """Run a later transaction of an operation that was begun: the second half of a provider step.

        Raises:
            AgentadmError: as write does.
        """
        in_flight = self.in_flight = InFlight(operation_id)
        connection = self._writing_connection()
        try:
            in_flight.xid = queries.go_on(connection, operation_id, self._transaction_settings())
            value = work(Services(connection))
            self._commit(connection, in_flight)
        except BaseException as error:
            self._after_failure(error, connection, in_flight)
            raise
        return value

    def _once(
        self, operation_id: UUID, request: WriteRequest, work: Callable[[Services], T], result_type: Any
    ) -> Outcome[T]:
        in_flight = self.in_flight = InFlight(operation_id)
        connection = self._writing_connection()
        try:
            in_flight.xid = queries.begin(
                connection,
                operation_id,
                request,
                msgspec.json.encode(request.arguments).decode(),
                self._transaction_settings(),
                os_user=os_user(),
                host=host_name(),
            )
            if (replay := self._claim(connection, operation_id, request, result_type)) is not None:
                self._roll_back(connection)
                in_flight.phase = Phase.ROLLED_BACK
                return replay
            value = work(Services(connection, operation_id))
            affected = audit_queries.count_changes(connection, operation_id)
            if request.max_affected is not None and affected > request.max_affected:
                raise GuardTripped(
                    f"{affected} rows would change, cascades included; --max-affected allows {request.max_affected}",
                    "nothing was changed; look at them with --dry-run",
                )
            if request.dry_run:
                changes = self._dry_run_changes(connection, operation_id)
                self._roll_back(connection)
                in_flight.phase = Phase.ROLLED_BACK
                return Outcome(value, operation_id, dry_run=True, affected=affected, changes=changes)
            if request.idempotency_key is not None:
                queries.store_result(connection, request.idempotency_key, _encoded(value))
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
        digest = inputs_digest(audit_queries.digest_key(connection), request)
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
        value = msgspec.convert(stored.result, result_type, strict=False)
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
        self._forget_connection()
        while time.monotonic() < deadline:
            try:
                with self._database.connect() as connection:
                    found = (
                        None
                        if in_flight.xid is None
                        else queries.was_committed(connection, in_flight.operation_id, in_flight.xid)
                    )
            except (*DRIVER_ERRORS, TryAgain):
                found = None
            if found is not None:
                in_flight.phase = Phase.COMMITTED if found else Phase.ROLLED_BACK
                return found
            time.sleep(0.05)
        raise TryAgain(
            "the connection was lost at COMMIT, and the database cannot be asked whether the change was made",
            f"when it is back: agentadm operations show {in_flight.operation_id} (not found means not made)",
            operation_id=str(in_flight.operation_id),
        )

    def _after_failure(self, error: BaseException, connection: Connection, in_flight: InFlight) -> None:
        """Get the transaction out of the way, and raise ours for what is not ours."""
        if isinstance(error, KeyboardInterrupt):
            raise self.interruption(error) from error
        if in_flight.phase is not Phase.COMMITTED:
            self._roll_back(connection)
            in_flight.phase = Phase.ROLLED_BACK
        if isinstance(error, DRIVER_ERRORS):
            raise (_Rerun(error) if _sqlstate(error) in RERUN_STATES else translated(error)) from error

    def interruption(self, error: KeyboardInterrupt) -> AgentadmError:
        """What to say after a signal: what became of the change that was under way, if any."""
        kind = Terminated if isinstance(error, Termination) else Interrupted
        word = "ended by SIGTERM" if kind is Terminated else "interrupted"
        in_flight = self.in_flight
        if in_flight is None:
            return kind(f"{word}; nothing was changed")
        if in_flight.phase is Phase.COMMITTING:
            self._find_out(in_flight)
        if in_flight.phase is Phase.COMMITTED:
            return kind(
                f"{word}; the change had been made already, as operation {in_flight.operation_id}",
                f"agentadm audit show {in_flight.operation_id}",
                operation_id=str(in_flight.operation_id),
            )
        self._forget_connection()
        in_flight.phase = Phase.ROLLED_BACK
        return kind(f"{word}; rolled back, nothing was changed")

    def _writing_connection(self) -> Connection:
        return self.connection.execution_options(isolation_level="READ COMMITTED", postgresql_readonly=False)

    def _transaction_settings(self) -> Mapping[str, str]:
        lock = DEFAULT_LOCK_SECONDS if self._wait_seconds is None else self._wait_seconds
        statement = self._settings.seconds("AGENTADM_STATEMENT_TIMEOUT", DEFAULT_STATEMENT_SECONDS)
        return {
            "statement_timeout": f"{round(statement * 1000)}ms",
            # PostgreSQL reads 0 as for ever; not to wait at all is the shortest time it knows.
            "lock_timeout": f"{max(1, round(lock * 1000))}ms",
            "clock": self._settings.clock or "",
        }

    @staticmethod
    def _roll_back(connection: Connection) -> None:
        try:
            connection.rollback()
        except DRIVER_ERRORS:
            connection.invalidate()

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None


class _Rerun(Exception):
    """The transaction was in the way of another; it was rolled back and may be run again."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def _sqlstate(error: BaseException) -> str | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None)


def inputs_digest(key: bytes, request: WriteRequest) -> str:
    """An HMAC over the command and all its inputs: equal for calls that are the same.

    Args:
        key: the installation's own random key, so that a digest says nothing about what was given.
        request: the inputs hold no file or stream, but their digests.
    """
    message = msgspec.json.encode([request.command, request.inputs or request.arguments], order="deterministic")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()

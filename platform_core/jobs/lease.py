"""One run of a job at a time, without session locks: a row with an end, kept alive by a heartbeat."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from platform_core.db import transaction_queries
from platform_core.db.engine import DRIVER_ERRORS, Database, host_name, translated
from platform_core.errors import AgentadmError, TryAgain
from platform_core.jobs import queries
from platform_core.operations.types import Outcome
from platform_core.services import Services

T = TypeVar("T")

LEASE_SECONDS = 60.0
POLL_SECONDS = 0.2
PATIENCE_SECONDS = 5.0


class Lease:
    """The right to run a job, taken when entered and given back at the end.

    Args:
        database: where to.
        job: noun and verb.
        wait_seconds: how long to wait for another run to end.
        lease_seconds: how long the lease outlives a process that died.
    """

    def __init__(
        self, database: Database, job: str, *, wait_seconds: float = 0, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._database = database
        self._job = job
        self._wait_seconds = wait_seconds
        self._lease_seconds = lease_seconds
        self._ended = threading.Event()

    def run(self, write: Callable[[Callable[[Services], T]], Outcome[T]], work: Callable[[Services], T]) -> Outcome[T]:
        """Run the job's work under the lease, and record how it ended.

        Args:
            write: runs work in a transaction of the write path.
            work: what the job does.

        Raises:
            TryAgain: another run holds the lease, or this one lost it; nothing was changed then.
        """
        run_id = self._take()
        heartbeat = threading.Thread(target=self._keep, args=(run_id,), name=f"heartbeat of {self._job}", daemon=True)
        heartbeat.start()
        try:
            outcome = write(lambda services: self._held(services, run_id, work))
        except BaseException as error:
            told = error.message if isinstance(error, AgentadmError) else type(error).__name__
            self._end(heartbeat, run_id, "failed", error=told)
            raise
        self._end(heartbeat, run_id, "done", operation_id=outcome.operation_id, result=_encoded(outcome.value))
        return outcome

    def _held(self, services: Services, run_id: UUID, work: Callable[[Services], T]) -> T:
        value = work(services)
        # In one transaction with the work: a run is done exactly when its work is committed.
        kept = queries.finish(
            services.connection, run_id, "done", operation_id=services.operation_id, result=_encoded(value)
        )
        if not kept:
            raise TryAgain(f"{self._job} lost its lease to another run; nothing was changed", "see: agentadm db jobs")
        return value

    def _take(self) -> UUID:
        holder = f"{host_name()} process {os.getpid()}"
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                with self._connection() as connection:
                    run_id = queries.take(connection, self._job, holder, self._lease_seconds)
                    other = queries.holder_of(connection, self._job) if run_id is None else None
                    connection.commit()
            except DRIVER_ERRORS as error:
                raise translated(error) from error
            if run_id is not None:
                return run_id
            if time.monotonic() >= deadline:
                told = f" since {other.created_at:%Y-%m-%d %H:%M:%S} UTC: {other.holder}" if other else ""
                raise TryAgain(f"{self._job} is running{told}", "wait for it with --wait SECONDS, or try again later")
            time.sleep(POLL_SECONDS)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of its own, on which nothing waits for ever: the job's transaction may hold the row."""
        patience = f"{round(PATIENCE_SECONDS * 1000)}ms"
        with self._database.connect() as connection:
            settings = {"statement_timeout": patience, "lock_timeout": patience, "clock": ""}
            transaction_queries.set_up(connection, settings)
            yield connection

    def _keep(self, run_id: UUID) -> None:
        while not self._ended.wait(self._lease_seconds / 3):
            try:
                with self._connection() as connection:
                    kept = queries.renew(connection, run_id, self._lease_seconds)
                    connection.commit()
            except (AgentadmError, *DRIVER_ERRORS):
                # The next beat tries again; a lease that runs out meanwhile is noticed before COMMIT.
                continue
            if not kept:
                return

    def _end(self, heartbeat: threading.Thread, run_id: UUID, state: str, **how: Any) -> None:
        """Stop the heartbeat, and record the end of a run whose work did not record it: it failed, or was a replay."""
        self._ended.set()
        heartbeat.join()
        try:
            with self._connection() as connection:
                queries.finish(connection, run_id, state, **how)
                connection.commit()
        except (AgentadmError, *DRIVER_ERRORS):
            # The work itself is committed or rolled back by now; the lease runs out by itself.
            return


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()

"""One run of a job at a time, without session locks: a row with an end, kept alive by a heartbeat."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy.exc import DBAPIError

from platform_core.db.engine import Database, host_name
from platform_core.errors import AgentadmError, TryAgain
from platform_core.jobs import queries
from platform_core.operations.types import Outcome
from platform_core.services import Services

T = TypeVar("T")

LEASE_SECONDS = 60.0
POLL_SECONDS = 0.2


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
        self._run_id: UUID | None = None
        self._ended = threading.Event()
        self._heartbeat = threading.Thread(target=self._keep, name=f"heartbeat of {job}", daemon=True)

    def run(self, write: Callable[[Callable[[Services], T]], Outcome[T]], work: Callable[[Services], T]) -> Outcome[T]:
        """Run the job's work under the lease, and record how it ended.

        Args:
            write: runs work in a transaction of the write path.
            work: what the job does.

        Raises:
            TryAgain: another run holds the lease, or this one lost it; nothing was changed then.
        """
        run_id = self._run_id = self._take()
        self._heartbeat.start()
        try:
            outcome = write(lambda services: self._held(services, work))
        except BaseException as error:
            told = error.message if isinstance(error, AgentadmError) else type(error).__name__
            self._finish(run_id, state="failed", error=told)
            raise
        self._finish(
            run_id,
            state="done",
            operation_id=outcome.operation_id,
            result=msgspec.json.encode(outcome.value).decode(),
        )
        return outcome

    def _held(self, services: Services, work: Callable[[Services], T]) -> T:
        value = work(services)
        if self._run_id is None or not queries.hold(services.connection, self._run_id):
            raise TryAgain(f"{self._job} lost its lease to another run; nothing was changed", "see: agentadm db jobs")
        return value

    def _take(self) -> UUID:
        holder = f"{host_name()} process {os.getpid()}"
        deadline = time.monotonic() + self._wait_seconds
        while True:
            with self._database.connect() as connection:
                run_id = queries.take(connection, self._job, holder, self._lease_seconds)
                other = queries.holder_of(connection, self._job) if run_id is None else None
                connection.commit()
            if run_id is not None:
                return run_id
            if time.monotonic() >= deadline:
                told = f" since {other.created_at:%Y-%m-%d %H:%M:%S} UTC: {other.holder}" if other else ""
                raise TryAgain(f"{self._job} is running{told}", "wait for it with --wait SECONDS, or try again later")
            time.sleep(POLL_SECONDS)

    def _keep(self) -> None:
        while not self._ended.wait(self._lease_seconds / 3):
            try:
                with self._database.connect() as connection:
                    kept = self._run_id is not None and queries.renew(connection, self._run_id, self._lease_seconds)
                    connection.commit()
            except (AgentadmError, DBAPIError, psycopg.Error):
                # The next beat tries again; a lease that runs out meanwhile is noticed before COMMIT.
                continue
            if not kept:
                return

    def _finish(self, run_id: UUID, **how: Any) -> None:
        self._ended.set()
        self._heartbeat.join()
        try:
            with self._database.connect() as connection:
                queries.finish(connection, run_id, **how)
                connection.commit()
        except (AgentadmError, DBAPIError, psycopg.Error):
            # The work itself is committed or rolled back by now; the lease runs out by itself.
            return

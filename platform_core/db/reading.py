"""Transactions that read: one moment of the database, and no way to change it. Loads nothing that writing needs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from platform_core.config import Settings
from platform_core.db import transaction_queries
from platform_core.db.engine import DRIVER_ERRORS, Database, roll_back, translated
from platform_core.services import Services

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
First = Callable[[Services], None] | None

DEFAULT_STATEMENT_SECONDS = 300.0
DEFAULT_LOCK_SECONDS = 5.0


class Reader:
    """Reading transactions on the configured database.

    Args:
        database: where to.
        settings: time-outs and the fake clock.
        wait_seconds: how long to wait for a lock before giving up with TryAgain; None for the default.
        as_user: reference of the user whose eyes to read with, under row-level security; None for the login's own.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        wait_seconds: float | None = None,
        as_user: str | None = None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._wait_seconds = wait_seconds
        self._as_user = as_user

    def read(self, work: Callable[[Services], T], *, first: First = None) -> T:
        """Run statements that see one moment of the database and cannot change it.

        Args:
            work: the statements.
            first: what to do before, with the login's own eyes.

        Raises:
            AgentadmError: whatever the work raises; driver errors translated.
        """
        with self._transaction(first) as services:
            return work(services)

    def stream(self, work: Callable[[Services], Iterator[T]], *, first: First = None) -> Iterator[T]:
        """As read, for rows that are taken one by one: the transaction is open until the last is taken, or close().

        Raises:
            AgentadmError: whatever the work raises; driver errors translated.
        """
        with self._transaction(first) as services:
            yield from work(services)

    @contextmanager
    def statements(self) -> "Iterator[psycopg.Connection[Any]]":
        """A connection of its own for statements that read and stand alone: nothing is prepared behind a pooler.

        Raises:
            AgentadmError: what the driver said, translated.
        """
        try:
            with closing(self._database.raw_connection()) as connection:
                connection.autocommit = True
                (process,) = connection.execute(transaction_queries.OWN_PROCESS).fetchone() or (None,)
                if process == connection.info.backend_pid:
                    connection.execute(transaction_queries.OF_SESSION, self._timeouts())
                    connection.prepare_threshold = 0
                yield connection
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    @contextmanager
    def _transaction(self, first: First) -> Iterator[Services]:
        connection = self._database.connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        try:
            transaction_queries.set_up(connection, self._timeouts())
            services = Services(connection, settings=self._settings)
            if first is not None:
                first(services)
            if self._as_user is not None:
                transaction_queries.become_tenant(connection, services.users.find(self._as_user))
            yield services
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            roll_back(connection)

    def _timeouts(self) -> Mapping[str, str]:
        """Settings of a transaction: time-outs and the clock."""
        lock = DEFAULT_LOCK_SECONDS if self._wait_seconds is None else self._wait_seconds
        statement = self._settings.seconds("AGENTADM_STATEMENT_TIMEOUT", DEFAULT_STATEMENT_SECONDS)
        return {
            "statement_timeout": f"{round(statement * 1000)}ms",
            # PostgreSQL reads 0 as for ever; not to wait at all is the shortest time it knows.
            "lock_timeout": f"{max(1, round(lock * 1000))}ms",
            "clock": self._settings.clock or "",
        }

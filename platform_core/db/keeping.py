"""Transactions for rows that are their own record: they belong to no operation."""

from collections.abc import Callable
from typing import TypeVar

from platform_core.db import transaction_queries
from platform_core.db.engine import DRIVER_ERRORS, roll_back, translated
from platform_core.db.reading import Reader
from platform_core.services import Services

T = TypeVar("T")


class Keeper(Reader):
    """Writes progress and the like. A change of the platform goes through Sessions.write, always."""

    def keep(self, work: Callable[[Services], T]) -> T:
        """Run a transaction and commit it; run again after a lost answer it does no harm.

        Raises:
            AgentadmError: whatever the work raises; driver errors translated. What was not committed is rolled back.
        """
        connection = self._database.connection.execution_options(
            isolation_level="READ COMMITTED", postgresql_readonly=False
        )
        try:
            transaction_queries.set_up(connection, self._timeouts())
            value = work(Services(connection, settings=self._settings))
            connection.commit()
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            roll_back(connection)
        return value

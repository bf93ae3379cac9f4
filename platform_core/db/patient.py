"""An installation under examination by the doctor, and what a check answers with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import psycopg
from sqlalchemy import Connection, Table

from platform_core.config import Settings
from platform_core.db import doctor_queries
from platform_core.db.mark import Mark
from platform_core.db.schema import AnyRow, load_tables
from platform_core.errors import AgentadmError
from platform_core.services import Services

NAMED = 5


@dataclass
class Patient:
    """The installation under examination, and what several checks ask of it."""

    connection: Connection
    mark: Mark
    settings: Settings | None = None

    @cached_property
    def services(self) -> Services:
        """The nouns' own rules, in the same transaction."""
        return Services(self.connection, settings=self.settings)

    @cached_property
    def surroundings(self) -> AnyRow:
        """What the server says of itself and of this session."""
        return doctor_queries.surroundings(self.connection)

    @cached_property
    def tables(self) -> list[AnyRow]:
        """Tables and partitions."""
        return doctor_queries.tables(self.connection)

    @cached_property
    def declared(self) -> dict[str, Table]:
        """The tables as the code declares them, by name."""
        return {table.name: table for table in load_tables().tables.values()}

    @property
    def driver(self) -> psycopg.Connection[object]:
        """The driver's connection."""
        driver = self.connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise AgentadmError("the connection is lost")
        return driver


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do."""

    detail: str
    advice: str


# A check answers with what is fine, in words, or with the problem.
Check = Callable[[Patient], str | Problem]


def named(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

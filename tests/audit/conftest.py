"""Fixtures of the audit tests."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from tests.audit.helpers import PEOPLE, run
from tests.support import Cluster, Database

GROUPS = ("support", "billing", "admin", "tenant", "analytics")
Login = Callable[[str], str]


@pytest.fixture(scope="session")
def logins(cluster: Cluster, template: Database) -> dict[str, str]:
    """A login in each of the group roles: support, billing, admin, tenant, analytics."""
    names = {group: f"audit_{group}" for group in GROUPS}
    with psycopg.connect(cluster.server.conninfo("postgres", "postgres"), autocommit=True) as connection:
        for group, name in names.items():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(
                    sql.Identifier(name), sql.Identifier(f"agentadm_{group}")
                )
            )
    return names


@pytest.fixture
def people(database: Database) -> Database:
    """The database with three users, two of them with identities."""
    with database.connect() as connection:
        run(connection, PEOPLE)
    return database

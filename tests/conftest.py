"""Fixtures: a server for each worker, a migrated template, and a clone of it for each test. Real commits."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from platform_core.platform import Platform
from tests.compiled import share
from tests.support import Cluster, Database, Result, run

# The same examples every time, so that a red run is red again; others: --hypothesis-profile=random.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.register_profile("random", derandomize=False)
hypothesis.settings.load_profile("same")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts its background jobs so, and what ignores Ctrl-C hands that on to the commands under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)

share()

POSTGRES = os.environ.get("AGENTADM_TEST_POSTGRES", "18")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server of our own; PostgreSQL 18, or what AGENTADM_TEST_POSTGRES says."""
    made = Cluster(tmp_path_factory.mktemp("cluster"), POSTGRES)
    yield made
    made.destroy()


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> Database:
    """A database that was set up by the tool itself."""
    database = cluster.database()
    done = run(["db", "init", "--environment", "test"], database.environ)
    assert done.code == 0, done.err
    return database


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[Database]:
    """A new database that nobody set up."""
    database = cluster.database()
    yield database
    cluster.drop(database)


@pytest.fixture
def database(cluster: Cluster, template: Database) -> Iterator[Database]:
    """A clone of the template."""
    clone = cluster.database(template.name)
    yield clone
    cluster.drop(clone)


@pytest.fixture
def platform(database: Database) -> Iterator[Platform]:
    """The platform on the test's database."""
    made = Platform(database.environ)
    yield made
    made.close()


Agentadm = Callable[..., Result]


@pytest.fixture
def agentadm(database: Database, tmp_path: Path) -> Agentadm:
    """The real main on the test's database: agentadm("users", "list", stdin=..., env={...}, terminal=True)."""

    def call(*argv: str, stdin: str = "", env: dict[str, Any] | None = None, terminal: bool = False) -> Result:
        environ = {**database.environ, "AGENTADM_HOME": str(tmp_path / "home"), **(env or {})}
        return run(argv, environ, stdin=stdin, terminal=terminal)

    return call

"""Fixtures: embedded servers of a test's own, which it may stop, kill and remove; seeded companies to look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_core.db.embedded import EmbeddedServer
from platform_core.platform import Platform
from tests.db.embedded_support import MakeServer
from tests.db.seeded import seed
from tests.support import Cluster, Database


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    made: list[EmbeddedServer] = []

    def make(home: Path | None = None, postgres: str = "18", durable: bool = False) -> EmbeddedServer:
        made.append(EmbeddedServer(home or tmp_path / "home", postgres, durable))
        return made[-1]

    yield make
    for server in made:
        server.destroy()


@pytest.fixture
def server(make_server: MakeServer) -> EmbeddedServer:
    """A server that was created and runs."""
    made = make_server()
    made.create()
    return made


def seeded(cluster: Cluster, template: Database, scale: str) -> Database:
    database = cluster.database(template.name)
    platform = Platform(database.environ)
    seed(platform, scale)
    platform.close()
    return database


@pytest.fixture(scope="session")
def small(cluster: Cluster, template: Database) -> Database:
    """The small company, for all tests that only look at it."""
    return seeded(cluster, template, "small")


@pytest.fixture(scope="session")
def medium(cluster: Cluster, template: Database) -> Database:
    """The medium company, for all tests that only look at it."""
    return seeded(cluster, template, "medium")

"""Fixtures of the tests that walk the registry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.world import World
from tests.support import Cluster, Database, run


@pytest.fixture(scope="session")
def settled(cluster: Cluster, template: Database) -> tuple[Database, str]:
    """A few users, a team with a project, and the operation that suspended one user; cloned for each test."""
    database = cluster.database(template.name)
    for name in ("ada", "bob", "cyd", "dan", "eve"):
        database.execute("INSERT INTO agentadm.users (email) VALUES (%s)", f"{name}@example.com")
    for line in (
        ["users", "suspend", "ada@example.com", "--yes"],
        ["users", "delete", "dan@example.com", "--yes"],
        ["users", "identities", "link", "cyd@example.com", "clerk", "user_cyd"],
        ["teams", "create", "Engines", "--owner", "ada@example.com"],
        ["teams", "members", "add", "engines", "cyd@example.com"],
        ["teams", "create", "Gone", "--owner", "ada@example.com"],
        ["teams", "delete", "gone", "--yes"],
        ["projects", "create", "Numbers", "--team", "engines"],
        ["crews", "create", "Reviewers", "--project", "Numbers"],
    ):
        done = run(line, database.environ)
        assert done.code == 0, done.err
    return database, str(database.value("SELECT id FROM agentadm.operations WHERE command = 'users suspend'"))


@pytest.fixture
def world(cluster: Cluster, settled: tuple[Database, str], tmp_path: Path) -> Iterator[World]:
    clone = cluster.database(settled[0].name)
    yield World(clone, tmp_path, settled[1])
    cluster.drop(clone)

"""Fixtures of the tests that walk the registry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents_support import make_staff
from tests.cli.world import MATERIAL, SPECS, World
from tests.keys import known
from tests.support import Cluster, Database, run
from tests.workflows.known import make_automation


@pytest.fixture(scope="session")
def company(cluster: Cluster, template: Database) -> Database:
    """The believable small company, for all screens that only look."""
    clone = cluster.database(template.name)
    done = run(["db", "seed", "--yes"], {**clone.environ, "AGENTADM_CLOCK": "2026-11-01T12:00:00Z"})
    assert done.code == 0, done.err
    return clone


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
        ["agents", "create", "Scribe", "--team", "engines", "--handle", "scribe"],
        ["agents", "update", "engines/scribe", "--spec-file", str(SPECS / "scribe.md")],
        ["agents", "resume", "engines/scribe"],
        ["agents", "create", "Weaver", "--team", "engines"],
        ["agents", "create", "Loom", "--team", "engines"],
        ["agents", "delete", "engines/loom", "--yes"],
        ["plans", "create", "free", "--name", "Free", "--allow", "max_workflows=5"],
        ["plans", "create", "pro", "--name", "Pro", "--allow", "max_workflows=50", "--price-monthly", "29.99"],
        ["plans", "create", "old", "--name", "Old"],
        ["plans", "retire", "old", "--yes"],
        ["limits", "set", "--user", "bob@example.com", "--allow", "max_workflows=9", "--reason", "a favour"],
    ):
        done = run(line, database.environ)
        assert done.code == 0, done.err
    known.insert(database, "bob@example.com")
    for _ in range(2):
        done = run(["db", "key-material", "add", "encryption"], {**database.environ, "AGENTADM_KEY_MATERIAL": MATERIAL})
        assert done.code == 0, done.err
    make_staff(database)
    make_automation(database)
    return database, str(database.value("SELECT id FROM agentadm.operations WHERE command = 'users suspend'"))


@pytest.fixture
def world(cluster: Cluster, settled: tuple[Database, str], tmp_path: Path) -> Iterator[World]:
    clone = cluster.database(settled[0].name)
    yield World(clone, tmp_path, settled[1])
    cluster.drop(clone)

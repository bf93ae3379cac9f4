"""The demo: a server of its own, a company, a tour; and never a database that somebody configured."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_core.db.embedded import EmbeddedServer
from tests.support import Database, run


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a home"
    yield folder
    server = EmbeddedServer(folder)
    if server.exists():
        server.destroy()


def test_a_dry_run_of_the_demo_makes_nothing(home: Path) -> None:
    done = run(["demo", "--dry-run"], {"AGENTADM_HOME": str(home)})
    assert (done.code, done.out) == (0, "")
    assert "would make a local server" in done.err
    assert not home.exists()


def test_the_tour_runs_twice_and_leaves_the_configured_database_alone(home: Path, database: Database) -> None:
    before = database.dump()
    environ = {**database.environ, "AGENTADM_HOME": str(home), "AGENTADM_EMBEDDED_DURABLE": "no"}
    for _ in range(2):
        done = run(["demo"], environ)
        assert done.code == 0, done.err
        assert "ada@example.com" in done.out
        assert "$ agentadm audit undo" in done.err
        assert "Try next" in done.err
        assert "suspended_reason\tchargeback" not in done.out.split("undone")[-1]
    assert database.dump() == before


def test_a_demo_of_an_earlier_version_is_brought_up_to_date(home: Path) -> None:
    environ = {"AGENTADM_HOME": str(home), "AGENTADM_EMBEDDED_DURABLE": "no"}
    assert run(["db", "init", "--embedded", "--environment", "demo"], environ).code == 0
    assert run(["db", "downgrade", "0001", "--confirm", "demo"], environ).code == 0
    done = run(["demo"], environ)
    assert done.code == 0, done.err
    assert "$ agentadm db upgrade --yes" in done.err
    assert "ada@example.com" in done.out

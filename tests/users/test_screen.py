"""`users show` is one screen: keys, instances and the newest runs, in the same statements as before."""

import pytest

from tests.agents_support import make_agent, make_instance, make_run, make_team, make_user, make_workflow
from tests.conftest import Agentadm
from tests.support import Database


@pytest.fixture
def ada(database: Database) -> str:
    """Ada has three keys of which one lives, three instances of which one is destroyed, and seven runs."""
    user, other = make_user(database, "ada"), make_user(database, "grace")
    team = make_team(database, other, "engines")
    agent, workflow = make_agent(database, team, "scribe"), make_workflow(database, team, "Nightly")
    for number, ends in enumerate(("revoked_at", "expires_at", "last_used_at")):
        database.execute(
            f"INSERT INTO agentadm.api_keys (user_id, name, key_hash, hash_version, display_start, {ends})"
            " VALUES (%s, 'k', %s, '1', %s, '2026-03-01T00:00:00Z')", user, f"{number}" * 64, f"aa_live_000{number}",
        )  # fmt: skip
    for status in ("running", "stopped", "destroyed"):
        make_instance(database, user, agent, status=status)
    for day in range(1, 8):
        what = {"workflow_id": workflow} if day == 5 else {"agent_id": agent}
        make_run(database, user, team, **what, created_at=f"2026-0{1 + day % 3}-0{day}T12:00:00Z")
    make_instance(database, other, agent)
    make_run(database, other, team, agent_id=agent)
    return user


def test_show_tells_keys_instances_and_newest_runs_in_one_statement(agentadm: Agentadm, ada: str) -> None:
    done = agentadm("users", "show", "ada", "-o", "json", "--debug")
    assert done.code == 0, done.err
    assert (done.json["api_keys"], done.json["instances"]) == (1, 2)
    assert done.json["runs"] == [
        {"created_at": "2026-03-05T12:00:00Z", "what": "Nightly", "status": "queued"},
        {"created_at": "2026-03-02T12:00:00Z", "what": "engines/scribe", "status": "queued"},
        {"created_at": "2026-02-07T12:00:00Z", "what": "engines/scribe", "status": "queued"},
        {"created_at": "2026-02-04T12:00:00Z", "what": "engines/scribe", "status": "queued"},
        {"created_at": "2026-02-01T12:00:00Z", "what": "engines/scribe", "status": "queued"},
    ]
    # The mark of the installation, the settings of the transaction, and the user.
    assert len([line for line in done.err.splitlines() if line.startswith("sql ")]) == 3


def test_who_has_nothing_has_none(database: Database, agentadm: Agentadm) -> None:
    make_user(database, "linus")
    shown = agentadm("users", "show", "linus", "-o", "json").json
    assert (shown["api_keys"], shown["instances"], shown["runs"]) == (0, 0, [])


def test_a_user_sees_their_own_screen(agentadm: Agentadm, ada: str) -> None:
    shown = agentadm("users", "show", "ada", "--as-user", "ada", "-o", "json").json
    assert (shown["api_keys"], shown["instances"], len(shown["runs"])) == (1, 2, 5)
    # What is in a team that she is not in is hidden from her.
    assert {run["what"] for run in shown["runs"]} == {None}


def test_people_read_it_on_a_terminal(agentadm: Agentadm, ada: str) -> None:
    out = agentadm("users", "show", "ada", terminal=True, env={"COLUMNS": "100"}).out
    assert "engines/scribe" in out
    assert "2026-03-05" in out

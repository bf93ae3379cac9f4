"""Runs: what is listed and shown, what is masked, cancel and retry, and what goes on record."""

import json
from typing import Any

import psycopg
import pytest

from platform_core.db import candidates
from platform_core.runs.types import EDGES, RunStatus
from tests.agents_support import make_agent, make_instance, make_run, make_team, make_user, make_workflow
from tests.conftest import Agentadm
from tests.operations.processes import finish, start, wait_for_lock
from tests.outcomes import refused
from tests.support import Database, run

CARD = "my card is 4929 1234 5678 1234"
CONTENT = ("input", "output", "error", "tool_calls", "logs")
SEEN = (
    "status, input, user_id, team_id, agent_id, workflow_id, instance_id, retry_count, triggered_by, started_at,"
    " completed_at, output, error, cost_usd"
)


@pytest.fixture
def world(database: Database) -> dict[str, str]:
    """Ada's team engines with the agent scribe, which grace hired, and a workflow."""
    ada, grace = make_user(database, "ada"), make_user(database, "grace")
    team = make_team(database, ada, "engines")
    agent = make_agent(database, team, "scribe")
    return {
        "ada": ada, "grace": grace, "team": team, "agent": agent, "workflow": make_workflow(database, team, "Nightly"),
        "instance": make_instance(database, grace, agent, origin="hire"),
    }  # fmt: skip


def failed_run(database: Database, world: dict[str, str]) -> str:
    return make_run(
        database, world["grace"], world["team"], agent_id=world["agent"], instance_id=world["instance"],
        status="failed", input=CARD, output="half", error="no more tokens", completed_at="2026-03-01T12:00:00Z",
        tool_calls=json.dumps([{"name": "search"}]), logs=json.dumps(["a line"]), retry_count=1, cost_usd="0.25",
    )  # fmt: skip


def recorded(database: Database, command: str) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT arguments, reason, (SELECT count(*) FROM agentadm.audit_changes c WHERE c.operation_id = o.id)"
        " FROM agentadm.operations o WHERE command = %s ORDER BY seq", command,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- list and show


def test_list_keeps_what_is_asked_for(database: Database, agentadm: Agentadm, world: dict[str, str]) -> None:
    of_workflow = make_run(
        database, world["ada"], world["team"], workflow_id=world["workflow"], created_at="2026-01-15T10:00:00Z",
        status="completed", completed_at="2026-01-15T10:05:00Z", cost_usd="1.5", triggered_by="schedule",
    )  # fmt: skip
    failed = failed_run(database, world)
    queued = make_run(database, world["ada"], world["team"], agent_id=world["agent"])

    def listed(*argv: str) -> list[str]:
        done = agentadm("runs", "list", "-o", "json", *argv)
        assert done.code == 0, done.err
        return [each["id"] for each in done.json]

    assert listed() == [queued, failed, of_workflow]
    assert listed("--status", "failed") == listed("--user", "grace") == listed("--where", "retry_count>0") == [failed]
    assert listed("--until", "2026-01") == listed("--where", "agent_id=") == [of_workflow]
    assert listed("--workflow", "nightly") == [of_workflow]
    assert listed("--agent", "engines/scribe") == [queued, failed]
    assert listed("--since", "2026-02") == listed("--limit", "2") == [queued, failed]
    assert listed("--team", "engines", "--status", "queued") == [queued]
    # Without a cost they come last, whichever way it goes.
    assert listed("--sort", "-cost_usd") == [of_workflow, failed, queued]
    assert listed("--sort", "cost_usd") == [failed, of_workflow, queued]
    assert agentadm("runs", "list", "--all", "-o", "csv", "--columns", "agent,workflow,cost_usd").out.splitlines() == [
        "agent,workflow,cost_usd", "engines/scribe,,", "engines/scribe,,0.250000", ",Nightly,1.500000",
    ]  # fmt: skip


@pytest.mark.parametrize("field", CONTENT)
def test_what_is_masked_cannot_be_asked_for_either(agentadm: Agentadm, field: str) -> None:
    refused(agentadm("runs", "list", "--where", f"{field}~4929"), 2, f"no field '{field}'")


def test_show_masks_what_was_said_until_reveal(database: Database, agentadm: Agentadm, world: dict[str, str]) -> None:
    run = failed_run(database, world)
    for output in ("json", "yaml", "csv", "plain", "markdown", "table"):
        done = agentadm("runs", "show", run, "-o", output)
        assert done.code == 0, done.err
        for secret in (CARD, "half", "no more tokens", "search", "a line"):
            assert secret not in done.out
    shown = agentadm("runs", "show", run[-8:], "-o", "json").json
    assert [shown[name] for name in CONTENT] == ["***"] * 5
    assert (shown["agent"], shown["workflow"], shown["user"], shown["team"]) == (
        "engines/scribe", None, "grace@example.com", "engines",
    )  # fmt: skip
    assert (shown["status"], shown["retry_count"], shown["cost_usd"]) == ("failed", 1, "0.250000")

    revealed = agentadm("runs", "show", run, "--reveal", "--reason", "complaint", "-o", "json").json
    assert [revealed[name] for name in CONTENT] == [CARD, "half", "no more tokens", [{"name": "search"}], ["a line"]]
    assert recorded(database, "runs show") == [({"run": [run], "reveal": True}, "complaint", 0)]
    refused(agentadm("runs", "show", "0badc0de"), 5, "no run '0badc0de'", "last 8 digits")
    refused(agentadm("runs", "show", "latest"), 5)


def test_a_shell_completes_ids_of_the_newest(
    database: Database, world: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "SECONDS", 10)
    run_id = failed_run(database, world)
    done = run(["runs", "show", run_id[:13].upper()], {**database.environ, "_AGENTADM_COMPLETE": "zsh"})
    assert (done.code, done.err) == (0, "")
    assert [line.partition("\t")[0].lower() for line in done.out.splitlines()] == [run_id]


# -------------------------------------------------------------------------------------------------------------- cancel


@pytest.mark.parametrize("before", ["queued", "running"])
def test_cancel_ends_a_run_and_says_so(
    database: Database, agentadm: Agentadm, world: dict[str, str], before: str
) -> None:
    run = make_run(database, world["ada"], world["team"], agent_id=world["agent"], status=before, input=CARD)
    refused(agentadm("runs", "cancel", run), 8, "--yes")
    dry = agentadm("runs", "cancel", run, "--yes", "--dry-run", "-o", "json")
    assert (dry.json["status"], dry.err.splitlines()[0]) == (
        "cancelled",
        "dry run: 1 row would change, nothing was changed",
    )
    clock = {"AGENTADM_CLOCK": "2026-03-01T12:00:00Z"}
    done = agentadm("runs", "cancel", run, "--yes", "--reason", "by phone", "-o", "json", env=clock)
    assert (done.code, done.json["status"], done.json["completed_at"]) == (0, "cancelled", "2026-03-01T12:00:00Z")
    assert "1 row changed" in done.err
    assert CARD not in done.out + done.err
    # A row of runs is its own record; that somebody did it is on record all the same.
    assert recorded(database, "runs cancel") == [({"run": run}, "by phone", 0)]

    again = agentadm("runs", "cancel", run, "--yes", "-o", "json")
    assert (again.code, again.json["completed_at"]) == (0, "2026-03-01T12:00:00Z")
    assert "nothing to change" in again.err
    assert agentadm("runs", "cancel", run, "--yes", "--error-unchanged").code == 3


@pytest.mark.parametrize("status", ["completed", "failed", "timed_out"])
def test_what_has_ended_is_not_cancelled(
    database: Database, agentadm: Agentadm, world: dict[str, str], status: str
) -> None:
    run = make_run(
        database, world["ada"], world["team"], agent_id=world["agent"], status=status, completed_at="2026-03-01T12:00Z"
    )
    refused(agentadm("runs", "cancel", run, "--yes"), 6, f"run {run} is {status}, and cannot be cancelled", "is final")
    assert recorded(database, "runs cancel") == []


def test_several_are_cancelled_each_with_its_result(
    database: Database, agentadm: Agentadm, world: dict[str, str]
) -> None:
    first, second = (make_run(database, world["ada"], world["team"], agent_id=world["agent"]) for _ in range(2))
    final = failed_run(database, world)
    lines = f"{first}\n{first[-12:]}\n{final}\n{second}\n"
    dry = agentadm("runs", "cancel", "-", "--yes", "--dry-run", "-o", "json", stdin=lines)
    done = agentadm("runs", "cancel", "-", "--yes", "-o", "json", stdin=lines)
    assert dry.code == done.code == 7
    expected = [("done", 0), ("unchanged", 0), ("failed", 6), ("done", 0)]
    assert [(each["status"], each["code"]) for each in done.json] == expected
    assert [(each["status"], each["code"]) for each in dry.json] == expected
    assert "dry run: 2 rows would change" in dry.err
    assert len(recorded(database, "runs cancel")) == 2
    again = agentadm("runs", "cancel", first, second, "--yes", "-o", "json")
    assert [each["status"] for each in again.json] == ["unchanged", "unchanged"]


def test_guards_count_runs_too(database: Database, agentadm: Agentadm, world: dict[str, str]) -> None:
    runs = [make_run(database, world["ada"], world["team"], agent_id=world["agent"]) for _ in range(3)]
    refused(agentadm("runs", "cancel", *runs, "--yes", "--max-affected", "2"), 9, "3 rows would change")
    refused(agentadm("runs", "cancel", *runs, "--yes", "--expect", "2"), 9, "3 would be changed")
    assert database.value("SELECT count(*) FROM agentadm.runs WHERE status = 'queued'") == 3
    assert agentadm("runs", "cancel", *runs, "--yes", "--expect", "3").code == 0
    assert database.value("SELECT count(*) FROM agentadm.runs WHERE status = 'cancelled'") == 3


def test_a_run_that_is_just_being_completed_is_not_cancelled(database: Database, world: dict[str, str]) -> None:
    run_id = make_run(database, world["ada"], world["team"], agent_id=world["agent"], status="running")
    with database.connect() as worker:
        worker.execute("UPDATE agentadm.runs SET status = 'completed', completed_at = agentadm.now()")
        process = start("runs", "cancel", run_id, "--yes", "--wait", "120", environ=database.environ)
        wait_for_lock(database)
        worker.commit()
    refused(finish(process), 6, f"run {run_id} is completed, and cannot be cancelled")
    assert database.value("SELECT status FROM agentadm.runs") == "completed"


def test_there_is_no_way_back_and_undo_says_so(database: Database, agentadm: Agentadm, world: dict[str, str]) -> None:
    run = make_run(database, world["ada"], world["team"], agent_id=world["agent"])
    assert agentadm("runs", "cancel", run, "--yes").code == 0
    operation = str(database.value("SELECT id FROM agentadm.operations WHERE command = 'runs cancel'"))
    refused(agentadm("audit", "undo", operation, "--yes"), 6, "'runs cancel', which cannot be undone")


# --------------------------------------------------------------------------------------------------------------- retry


def test_retry_queues_the_same_again(database: Database, agentadm: Agentadm, world: dict[str, str]) -> None:
    run = failed_run(database, world)
    clock = {"AGENTADM_CLOCK": "2026-03-02T12:00:00Z"}
    done = agentadm("runs", "retry", run, "-o", "json", env=clock)
    assert done.code == 0, done.err
    assert (done.json["retried_id"], done.json["run"]["status"], done.json["run"]["retry_count"]) == (run, "queued", 2)
    assert done.json["run"]["created_at"] == "2026-03-02T12:00:00Z"
    assert CARD not in done.out + done.err
    new = done.json["run"]["id"]
    assert database.rows(f"SELECT {SEEN} FROM agentadm.runs WHERE id = %s", new)[0] == (
        "queued", CARD, *(database.rows(
            "SELECT user_id, team_id, agent_id, workflow_id, instance_id FROM agentadm.runs WHERE id = %s", run
        )[0]), 2, "retry", None, None, None, None, None,
    )  # fmt: skip
    assert database.value("SELECT status FROM agentadm.runs WHERE id = %s", run) == "failed"
    assert recorded(database, "runs retry") == [({"run": run}, None, 0)]
    assert "1 row changed" in done.err


def test_what_was_tried_again_is_not_once_more_unless_asked_for(
    database: Database, agentadm: Agentadm, world: dict[str, str]
) -> None:
    run = failed_run(database, world)
    new = agentadm("runs", "retry", run, "-o", "json").json["run"]["id"]
    refused(
        agentadm("runs", "retry", run), 6, f"run {run} was tried again already: it became run {new}", "takes --again"
    )
    assert database.value("SELECT count(*) FROM agentadm.runs") == 2
    shown = [agentadm("runs", "show", key, "-o", "json").json for key in (run, new)]
    assert [(each["retried_from"], each["retried_as"]) for each in shown] == [(None, new), (run, None)]
    done = agentadm("runs", "retry", run, "--again", "-o", "json")
    assert done.code == 0, done.err
    newest = done.json["run"]["id"]
    assert agentadm("runs", "show", run, "-o", "json").json["retried_as"] == newest
    (listed,) = agentadm("runs", "list", "--where", f"retried_from={run}", "--where", f"id={new}", "-o", "json").json
    assert listed["id"] == new


def test_of_two_who_try_a_run_again_one_does(database: Database, world: dict[str, str]) -> None:
    run = failed_run(database, world)
    with database.connect() as first:
        first.execute("SELECT FROM agentadm.runs WHERE id = %s FOR UPDATE", [run])
        process = start("runs", "retry", run, "--wait", "120", environ=database.environ)
        wait_for_lock(database)
        new = make_run(database, world["grace"], world["team"], agent_id=world["agent"], retried_from=run)
        first.commit()
    refused(finish(process), 6, f"it became run {new}")


def test_undo_of_a_retry_says_what_takes_it_back(database: Database, agentadm: Agentadm, world: dict[str, str]) -> None:
    run = failed_run(database, world)
    new = agentadm("runs", "retry", run, "-o", "json").json["run"]["id"]
    operation = str(database.value("SELECT id FROM agentadm.operations WHERE command = 'runs retry'"))
    refused(
        agentadm("audit", "undo", operation, "--yes"), 6,
        "is a 'runs retry', of which the audit has nothing to put back", "agentadm runs cancel",
    )  # fmt: skip
    assert database.value("SELECT status FROM agentadm.runs WHERE id = %s", new) == "queued"


def test_retry_refuses_what_is_not_over_or_was_done(
    database: Database, agentadm: Agentadm, world: dict[str, str]
) -> None:
    for status in ("queued", "running", "completed"):
        completed = {"completed_at": "2026-03-01T12:00Z"} if status == "completed" else {}
        run = make_run(database, world["ada"], world["team"], agent_id=world["agent"], status=status, **completed)
        refused(agentadm("runs", "retry", run), 6, f"is {status}", "only what is failed, cancelled or timed_out can")
    assert database.value("SELECT count(*) FROM agentadm.runs") == 3


def test_retry_refuses_what_names_something_deleted(
    database: Database, agentadm: Agentadm, world: dict[str, str]
) -> None:
    run = failed_run(database, world)
    database.execute("UPDATE agentadm.agents SET deleted_at = agentadm.now()")
    refused(agentadm("runs", "retry", run), 6, f"its agent {world['agent']} is deleted", "agentadm agents restore")
    database.execute("UPDATE agentadm.agents SET deleted_at = NULL")
    database.execute("UPDATE agentadm.users SET deleted_at = agentadm.now() WHERE id = %s", world["grace"])
    refused(agentadm("runs", "retry", run), 6, f"its user {world['grace']} is deleted", "agentadm users restore")


def test_a_run_that_is_named_twice_is_tried_again_once(
    database: Database, agentadm: Agentadm, world: dict[str, str]
) -> None:
    run = failed_run(database, world)
    done = agentadm("runs", "retry", run, run[-10:], "-o", "json")
    assert [each["status"] for each in done.json] == ["done", "unchanged"]
    assert database.value("SELECT count(*) FROM agentadm.runs") == 2


def test_under_a_key_it_is_tried_again_once_and_nothing_of_it_is_kept(
    database: Database, agentadm: Agentadm, world: dict[str, str]
) -> None:
    run = failed_run(database, world)
    first, second = (agentadm("runs", "retry", run, "--idempotency-key", "k", "-o", "json") for _ in range(2))
    assert first.json == second.json
    assert database.value("SELECT count(*) FROM agentadm.runs") == 2
    assert CARD not in database.value("SELECT result::text FROM agentadm.idempotency_keys")


# ------------------------------------------------------------------------------------------------------------ database


def test_the_database_holds_the_same_edges(database: Database, world: dict[str, str]) -> None:
    for before in RunStatus:
        for after in RunStatus:
            if before is after:
                continue
            ended = "2026-03-01T12:00Z" if before not in EDGES else None
            run = make_run(
                database, world["ada"], world["team"], agent_id=world["agent"], status=before.value, completed_at=ended
            )
            moment = "agentadm.now()" if after not in EDGES else "NULL"
            change = f"UPDATE agentadm.runs SET status = %s, completed_at = {moment} WHERE id = %s"
            if after in EDGES.get(before, ()):
                database.execute(change, after.value, run)
                continue
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match=f"cannot become {after}"):
                database.execute(change, after.value, run)


def test_a_run_of_a_far_month_waits_in_the_default_partition_until_maintain(
    database: Database, agentadm: Agentadm, world: dict[str, str]
) -> None:
    def where(run: str) -> str:
        return str(database.value("SELECT tableoid::regclass::text FROM agentadm.runs WHERE id = %s", run))

    def checked() -> tuple[bool, str]:
        found = agentadm("db", "doctor", "-o", "json").json
        return next((each["ok"], each["detail"]) for each in found if each["check"] == "default partitions")

    run = make_run(
        database, world["ada"], world["team"], agent_id=world["agent"], status="failed", input=CARD,
        created_at="2031-05-31T23:59:59.999999Z", completed_at="2031-06-01T00:00:01Z",
    )  # fmt: skip
    assert where(run) == "agentadm.runs_default"
    assert checked() == (False, "rows wait in agentadm.runs_default (1 rows)")
    before = database.rows("SELECT * FROM agentadm.runs")
    changes = database.value("SELECT count(*) FROM agentadm.audit_changes")
    done = agentadm("db", "maintain")
    assert done.code == 0, done.err
    assert where(run) == "agentadm.runs_2031_05"
    assert database.rows("SELECT * FROM agentadm.runs") == before
    assert database.value("SELECT count(*) FROM agentadm.audit_changes WHERE table_name = 'runs'") == 0
    assert database.value("SELECT count(*) FROM agentadm.audit_changes") == changes
    assert checked() == (True, "empty")
    # What holds in other partitions holds in this one: states, and the agent's last run.
    refused(agentadm("runs", "cancel", run, "--yes"), 6, "is failed")
    clock = {"AGENTADM_CLOCK": "2031-05-31T23:59:59.999999Z"}
    again = agentadm("runs", "retry", run, "-o", "json", env=clock)
    assert where(again.json["run"]["id"]) == "agentadm.runs_2031_05"
    newer = make_run(database, world["ada"], world["team"], agent_id=world["agent"], created_at="2031-06-01T00:00:00Z")
    assert where(newer) == "agentadm.runs_default"
    assert database.value("SELECT last_run_at = '2031-06-01' FROM agentadm.agents") is True


def test_last_run_is_that_of_the_newest(database: Database, world: dict[str, str]) -> None:
    for created in ("2026-03-01", "2026-03-05", "2026-03-03"):
        make_run(database, world["ada"], world["team"], agent_id=world["agent"], created_at=f"{created}T00:00:00Z")
    assert database.value("SELECT (last_run_at AT TIME ZONE 'UTC')::date::text FROM agentadm.agents") == "2026-03-05"

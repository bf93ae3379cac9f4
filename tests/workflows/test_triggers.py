"""What starts workflows: triggers, whose settings never come out, and schedules, which know the clocks of a place."""

from datetime import datetime
from typing import Any

import pytest

from platform_core.errors import UsageError
from platform_core.workflows.cron import checked_cron, checked_zone, next_run
from tests.conftest import Agentadm
from tests.outcomes import audited, done, refused, undo
from tests.support import Database
from tests.workflows.helpers import company, create

CONFIG = '{"secret": "s3cr3t-of-theirs", "path": "/hook"}'
NOON = {"AGENTADM_CLOCK": "2026-06-01T12:00:00Z"}


@pytest.fixture(autouse=True)
def report(database: Database, agentadm: Agentadm) -> None:
    company(database, agentadm)
    done(create(agentadm, "Report"))


def stored(database: Database) -> Any:
    return database.value("SELECT config FROM agentadm.workflow_triggers")


def added(agentadm: Agentadm, *argv: str) -> Any:
    return done(agentadm("workflows", "triggers", "add", "report", *argv, "-o", "json", stdin=CONFIG))


# ------------------------------------------------------------------------------------------------------------- triggers


def test_a_trigger_keeps_its_settings_to_itself(database: Database, agentadm: Agentadm) -> None:
    made = added(agentadm, "webhook", "--config-stdin")
    assert (made["workflow"], made["type"], made["is_active"]) == ("Report", "webhook", True)
    assert (made["has_config"], made["key_version"], made["last_fired_at"]) == (True, 1, None)
    assert stored(database).startswith("1:gAAAA")
    assert "s3cr3t" not in database.dump("--data-only")
    assert audited(database, "workflows triggers add") == [("workflow_triggers", "insert", "statement")]
    done(agentadm("workflows", "triggers", "add", "report", "email", "--inactive", "-o", "json"))
    rows = done(agentadm("workflows", "triggers", "list", "report", "-o", "json"))
    assert [(row["type"], row["has_config"]) for row in rows] == [("webhook", True), ("email", False)]
    assert len(done(agentadm("workflows", "triggers", "list", "report", "--inactive", "-o", "json"))) == 1
    assert done(agentadm("workflows", "show", "report", "-o", "json"))["triggers"] == 2
    assert undo(database, agentadm, "workflows triggers add").code == 0


@pytest.mark.parametrize("config", ["s3cr3t", '["s3cr3t"]', '{"a": s3cr3t}'])
def test_settings_that_are_none_are_not_told(agentadm: Agentadm, config: str) -> None:
    said = agentadm("workflows", "triggers", "add", "report", "webhook", "--config-stdin", stdin=config)
    refused(said, 2, "that is no JSON object")
    assert "s3cr3t" not in said.err


def test_update_and_remove_a_trigger(database: Database, agentadm: Agentadm) -> None:
    made = added(agentadm, "webhook", "--config-stdin")
    key, first = made["id"], stored(database)
    call = ["workflows", "triggers", "update", key[-8:], "--yes", "-o", "json"]
    same = agentadm(*call, "--config-stdin", stdin='{"path": "/hook", "secret": "s3cr3t-of-theirs"}')
    assert (same.code, stored(database) != first) == (0, True)
    first = stored(database)
    changed = done(agentadm(*call, "--type", "event", "--inactive"))
    assert (changed["type"], changed["is_active"], changed["has_config"]) == ("event", False, True)
    assert undo(database, agentadm, "workflows triggers update").code == 0
    done(agentadm(*call, "--config-stdin", stdin='{"secret": "another"}'))
    assert stored(database) != first
    refused(undo(database, agentadm, "workflows triggers update"), 6, "only fingerprints of secrets")
    assert done(agentadm(*call, "--clear", "config"))["has_config"] is False
    refused(agentadm(*call, "--type", "Web Hook"), 2, "'Web Hook' is no type")
    refused(agentadm("workflows", "triggers", "update", "webhook", "--inactive", "--yes"), 5, "is named by its id")
    assert done(agentadm("workflows", "triggers", "remove", key, "--yes", "-o", "json"))["id"] == key
    refused(undo(database, agentadm, "workflows triggers remove"), 6, "cannot be undone")
    refused(agentadm("workflows", "triggers", "remove", key, "--yes"), 5)


# ------------------------------------------------------------------------------------------------------------ schedules


def schedule(agentadm: Agentadm, *argv: str) -> Any:
    return done(agentadm("workflows", "schedules", "add", "report", *argv, "-o", "json", env=NOON))


def test_schedules(database: Database, agentadm: Agentadm) -> None:
    made = schedule(agentadm, "30  9 * * mon-fri", "--timezone", "europe/berlin")
    assert (made["cron"], made["timezone"], made["next_run_at"]) == (
        "30 9 * * mon-fri", "Europe/Berlin", "2026-06-02T07:30:00Z",
    )  # fmt: skip
    assert schedule(agentadm, "0 0 1 1 *")["next_run_at"] == "2027-01-01T00:00:00Z"
    assert schedule(agentadm, "0 1 * * *", "--inactive")["next_run_at"] is None
    refused(
        agentadm("workflows", "schedules", "add", "report", "30 9 * * mon-fri", "--timezone", "Europe/Berlin"), 6,
        "has a schedule '30 9 * * mon-fri' in Europe/Berlin already", f"schedules update {made['id']}",
    )  # fmt: skip
    call = ["workflows", "schedules", "update", made["id"][-8:], "-o", "json"]
    changed = done(agentadm(*call, "--cron", "0 8 * * *", env=NOON))
    assert (changed["cron"], changed["next_run_at"]) == ("0 8 * * *", "2026-06-02T06:00:00Z")
    assert done(agentadm(*call, "--inactive", env=NOON))["next_run_at"] is None
    assert done(agentadm(*call, "--active", "--timezone", "UTC", env=NOON))["next_run_at"] == "2026-06-02T08:00:00Z"
    assert "nothing to change" in agentadm(*call, "--active", env=NOON).err
    rows = done(agentadm("workflows", "schedules", "list", "report", "-o", "json"))
    assert [row["cron"] for row in rows] == ["0 8 * * *", "0 0 1 1 *", "0 1 * * *"]
    assert len(done(agentadm("workflows", "schedules", "list", "report", "--active", "-o", "json"))) == 2
    assert done(agentadm("workflows", "schedules", "remove", made["id"], "--yes", "-o", "json"))["cron"] == "0 8 * * *"
    assert undo(database, agentadm, "workflows schedules remove").code == 0
    assert done(agentadm("workflows", "show", "report", "-o", "json"))["schedules"] == 3


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["* * * *"], "'* * * *' is no cron expression: it has 5 fields"),
        (["@daily"], "it has 5 fields"),
        (["0 0 * * * *"], "it has 5 fields"),
        (["61 * * * *"], "is no cron expression: bad minute"),
        (["0 0 31 2 *"], "bad day-of-month"),
        (["0 9 * * FOO"], "bad day-of-week"),
        (["0 9 * * *", "--timezone", "Europe/Berlim"], "no time zone 'Europe/Berlim', did you mean 'Europe/Berlin'?"),
        (["0 9 * * *", "--timezone", "../etc/passwd"], "no time zone"),
        (["0 9 * * *", "--timezone", "localtime"], "no time zone"),
    ],
)
def test_what_is_no_schedule(database: Database, agentadm: Agentadm, argv: list[str], told: str) -> None:
    refused(agentadm("workflows", "schedules", "add", "report", *argv), 2, told)
    assert database.value("SELECT count(*) FROM agentadm.workflow_schedules") == 0


def test_what_was_missed_is_not_made_up_for(agentadm: Agentadm) -> None:
    made = schedule(agentadm, "0 9 * * *")
    assert agentadm("workflows", "resume", "report", env=NOON).code == 0
    assert agentadm("workflows", "pause", "report", "--yes", env=NOON).code == 0
    assert agentadm("workflows", "resume", "report", env={"AGENTADM_CLOCK": "2026-08-01T12:00:00Z"}).code == 0
    rows = done(agentadm("workflows", "schedules", "list", "report", "-o", "json"))
    assert [row["next_run_at"] for row in rows] == ["2026-08-02T09:00:00Z"]
    assert made["next_run_at"] == "2026-06-02T09:00:00Z"


def test_after_an_undo_the_next_time_is_that_of_what_was_put_back(database: Database, agentadm: Agentadm) -> None:
    made = schedule(agentadm, "0 9 * * *")

    def after_undo(*argv: str) -> list[Any]:
        assert agentadm("workflows", *argv, env=NOON).code == 0
        operation = database.value("SELECT id FROM agentadm.operations ORDER BY seq DESC LIMIT 1")
        later = {"AGENTADM_CLOCK": "2026-07-01T12:00:00Z"}
        assert agentadm("audit", "undo", str(operation), "--yes", env=later).code == 0
        rows = done(agentadm("workflows", "schedules", "list", "report", "-o", "json"))
        return [row["next_run_at"] for row in rows]

    for argv in (["--cron", "0 1 * * *"], ["--timezone", "Asia/Tokyo"], ["--inactive"]):
        assert after_undo("schedules", "update", made["id"], *argv) == ["2026-07-02T09:00:00Z"]
    assert after_undo("schedules", "remove", made["id"], "--yes") == ["2026-07-02T09:00:00Z"]
    assert after_undo("schedules", "add", "report", "0 1 * * *") == ["2026-07-02T09:00:00Z"]
    assert agentadm("workflows", "resume", "report").code == 0
    assert after_undo("pause", "report", "--yes") == ["2026-07-02T09:00:00Z"]


def test_a_schedule_of_somebody_elses_that_is_none(database: Database, agentadm: Agentadm) -> None:
    database.execute("INSERT INTO agentadm.workflow_schedules (workflow_id, cron) SELECT id, '99 9 * * *'"
                     " FROM agentadm.workflows")  # fmt: skip
    refused(agentadm("workflows", "resume", "report"), 2, "'99 9 * * *' in 'UTC' is no schedule", "--cron")
    key = str(database.value("SELECT id FROM agentadm.workflow_schedules"))
    assert agentadm("workflows", "schedules", "update", key, "--cron", "0 9 * * *", env=NOON).code == 0
    assert undo(database, agentadm, "workflows schedules update").code == 0
    assert database.rows("SELECT cron, next_run_at FROM agentadm.workflow_schedules") == [("99 9 * * *", None)]


def test_a_deleted_workflow_has_none(agentadm: Agentadm) -> None:
    made = schedule(agentadm, "0 9 * * *")
    assert agentadm("workflows", "delete", "report", "--yes").code == 0
    refused(agentadm("workflows", "schedules", "update", made["id"], "--inactive"), 5)
    refused(agentadm("workflows", "schedules", "list", "report"), 5)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Clocks go from 02:00 to 03:00 in Berlin on 29 March 2026, and from 03:00 to 02:00 on 25 October.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T02:00", "2026-03-29T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        # In the second of the two hours nothing is done again.
        ("45 2 * * *", "Europe/Berlin", "2026-10-25T01:40", "2026-10-26T01:45"),
        ("0 * * * *", "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T01:00"),
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:45", "2026-03-29T01:00"),
        ("0 9 * * *", "America/New_York", "2026-03-07T15:00", "2026-03-08T13:00"),
        ("0 9 * * *", "America/New_York", "2026-03-07T13:00", "2026-03-07T14:00"),
        ("0 0 * * *", "Asia/Kolkata", "2026-03-07T15:00", "2026-03-07T18:30"),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("0 12 * * *", "UTC", "2026-01-01T12:00", "2026-01-02T12:00"),
        # Lord Howe Island moves its clocks by half an hour only.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-03T15:30"),
    ],
)
def test_the_next_time_is_right_where_clocks_change(cron: str, zone: str, after: str, expected: str) -> None:
    found = next_run(checked_cron(cron), checked_zone(zone), datetime.fromisoformat(f"{after}:00+00:00"))
    assert found == datetime.fromisoformat(f"{expected}:00+00:00")


def test_a_stored_schedule_that_is_none_says_so() -> None:
    now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    for cron, zone in (("99 * * * *", "UTC"), ("0 * * * *", "Nowhere/At_All")):
        with pytest.raises(UsageError, match="is no schedule"):
            next_run(cron, zone, now)

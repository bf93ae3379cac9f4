"""Limits: where they come from, exceptions, and what they hold back."""

import pytest

from tests.conftest import Agentadm
from tests.support import Database

PEOPLE = """
INSERT INTO agentadm.plans (id, name, max_work_agents, max_workflows, runs_per_month, requests_per_day)
VALUES ('free', 'Free', 1, 5, 100, 1000), ('pro', 'Pro', 5, NULL, 1000, 10000)
"""


@pytest.fixture(autouse=True)
def people(database: Database, agentadm: Agentadm) -> None:
    database.execute(PEOPLE)
    assert agentadm("users", "create", "ada@example.com").code == 0
    assert agentadm("teams", "create", "Engines", "--owner", "ada@example.com").code == 0


def subscribe(database: Database, status: str, *, team: bool = False) -> None:
    whose = "(SELECT id FROM agentadm.teams WHERE slug = 'engines')" if team else "NULL"
    user = "NULL" if team else "(SELECT id FROM agentadm.users)"
    database.execute(
        "INSERT INTO agentadm.subscriptions (user_id, team_id, plan_id, family, provider, status)"
        f" VALUES ({user}, {whose}, 'pro', 'platform', 'manual', %s)",
        status,
    )


def shown(agentadm: Agentadm, *options: str) -> dict[str, tuple[object, ...]]:
    done = agentadm("limits", "show", *(options or ("--user", "ada@example.com")), "-o", "json")
    assert done.code == 0, done.err
    return {row["limit"]: (row["source"], row["value"], row["unlimited"], row["used"]) for row in done.json}


def test_without_a_subscription_the_free_plan_holds(agentadm: Agentadm) -> None:
    found = shown(agentadm)
    assert found["max_workflows"] == ("plan", 5, False, 0)
    assert found["runs_per_month"] == ("plan", 100, False, 0)
    # The plan says nothing of it: unlimited.
    assert found["max_total_agents"] == ("plan", None, True, 0)
    # What is not counted here has no use to show.
    assert found["storage_bytes"] == ("plan", None, True, None)


@pytest.mark.parametrize(
    ("status", "plan"),
    [("trialing", "pro"), ("active", "pro"), ("past_due", "pro"), ("paused", "free"), ("unpaid", "free"),
     ("incomplete", "free"), ("cancelled", "free")],
)  # fmt: skip
def test_which_subscription_gives_its_plan(database: Database, agentadm: Agentadm, status: str, plan: str) -> None:
    subscribe(database, status)
    assert shown(agentadm)["max_work_agents"][1] == {"pro": 5, "free": 1}[plan]


def test_a_teams_own_subscription_counts_for_the_team_only(database: Database, agentadm: Agentadm) -> None:
    subscribe(database, "active", team=True)
    assert shown(agentadm, "--team", "engines")["max_workflows"] == ("plan", None, True, 0)
    assert shown(agentadm)["max_workflows"] == ("plan", 5, False, 0)


def test_what_is_in_a_personal_team_counts_for_its_user(database: Database, agentadm: Agentadm) -> None:
    team = agentadm("teams", "create", "--owner", "ada@example.com", "--personal", "-o", "json").json
    database.execute("INSERT INTO agentadm.workflows (team_id, name) VALUES (%s, 'w')", team["id"])
    assert shown(agentadm)["max_workflows"] == shown(agentadm, "--team", team["id"])["max_workflows"]
    assert shown(agentadm)["max_workflows"][3] == 1


def test_without_any_plan_nothing_is_granted(database: Database, agentadm: Agentadm) -> None:
    database.execute("DELETE FROM agentadm.plans")
    assert shown(agentadm)["max_workflows"] == ("refused", 0, False, 0)


GRANT = [
    "limits",
    "set",
    "--user",
    "ada@example.com",
    "--allow",
    "max_workflows=9",
    "--allow",
    "runs_per_month=unlimited",
]


def test_a_day_or_month_is_granted_through_its_end(database: Database, agentadm: Agentadm) -> None:
    october = {"AGENTADM_CLOCK": "2026-10-15T12:00:00Z"}
    for given, until in (("this-month", "2026-11-01"), ("2026-10-31", "2026-11-01"), ("2026-12", "2027-01-01")):
        done = agentadm(*GRANT, "--expires", given, "--reason", "x", "-o", "json", env=october)
        assert {row["expires_at"] for row in done.json} == {f"{until}T00:00:00Z"}
    more = agentadm("limits", "set", "--user", "ada@example.com", "--allow", "max_workflows=+5", "--reason", "x")
    assert (more.code, "'+5' is no limit" in more.err, "all that is allowed" in more.err) == (2, True, True)


def test_an_override_wins_and_is_explained(database: Database, agentadm: Agentadm) -> None:
    done = agentadm(*GRANT, "--expires", "30d", "--reason", "trade fair", "-o", "json")
    assert done.code == 0, done.err
    assert [(row["limit"], row["value"], row["unlimited"]) for row in done.json] == [
        ("max_workflows", 9, False), ("runs_per_month", None, True),
    ]  # fmt: skip
    assert shown(agentadm)["max_workflows"] == ("override", 9, False, 0)
    assert shown(agentadm)["runs_per_month"] == ("override", None, True, 0)
    chain = agentadm(
        "limits", "show", "--user", "ada@example.com", "--name", "max_workflows", "--chain", "-o", "json"
    ).json
    assert [(row["source"], row["decides"], row["value"], row["detail"]) for row in chain] == [
        ("override", True, 9, "trade fair"),
        ("plan", False, 5, "free"),
        ("refused", False, 0, "nothing grants it"),
    ]
    row = database.rows("SELECT reason FROM agentadm.operations WHERE command = 'limits set'")
    assert row == [("trade fair",)]
    database.execute("UPDATE agentadm.limit_overrides SET expires_at = agentadm.now()")
    assert shown(agentadm)["max_workflows"] == ("plan", 5, False, 0)
    assert [row["limit"] for row in agentadm("limits", "list", "--expired", "-o", "json").json] == [
        "runs_per_month", "max_workflows",
    ]  # fmt: skip


def test_granting_again_replaces_and_undo_brings_back(database: Database, agentadm: Agentadm) -> None:
    assert agentadm(*GRANT, "--reason", "first").code == 0
    assert (
        agentadm("limits", "set", "--user", "ada@example.com", "--allow", "max_workflows=0", "--reason", "abuse").code
        == 0
    )
    assert shown(agentadm)["max_workflows"] == ("override", 0, False, 0)
    newest = database.value(
        "SELECT id FROM agentadm.operations WHERE command = 'limits set' ORDER BY started_at DESC LIMIT 1"
    )
    assert agentadm("audit", "undo", str(newest), "--yes").code == 0
    assert shown(agentadm)["max_workflows"] == ("override", 9, False, 0)


def test_clearing_lets_the_plan_hold_again(database: Database, agentadm: Agentadm) -> None:
    assert agentadm(*GRANT, "--reason", "first").code == 0
    cleared = agentadm("limits", "clear", "--user", "ada@example.com", "--name", "max_workflows", "-o", "json")
    assert [row["limit"] for row in cleared.json] == ["max_workflows"]
    assert shown(agentadm)["max_workflows"] == ("plan", 5, False, 0)
    again = agentadm("limits", "clear", "--user", "ada@example.com", "--name", "max_workflows")
    assert (again.code, again.out) == (5, "")
    assert "nothing was granted of max_workflows" in again.err
    assert agentadm("limits", "clear", "--user", "ada@example.com", "--all-of-them").code == 0
    assert database.value("SELECT count(*) FROM agentadm.limit_overrides") == 0


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["limits", "set", "--user", "ada@example.com", "--allow", "max_workflows=9"], "granted for a reason"),
        (["limits", "set", "--user", "ada@example.com", "--reason", "x"], "no limit was named"),
        (
            ["limits", "set", "--user", "ada@example.com", "--reason", "x", "--allow", "requests_per_minute=0"],
            "1 or more",
        ),
        (["limits", "set", "--allow", "max_workflows=9", "--reason", "x"], "of a user or of a team"),
        (["limits", "show"], "of a user or of a team"),
        (["limits", "show", "--user", "ada@example.com", "--team", "engines"], "of a user or of a team"),
        (["limits", "show", "--user", "ada@example.com", "--name", "workflows"], "did you mean 'max_workflows'?"),
        ([*GRANT, "--reason", "x", "--expires", "2020-01-01"], "is past"),
        (["limits", "clear", "--user", "ada@example.com"], "no limit was named"),
    ],
)
def test_what_is_wrong_is_told(database: Database, agentadm: Agentadm, argv: list[str], told: str) -> None:
    done = agentadm(*argv)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert database.value("SELECT count(*) FROM agentadm.limit_overrides") == 0


def test_of_an_agent_its_own_plan_says_how_many_requests(database: Database, agentadm: Agentadm) -> None:
    database.execute(
        "INSERT INTO agentadm.agents (team_id, name, slug, agent_type)"
        " SELECT id, 'Anaya', 'anaya', 'catalog' FROM agentadm.teams"
    )
    database.execute(
        "INSERT INTO agentadm.agent_plans (agent_id, code, requests_per_day) SELECT id, 'free', 7 FROM agentadm.agents"
    )
    whose = ("--user", "ada@example.com", "--agent", "engines/anaya")
    assert shown(agentadm, *whose)["requests_per_day"] == ("agent_plan", 7, False, None)
    assert shown(agentadm, *whose)["max_workflows"] == ("plan", 5, False, 0)
    assert shown(agentadm)["requests_per_day"] == ("plan", 1000, False, None)


def test_what_others_were_granted_is_neither_shown_nor_taken(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("users", "create", "mei@example.org").code == 0
    assert agentadm("teams", "create", "Compilers", "--owner", "mei@example.org").code == 0
    customers = (
        ["--user", "ada@example.com"],
        ["--user", "mei@example.org"],
        ["--team", "engines"],
        ["--team", "compilers"],
    )
    for number, whose in enumerate(customers):
        grant = ["limits", "set", *whose, "--allow", f"max_workflows={number}", "--reason", "x", "-o", "json"]
        assert [row["value"] for row in agentadm(*grant).json] == [number]
    for left, whose in zip((3, 2, 1, 0), customers, strict=True):
        done = agentadm("limits", "clear", *whose, "--all-of-them", "-o", "json")
        assert len(done.json) == 1
        assert database.value("SELECT count(*) FROM agentadm.limit_overrides") == left
    again = agentadm("limits", "clear", "--user", "ada@example.com", "--all-of-them", "-o", "json")
    assert (again.code, again.json) == (0, [])


def test_columns_that_there_are_not_are_refused_before_anything_changes(database: Database, agentadm: Agentadm) -> None:
    grant = ["limits", "set", "--user", "ada@example.com", "--allow", "max_workflows=1", "--reason", "x"]
    for argv in (
        [*grant, "--columns", "bogus"],
        ["users", "suspend", "ada@example.com", "--yes", "--columns", "item"],
        ["users", "suspend", "ada@example.com", "nobody@example.com", "--yes", "--columns", "email"],
    ):
        operations = database.value("SELECT count(*) FROM agentadm.operations")
        done = agentadm(*argv)
        assert (done.code, done.out) == (2, ""), argv
        assert "no field" in done.err
        assert database.value("SELECT count(*) FROM agentadm.operations") == operations
    assert agentadm(*grant, "--columns", "limit,value").out.strip() == "max_workflows\t1"

"""What belongs to an agent: skills, plans, configurations, and errors that were logged."""

import json

import pytest

from tests.agents_support import make_agent, make_team, make_user
from tests.conftest import Agentadm
from tests.outcomes import audited, refused, undo
from tests.support import Database, Result

SCRIBE = "engines/scribe"


@pytest.fixture(autouse=True)
def scribe(database: Database) -> str:
    """Ada's team has the agent scribe; Grace is a user of it."""
    team = make_team(database, make_user(database, "ada"), "engines")
    make_user(database, "grace")
    return make_agent(database, team, "scribe")


# -------------------------------------------------------------------------------------------------------------- skills


def skill_names(agentadm: Agentadm, *argv: str) -> list[str]:
    done = agentadm("agents", "skills", "list", SCRIBE, "-o", "json", *argv)
    assert done.code == 0, done.err
    return [each["name"] for each in done.json]


def test_skills_are_added_once_and_replaced_only_when_asked(database: Database, agentadm: Agentadm) -> None:
    add = ("agents", "skills", "add", SCRIBE, "Sätze kürzen")
    done = agentadm(*add, "--description", "shorter", "--config", '{"most": 80}', "-o", "json")
    assert done.code == 0, done.err
    assert (done.json["name"], done.json["description"], done.json["config"]) == (
        "Sätze kürzen",
        "shorter",
        {"most": 80},
    )
    assert "nothing to change" in agentadm(*add).err
    assert "nothing to change" in agentadm(*add, "--description", "shorter").err
    refused(agentadm(*add, "--config", '{"most": 60}'), 6, "has a skill 'Sätze kürzen' already", "config", "--replace")
    changed = agentadm(*add, "--config", '{"most": 60}', "--replace", "-o", "json").json
    assert (changed["description"], changed["config"]) == ("shorter", {"most": 60})
    assert [(table, action) for table, action, _ in audited(database, "agents skills add")] == [
        ("agent_skills", "insert"), ("agent_skills", "update"),
    ]  # fmt: skip
    refused(agentadm("agents", "skills", "add", SCRIBE, ""), 2, "'' is no name")
    refused(agentadm("agents", "skills", "add", SCRIBE, "x", "--config", "[]"), 2, "is no JSON object")
    refused(agentadm("agents", "skills", "add", "engines/nobody", "x"), 5, "no agent 'engines/nobody'")


def test_skills_are_listed_by_name_and_removed_by_any_reference(database: Database, agentadm: Agentadm) -> None:
    keys = {
        name: agentadm("agents", "skills", "add", SCRIBE, name, "-o", "json").json["id"] for name in ("b", "a", "c")
    }
    assert skill_names(agentadm) == ["a", "b", "c"]
    assert skill_names(agentadm, "--sort", "-name", "--limit", "2") == ["c", "b"]
    assert skill_names(agentadm, "--where", "name=b", "--since", "today") == ["b"]
    done = agentadm("agents", "skills", "remove", SCRIBE, "a", keys["b"], keys["c"][-8:], "d", "--yes", "-o", "json")
    assert [each["status"] for each in done.json] == ["done", "done", "done", "failed"]
    assert "no skill 'd'" in done.json[3]["message"]
    assert skill_names(agentadm) == []
    assert undo(database, agentadm, "agents skills remove").code == 0
    assert skill_names(agentadm) == ["c"]


def test_another_agents_skill_is_not_meant(database: Database, agentadm: Agentadm) -> None:
    make_agent(database, database.value("SELECT team_id FROM agentadm.agents"), "clerk")
    key = agentadm("agents", "skills", "add", "engines/clerk", "filing", "-o", "json").json["id"]
    for reference in ("filing", key):
        refused(agentadm("agents", "skills", "remove", SCRIBE, reference, "--yes"), 5, "no skill")
    assert database.value("SELECT count(*) FROM agentadm.agent_skills") == 1


# --------------------------------------------------------------------------------------------------------------- plans

QUOTAS = ("--requests-per-day", "1000", "--requests-per-minute", "60")


def set_plan(agentadm: Agentadm, *argv: str) -> Result:
    return agentadm("agents", "plans", "set", SCRIBE, *argv, "--yes", "-o", "json")


@pytest.mark.parametrize(
    ("price", "currency", "amount"),
    [("199", "inr", 19900), ("29.99", "USD", 2999), ("29.9", "USD", 2990), ("500", "JPY", 500), ("1.234", "KWD", 1234),
     ("0", "USD", 0)],
)  # fmt: skip
def test_prices_are_stored_in_minor_units(agentadm: Agentadm, price: str, currency: str, amount: int) -> None:
    done = set_plan(agentadm, "monthly", "--price", price, "--currency", currency, *QUOTAS)
    assert done.code == 0, done.err
    assert done.json["price"] == {"amount": amount, "currency": currency.upper()}
    listed = agentadm("agents", "plans", "list", SCRIBE, "-o", "json", "--all").json
    assert listed[0]["price"] == done.json["price"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["monthly", "--price", "29.999", *QUOTAS], "more decimals than USD, which has 2"),
        (["monthly", "--price", "5.5", "--currency", "JPY", *QUOTAS], "more decimals than JPY, which has 0"),
        (["monthly", "--price", "-1", *QUOTAS], "'-1' is no amount"),
        (["monthly", "--price", "much", *QUOTAS], "'much' is no amount"),
        (["monthly", "--price", "99999999999999999999", *QUOTAS], "is no amount"),
        (["monthly", "--price", "1", "--currency", "USX", *QUOTAS], "no currency 'USX'"),
        (["monthly", *QUOTAS], "a new plan monthly says what it costs"),
        (["monthly", "--price", "5", "--requests-per-day", "9"], "give --requests-per-minute"),
        (["free", "--price", "5", *QUOTAS], "the plan free costs nothing"),
        (["weekly", "--price", "5", *QUOTAS], "'weekly' is not known"),
        (["monthly", "--price", "5", "--requests-per-day", "-1", "--requests-per-minute", "1"], "'-1' is no limit"),
        (["monthly", "--price", "5", "--requests-per-day", "0", "--requests-per-minute", "0"], "'0' is no limit"),
        (["monthly", "--price", "5", "--requests-per-day", "2147483648", "--requests-per-minute", "1"], "too many"),
        (["monthly"], "nothing to change was named"),
    ],
)
def test_plans_that_cannot_be_are_refused(database: Database, agentadm: Agentadm, argv: list[str], told: str) -> None:
    refused(set_plan(agentadm, *argv), 2, told)
    assert database.value("SELECT count(*) FROM agentadm.agent_plans") == 0


def test_plans_are_changed_in_what_is_named_only(database: Database, agentadm: Agentadm) -> None:
    assert set_plan(agentadm, "free", "--requests-per-day", "100", "--requests-per-minute", "10").json["price"] == {
        "amount": 0, "currency": "USD",
    }  # fmt: skip
    set_plan(agentadm, "yearly", "--price", "1999", "--currency", "INR", *QUOTAS, "--provider-plan-id", "plan_1")
    done = set_plan(agentadm, "yearly", "--requests-per-day", "unlimited").json
    assert (done["requests_per_day"], done["requests_per_minute"]) == (None, 60)
    assert (done["price"], done["provider_plan_id"]) == ({"amount": 199900, "currency": "INR"}, "plan_1")
    refused(set_plan(agentadm, "yearly", "--currency", "USD"), 2, "the price is in INR so far", "--price")
    cleared = set_plan(agentadm, "yearly", "--clear", "provider-plan-id", "--price", "1,999")
    refused(cleared, 2, "'1,999' is no amount")
    assert set_plan(agentadm, "yearly", "--clear", "provider-plan-id").json["provider_plan_id"] is None
    assert "nothing to change" in set_plan(agentadm, "yearly", "--price", "1999.00").err
    table = agentadm("agents", "plans", "list", SCRIBE, "-o", "csv", "--columns", "code,price,requests_per_day")
    assert table.out.splitlines() == ["code,price,requests_per_day", "free,0.00 USD,100", "yearly,1999.00 INR,"]
    before, after = audited(database, "agents plans set", "c.before, c.after")[2]
    assert (before["requests_per_day"], after["requests_per_day"]) == (1000, None)
    assert undo(database, agentadm, "agents plans set").code == 0
    refused(agentadm("agents", "plans", "set", SCRIBE, "yearly", "--price", "5"), 8, "--yes")


# ------------------------------------------------------------------------------------------------------ configurations


def configure(agentadm: Agentadm, *argv: str, stdin: str = "") -> Result:
    return agentadm("agents", "configurations", "set", SCRIBE, *argv, "-o", "json", stdin=stdin)


def test_a_configuration_is_set_whole_from_an_option_or_stdin(database: Database, agentadm: Agentadm) -> None:
    show = ("agents", "configurations", "show", SCRIBE, "grace", "-o", "json")
    refused(agentadm(*show), 5, "grace has set nothing for agent engines/scribe")
    done = configure(agentadm, "grace", "--json", '{"language": "en", "tone": {"formal": true}}')
    assert done.code == 0, done.err
    assert (done.json["user"], done.json["agent"]) == ("grace@example.com", SCRIBE)
    assert "nothing to change" in configure(agentadm, "grace", "--json", '{"tone":{"formal":true},"language":"en"}').err
    assert configure(agentadm, "grace", "--json", "-", stdin=json.dumps({"language": "sv"})).code == 0
    assert agentadm(*show).json["configuration"] == {"language": "sv"}
    assert [(table, action) for table, action, _ in audited(database, "agents configurations set")] == [
        ("agent_configurations", "insert"), ("agent_configurations", "update"),
    ]  # fmt: skip
    assert undo(database, agentadm, "agents configurations set").code == 0
    assert agentadm(*show).json["configuration"] == {"language": "en", "tone": {"formal": True}}


def test_several_users_get_the_same_configuration(database: Database, agentadm: Agentadm) -> None:
    done = configure(agentadm, "-", "--json", "{}", stdin="ada\ngrace\nnobody\n")
    assert [each["status"] for each in done.json] == ["done", "done", "failed"]
    shown = agentadm("agents", "configurations", "show", SCRIBE, "ada", "grace", "-o", "json").json
    assert [each["value"]["configuration"] for each in shown] == [{}, {}]


@pytest.mark.parametrize(
    ("argv", "stdin", "told"),
    [
        (["grace", "--json", "[1]"], "", "is no JSON object"),
        (["grace", "--json", "-"], "not json", "is not JSON"),
        (["grace", "--json", "-"], "", "is not JSON"),
        (["-", "--json", "-"], "grace", "standard input can be read once only"),
        (["grace"], "", "--json"),
    ],
)
def test_what_is_no_configuration_is_refused(
    database: Database, agentadm: Agentadm, argv: list[str], stdin: str, told: str
) -> None:
    refused(configure(agentadm, *argv, stdin=stdin), 2, told)
    assert database.value("SELECT count(*) FROM agentadm.agent_configurations") == 0


def test_under_a_key_another_configuration_is_another_command(agentadm: Agentadm) -> None:
    key = ("--idempotency-key", "k")
    for _ in range(2):
        assert configure(agentadm, "grace", "--json", "-", *key, stdin='{"a": 1}').code == 0
    refused(configure(agentadm, "grace", "--json", "-", *key, stdin='{"a": 2}'), 6, "used for other inputs")


# -------------------------------------------------------------------------------------------------------------- errors


def test_errors_are_listed_newest_first(database: Database, agentadm: Agentadm, scribe: str) -> None:
    grace = database.value("SELECT id FROM agentadm.users WHERE username = 'grace'")
    rows = (
        ("timeout", "took too long", scribe, None, "2026-03-01T10:00:00Z"),
        ("provider", "429", scribe, grace, "2026-03-03T10:00:00Z"),
        ("timeout", "\x1b[31mred", None, grace, "2026-03-02T10:00:00Z"),
    )
    for row in rows:
        database.execute(
            "INSERT INTO agentadm.error_logs (type, message, agent_id, user_id, created_at, stack)"
            " VALUES (%s, %s, %s, %s, %s, E'line 1\nline 2')", *row,
        )  # fmt: skip

    def listed(*argv: str) -> list[str]:
        done = agentadm("agents", "errors", "-o", "json", *argv)
        assert done.code == 0, done.err
        return [each["message"] for each in done.json]

    assert listed() == ["429", "\x1b[31mred", "took too long"]
    assert listed(SCRIBE) == ["429", "took too long"]
    assert listed("--type", "timeout") == ["\x1b[31mred", "took too long"]
    assert listed(SCRIBE, "--user", "grace") == listed("--since", "2026-03-03") == ["429"]
    assert listed("--until", "2026-03-01", "--where", "type=timeout") == ["took too long"]
    refused(agentadm("agents", "errors", "engines/nobody"), 5, "no agent 'engines/nobody'")
    plain = agentadm("agents", "errors", terminal=True)
    assert "\x1b[31mred" not in plain.out
    first = agentadm("agents", "errors", "--limit", "1", "-o", "json").json[0]
    assert (first["agent"], first["user"], first["stack"]) == (SCRIBE, "grace@example.com", "line 1\nline 2")

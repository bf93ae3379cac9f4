"""Plans: what they cost, what they allow, and who may still have them."""

import pytest

from tests.conftest import Agentadm
from tests.support import Database


def test_a_plan_is_made_with_its_prices_and_limits(database: Database, agentadm: Agentadm) -> None:
    done = agentadm(
        "plans", "create", "studio", "--name", "Studio", "--price-monthly", "49", "--price-yearly", "499.5",
        "--allow", "max_work_agents=20", "--allow", "runs_per_month=unlimited", "--overage", "run=0.05", "-o", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["price_monthly"] == {"amount": 4900, "currency": "USD"}
    assert done.json["price_yearly"] == {"amount": 49950, "currency": "USD"}
    assert done.json["limits"]["max_work_agents"] == 20
    assert done.json["limits"]["runs_per_month"] == "unlimited"
    # What was not named is nothing.
    assert done.json["limits"]["max_workflows"] == done.json["limits"]["requests_per_day"] == 0
    assert done.json["limits"]["requests_per_minute"] == 1
    assert done.json["overages"]["run"] == {"amount": 5, "currency": "USD"}
    assert done.json["overages"]["message"] == "refuse"
    changes = "SELECT table_name, action FROM agentadm.audit_changes WHERE row_key = 'studio'"
    assert database.rows(changes) == [("plans", "insert")]


def test_people_read_prices_as_they_write_them(agentadm: Agentadm) -> None:
    for plan, currency, price in (("a", "USD", "29.99"), ("b", "JPY", "500"), ("c", "KWD", "1.250")):
        done = agentadm("plans", "create", plan, "--name", plan, "--currency", currency, "--price-monthly", price)
        assert done.code == 0, done.err
    listed = agentadm("plans", "list", "--columns", "id,price_monthly", "-o", "plain").out
    assert [line.split("\t")[1] for line in listed.splitlines()[-3:]] == ["29.99 USD", "500 JPY", "1.250 KWD"]
    assert "29.99 USD" in agentadm("plans", "list", "--all", "-o", "csv", "--exact").out
    assert [plan["price_monthly"]["amount"] for plan in agentadm("plans", "list", "-o", "json").json] == [
        2999,
        500,
        1250,
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--price-monthly", "29.999"], "more decimals than USD, which has 2"),
        (["--price-monthly", "-1"], "'-1' is no amount"),
        (["--price-monthly", "much"], "'much' is no amount"),
        (["--price-monthly", "1", "--currency", "XXZ"], "no currency 'XXZ'"),
        (["--price-monthly", "0.5", "--currency", "JPY"], "more decimals than JPY, which has 0"),
        (["--allow", "max_workflow=3"], "did you mean 'max_workflows'?"),
        (["--allow", "max_workflows=-3"], "'-3' is no limit"),
        (["--allow", "requests_per_minute=0"], "a whole number, 1 or more"),
        (["--allow", "max_workflows"], "is not LIMIT=NUMBER"),
        (["--overage", "runs=3"], "did you mean 'run'?"),
        (["--name", ""], "is no name"),
    ],
)
def test_what_is_wrong_is_told(database: Database, agentadm: Agentadm, options: list[str], told: str) -> None:
    done = agentadm("plans", "create", "studio", "--name", "Studio", *options)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert database.value("SELECT count(*) FROM agentadm.plans") == 0


def test_a_plan_is_made_once(agentadm: Agentadm) -> None:
    first = agentadm("plans", "create", "pro", "--name", "Pro", "-o", "json")
    again = agentadm("plans", "create", "pro", "--name", "Other")
    assert (again.code, again.out) == (6, "")
    assert "there is a plan 'pro' already" in again.err
    same = agentadm("plans", "create", "pro", "--name", "Other", "--if-not-exists", "-o", "json")
    assert same.json == first.json


def test_an_update_sets_what_is_named_and_clears(agentadm: Agentadm) -> None:
    made = ["plans", "create", "pro", "--name", "Pro", "--price-monthly", "29.99", "--allow", "max_workflows=50"]
    assert agentadm(*made, "--overage", "gb=2").code == 0
    done = agentadm(
        "plans", "update", "pro", "--allow", "max_workflows=unlimited", "--overage", "gb=refuse", "--clear",
        "price_monthly", "--price-yearly", "300", "--yes", "-o", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["limits"]["max_workflows"] == "unlimited"
    assert done.json["overages"]["gb"] == "refuse"
    assert done.json["price_monthly"] is None
    assert done.json["price_yearly"] == {"amount": 30000, "currency": "USD"}
    nothing = agentadm("plans", "update", "pro", "--yes")
    assert (nothing.code, nothing.out) == (2, "")


def test_a_retired_plan_serves_who_has_it_and_comes_back(database: Database, agentadm: Agentadm) -> None:
    assert agentadm("plans", "create", "pro", "--name", "Pro").code == 0
    assert agentadm("plans", "create", "free", "--name", "Free").code == 0
    done = agentadm("plans", "retire", "pro", "--yes", "-o", "json")
    assert done.json["is_active"] is False
    assert [plan["id"] for plan in agentadm("plans", "list", "--active", "-o", "json").json] == ["free"]
    assert [plan["id"] for plan in agentadm("plans", "list", "--retired", "-o", "json").json] == ["pro"]
    assert agentadm("plans", "retire", "pro", "--yes").code == 0
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'plans retire' LIMIT 1")
    assert agentadm("audit", "undo", str(operation), "--yes").code == 0
    assert agentadm("plans", "show", "pro", "-o", "json").json["is_active"] is True


def test_several_each_with_its_result(agentadm: Agentadm) -> None:
    assert agentadm("plans", "create", "pro", "--name", "Pro").code == 0
    done = agentadm("plans", "retire", "pro", "pros", "--yes", "-o", "json")
    assert done.code == 7
    assert [item["status"] for item in done.json] == ["done", "failed"]
    assert "did you mean 'pro'?" in done.json[1]["message"]

"""The views agent_stats and user_usage_summary against a count in plain Python, and periods against the calendar."""

import calendar
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from tests.agents_support import make_agent, make_team, make_user, make_workflow
from tests.support import Database

RUNS = 2_000
TICK = timedelta(microseconds=1)
SINCE = datetime(2025, 11, 1, tzinfo=UTC)
ANCHORS = (1, 15, 31)
# In the middle of a period, and on the edges of those of each anchor day.
MOMENTS = (
    datetime(2026, 3, 10, 12, tzinfo=UTC),
    datetime(2026, 3, 15, tzinfo=UTC),
    datetime(2026, 2, 28, tzinfo=UTC),
    datetime(2026, 2, 27, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 3, 31, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 4, 30, 18, tzinfo=UTC),
)
COLUMNS = (
    "agent_id", "workflow_id", "user_id", "team_id", "status", "created_at", "started_at", "completed_at",
    "duration_ms", "cost_usd", "retry_count",
)  # fmt: skip


@dataclass
class Company:
    """Users with the anchor day of each, who is in which team, and whose the agents are."""

    anchors: dict[str, int] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    workflows: dict[str, str] = field(default_factory=dict)
    personal: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)


def period_start(anchor: int, at: datetime) -> datetime:
    """When the period began in which a moment falls: the anchor day, or the last day of a month without it."""
    year, month = at.year, at.month
    while True:
        day = min(anchor, calendar.monthrange(year, month)[1])
        begun = datetime(year, month, day, tzinfo=UTC)
        if begun <= at:
            return begun
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def make_company(database: Database) -> Company:
    """Six users in four teams, most of them in several, with nine agents and three workflows."""
    made = Company()
    for number in range(6):
        user = make_user(database, f"user{number}")
        made.anchors[user] = ANCHORS[number % len(ANCHORS)]
        database.execute("UPDATE agentadm.users SET billing_anchor_day = %s WHERE id = %s", made.anchors[user], user)
        made.personal[user] = str(database.value("SELECT agentadm.personal_team(%s)", user))
    users = list(made.anchors)
    for number in range(4):
        team = make_team(database, users[number], f"team{number}")
        made.members[team] = {users[number]}
        for other in users[number + 1 : number + 1 + number]:
            database.execute("INSERT INTO agentadm.team_members (team_id, user_id) VALUES (%s, %s)", team, other)
            made.members[team].add(other)
        for place in range(number):
            made.agents[make_agent(database, team, f"agent{place}")] = team
        made.agents[make_agent(database, team, "idle", agent_type="catalog")] = team
    for number, team in enumerate(list(made.members)[:3]):
        made.workflows[make_workflow(database, team, f"Workflow {number}")] = team
    return made


def make_runs(company: Company, chance: random.Random) -> None:
    """Runs of all statuses, some of which end in a later period than that in which they began."""
    users, busy = list(company.anchors), [agent for number, agent in enumerate(company.agents) if number % 4 != 1]
    for _ in range(RUNS):
        of_agent = chance.random() < 0.8
        what = chance.choice(busy if of_agent else list(company.workflows))
        # To the second, so that some are on the edge of a period to the microsecond.
        created = SINCE + timedelta(hours=chance.randrange(24 * 190)) + timedelta(seconds=chance.choice((0, 0, 1799)))
        status = chance.choice(("completed",) * 5 + ("failed", "timed_out", "cancelled", "queued", "running"))
        started = None if status == "queued" else created + timedelta(seconds=chance.randrange(60))
        took = chance.choice((timedelta(0), timedelta(seconds=chance.randrange(1, 900)), timedelta(days=20)))
        ended = None if status in {"queued", "running"} or started is None else started + took
        if status == "failed" and chance.random() < 0.3:
            ended = None
        user = chance.choice(users)
        # What is hired runs in the team of whoever hired it.
        team = company.personal[user] if chance.random() < 0.5 else (
            company.agents if of_agent else company.workflows)[what]  # fmt: skip
        company.runs.append({
            "agent_id": what if of_agent else None, "workflow_id": None if of_agent else what,
            "user_id": user, "team_id": team,
            "status": status, "created_at": created, "started_at": started, "completed_at": ended,
            "duration_ms": None if ended is None or chance.random() < 0.2 else int(took.total_seconds() * 1000),
            "cost_usd": None if chance.random() < 0.3 else Decimal(chance.randrange(10**7)).scaleb(-6),
            "retry_count": chance.choice((0, 0, 0, 1)),
        })  # fmt: skip
    # On the edges themselves: the last moment of a period and the first of the next, the moment of asking and the next.
    for (user, anchor), at in product(company.anchors.items(), MOMENTS):
        start = period_start(anchor, at)
        for ended in (start - TICK, start, at, at + TICK):
            company.runs.append({**company.runs[0], "agent_id": busy[0], "workflow_id": None, "user_id": user,
                                 "team_id": company.personal[user], "status": "completed", "created_at": ended,
                                 "started_at": ended, "completed_at": ended, "duration_ms": 0})  # fmt: skip


@pytest.fixture
def company(database: Database) -> Company:
    made = make_company(database)
    make_runs(made, random.Random(20261121))  # noqa: S311 - the same runs each time
    copy = f"COPY agentadm.runs ({', '.join(COLUMNS)}) FROM STDIN"
    with database.connect() as connection, connection.cursor() as cursor, cursor.copy(cast("Any", copy)) as rows:
        for run in made.runs:
            rows.write_row([run[name] for name in COLUMNS])
    return made


def ask(database: Database, sql: str, at: datetime | None = None) -> list[dict[str, Any]]:
    with database.connect(row_factory=psycopg.rows.dict_row) as connection:
        if at is not None:
            connection.execute("SELECT set_config('app.clock', %s, true)", [at.isoformat()])
        return list(connection.execute(cast("Any", sql)))


def test_agent_stats_count_each_run_once(database: Database, company: Company) -> None:
    gone = next(iter(company.agents))
    database.execute("UPDATE agentadm.agents SET deleted_at = agentadm.now() WHERE id = %s", gone)
    found = {str(row["id"]): row for row in ask(database, "SELECT * FROM agentadm.agent_stats")}
    assert set(found) == set(company.agents) - {gone}
    assert sum(row["total_runs"] == 0 for row in found.values()) >= 1
    for agent, row in found.items():
        mine = [run for run in company.runs if run["agent_id"] == agent]
        took = [run["duration_ms"] for run in mine if run["status"] == "completed" and run["duration_ms"] is not None]
        assert row["total_runs"] == len(mine)
        assert row["successful_runs"] == sum(run["status"] == "completed" for run in mine)
        assert row["failed_runs"] == sum(run["status"] in {"failed", "timed_out"} for run in mine)
        assert row["total_cost_usd"] == sum((run["cost_usd"] or Decimal(0) for run in mine), Decimal(0))
        assert row["last_run_at"] == max((run["created_at"] for run in mine), default=None)
        assert row["team_id"] == UUID(company.agents[agent])
        if took:
            assert abs(row["avg_duration_ms"] - Decimal(sum(took)) / len(took)) < Decimal("1e-6")
        else:
            assert row["avg_duration_ms"] is None


@pytest.mark.parametrize("at", MOMENTS)
def test_usage_is_that_of_the_period_in_which_runs_were_completed(
    database: Database, company: Company, at: datetime
) -> None:
    database.execute("UPDATE agentadm.plans SET runs_per_month = 100 WHERE id = 'free'")
    found = {str(row["id"]): row for row in ask(database, "SELECT * FROM agentadm.user_usage_summary", at)}
    assert set(found) == set(company.anchors)
    used = Counter(dict.fromkeys(company.anchors, 0))
    customers = {team: user for user, team in company.personal.items()}
    for run in company.runs:
        # A run in a team of several counts for the team, whoever ran it.
        customer = customers.get(run["team_id"])
        if customer is None or run["status"] != "completed" or run["agent_id"] is None:
            continue
        used[customer] += period_start(company.anchors[customer], at) <= run["completed_at"] <= at
    assert sum(used.values()) > 0
    for user, row in found.items():
        mine = [run for run in company.runs if run["user_id"] == user]
        assert row["monthly_runs_used"] == used[user]
        assert row["agent_count"] == sum(user in company.members[team] for team in company.agents.values())
        assert row["total_runs_lifetime"] == len(mine)
        assert row["total_cost_lifetime"] == sum((run["cost_usd"] or Decimal(0) for run in mine), Decimal(0))
        assert (row["plan"], row["monthly_runs_quota"]) == ("free", 100)


def test_agents_and_teams_that_are_gone_are_not_counted(database: Database, company: Company) -> None:
    user = list(company.anchors)[2]
    own, other = (team for team, members in company.members.items() if user in members)
    sql = f"SELECT agent_count FROM agentadm.user_usage_summary WHERE id = '{user}'"
    before = ask(database, sql)[0]["agent_count"]
    of_other = sum(team == other for team in company.agents.values())
    one = next(agent for agent, team in company.agents.items() if team == own)
    database.execute("UPDATE agentadm.agents SET deleted_at = agentadm.now() WHERE id = %s", one)
    assert ask(database, sql)[0]["agent_count"] == before - 1
    database.execute("UPDATE agentadm.teams SET deleted_at = agentadm.now() WHERE id = %s", other)
    assert ask(database, sql)[0]["agent_count"] == before - 1 - of_other
    database.execute("UPDATE agentadm.users SET deleted_at = agentadm.now() WHERE id = %s", user)
    assert ask(database, sql) == []


def test_a_subscription_sets_plan_quota_and_period(database: Database, company: Company) -> None:
    user = next(iter(company.anchors))
    at, start, end = (datetime(2026, 3, 10, 12, tzinfo=UTC), datetime(2026, 1, 20, 8, tzinfo=UTC),
                      datetime(2026, 4, 20, 8, tzinfo=UTC))  # fmt: skip
    database.execute("INSERT INTO agentadm.plans (id, name) VALUES ('pro', 'Pro')")
    database.execute(
        "INSERT INTO agentadm.subscriptions (user_id, plan_id, family, provider, status, billing_cycle, amount,"
        " current_period_start, current_period_end) VALUES (%s, 'pro', 'platform', 'manual', 'active', 'monthly', 0,"
        " %s, %s)",
        user, start, end,
    )  # fmt: skip
    row = ask(database, f"SELECT * FROM agentadm.user_usage_summary WHERE id = '{user}'", at)[0]
    expected = sum(
        run["team_id"] == company.personal[user] and run["agent_id"] is not None and run["status"] == "completed"
        and start <= run["completed_at"] <= at
        for run in company.runs
    )  # fmt: skip
    assert (row["plan"], row["monthly_runs_quota"], row["monthly_runs_used"]) == ("pro", None, expected)
    assert expected > 0


def test_who_pays_by_the_year_has_months_all_the_same(database: Database, company: Company) -> None:
    """Of a year that began on the 31st, the month that a moment falls in: the last day where there is no 31st."""
    user = next(iter(company.anchors))
    database.execute("INSERT INTO agentadm.plans (id, name) VALUES ('pro', 'Pro')")
    database.execute(
        "INSERT INTO agentadm.subscriptions (user_id, plan_id, family, provider, billing_cycle, current_period_start,"
        " current_period_end) VALUES (%s, 'pro', 'platform', 'manual', 'yearly', '2025-12-31 08:00Z',"
        " '2026-12-31 08:00Z')",
        user,
    )
    for at, begun in (
        ("2026-01-15 00:00Z", "2025-12-31 08:00Z"),
        ("2026-02-28 07:59Z", "2026-01-31 08:00Z"),
        ("2026-02-28 08:00Z", "2026-02-28 08:00Z"),
        ("2026-03-31 09:00Z", "2026-03-31 08:00Z"),
    ):
        same = "SELECT agentadm.current_period_start(%s, NULL, %s) = %s"
        assert database.value(same, user, at, begun), at


def test_a_period_begins_on_the_anchor_day_or_the_last_day_of_the_month(database: Database) -> None:
    """Every day of three years, one of them a leap year, for every anchor day: its first and its last microsecond."""
    days = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(365 + 366 + 365)]
    moments = [moment for day in days for moment in (day, day + timedelta(days=1) - TICK)]
    with database.connect() as connection:
        # In whatever time zone a session is.
        connection.execute("SET TIME ZONE 'Pacific/Auckland'")
        found = connection.execute(
            "SELECT anchor, moment, agentadm.period_start(anchor, moment)"
            " FROM generate_series(1, 31) anchor CROSS JOIN unnest(%s::timestamptz[]) moment",
            [moments],
        ).fetchall()
    assert len(found) == 31 * len(moments)
    wrong = [each for each in found if each[2] != period_start(each[0], each[1].astimezone(UTC))]
    assert wrong == []

"""Limits of agents: what refuses says why, and under concurrency exactly as many are made as may be."""

import threading
from contextlib import closing

import psycopg
import pytest

from tests.agents.helpers import ADA, allow, company
from tests.conftest import Agentadm
from tests.operations.processes import at_once
from tests.outcomes import done, refused
from tests.support import Database, Result

PERSONAL = "(SELECT id FROM agentadm.teams WHERE personal_of IS NOT NULL)"
ENGINES = "(SELECT id FROM agentadm.teams WHERE slug = 'engines')"


@pytest.fixture(autouse=True)
def engines(database: Database, agentadm: Agentadm) -> None:
    company(database, agentadm)


def count(database: Database, team: str) -> tuple[int, int]:
    """How many agents a team has, and how many its counter says."""
    there = database.value(f"SELECT count(*) FROM agentadm.agents WHERE team_id = {team} AND deleted_at IS NULL")
    return there, database.value(f"SELECT agent_count FROM agentadm.teams WHERE id = {team}")


def create(agentadm: Agentadm, name: str, *argv: str) -> Result:
    return agentadm("agents", "create", name, *argv, "-o", "json")


def test_what_refuses_says_how_many_and_who_says_so(database: Database, agentadm: Agentadm) -> None:
    refused(
        create(agentadm, "X", "--user", "grace"), 6,
        "user grace@example.com may have 0 personal agents", "(nothing grants it)", "and has 0",
        "agentadm limits set --user grace@example.com --allow max_personal_agents=N",
    )  # fmt: skip
    database.execute("INSERT INTO agentadm.plans (id, name, max_personal_agents, max_work_agents, max_total_agents)"
                     " VALUES ('free', 'Free', 1, 2, 2)")  # fmt: skip
    done(create(agentadm, "One", "--user", "grace"))
    refused(create(agentadm, "Two", "--user", "grace"), 6, "may have 1 personal agents (by the plan free), and has 1")
    done(create(agentadm, "Two", "--user", "grace", "--type", "work"))
    refused(
        create(agentadm, "Three", "--user", "grace", "--type", "work"), 6,
        "may have 2 personal and work agents together (by the plan free), and has 2",
    )  # fmt: skip
    allow(database, ADA.replace("ada", "grace"), "max_total_agents", value=9)
    done(create(agentadm, "Three", "--user", "grace", "--type", "work"))
    refused(create(agentadm, "Four", "--user", "grace", "--type", "work"), 6, "may have 2 work agents")
    refused(create(agentadm, "Four", "--user", "ada", "--slug", "!"), 2)
    done(create(agentadm, "Any", "--user", "grace", "--type", "team"))


def test_an_override_is_named_with_its_reason(database: Database, agentadm: Agentadm) -> None:
    database.execute("UPDATE agentadm.limit_overrides SET value = 0")
    refused(
        create(agentadm, "X", "--user", "ada"), 6,
        "user ada@example.com may have 0 personal agents (by an override: trade fair), and has 0",
    )  # fmt: skip
    database.execute("UPDATE agentadm.limit_overrides SET value = NULL")
    done(create(agentadm, "X", "--user", "ada"))


def test_a_team_has_as_many_as_it_may(agentadm: Agentadm) -> None:
    assert agentadm("teams", "update", "engines", "--max-agents", "1").code == 0
    done(create(agentadm, "One", "--team", "engines"))
    refused(
        create(agentadm, "Two", "--team", "engines"), 6,
        "team engines has 1 agents, and max_agents is 1", "agentadm teams update engines --max-agents N",
    )  # fmt: skip
    assert agentadm("agents", "delete", "one", "--yes").code == 0
    done(create(agentadm, "Two", "--team", "engines"))
    refused(agentadm("agents", "restore", "one"), 6, "team engines has 1 agents")


# --------------------------------------------------------------------------------------------------------- concurrency


@pytest.mark.parametrize("owner", [["--user", "ada"], ["--team", "engines"]], ids=["user", "team"])
def test_thirty_two_processes_make_exactly_five(database: Database, agentadm: Agentadm, owner: list[str]) -> None:
    assert agentadm("teams", "create", "--personal", "--owner", "ada").code == 0
    assert agentadm("teams", "update", "engines", "--max-agents", "5").code == 0
    team = PERSONAL if owner[0] == "--user" else ENGINES
    lock = f"SELECT FROM agentadm.teams WHERE id = {team} FOR UPDATE"
    calls = [["agents", "create", f"Agent {number}", *owner, "-o", "json"] for number in range(32)]
    results = at_once(database, lock, calls)
    assert sorted(result.code for result in results) == [0] * 5 + [6] * 27
    why = "may have 5 personal agents (by an override: trade fair), and has 5"
    told = why if owner[0] == "--user" else "team engines has 5 agents, and max_agents is 5"
    assert all(told in result.err for result in results if result.code == 6)
    assert count(database, team) == (5, 5)
    assert database.value("SELECT count(*) FROM agentadm.agent_instances") == (5 if owner[0] == "--user" else 0)


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("kind", ["personal", "team"])
def test_the_database_makes_no_more_whoever_writes(
    database: Database, agentadm: Agentadm, isolation: str, kind: str
) -> None:
    assert agentadm("teams", "create", "--personal", "--owner", "ada").code == 0
    assert agentadm("teams", "update", "engines", "--max-agents", "5").code == 0
    team = PERSONAL if kind == "personal" else ENGINES
    ready = threading.Barrier(16)

    def make(number: int) -> None:
        options = f"-c default_transaction_isolation={isolation.replace(' ', chr(92) + ' ')}"
        with closing(database.connect(options=options)) as own:
            own.execute("SELECT count(*) FROM agentadm.agents")
            ready.wait()
            try:
                own.execute(
                    "INSERT INTO agentadm.agents (team_id, name, slug, agent_type)"
                    f" VALUES ({team}, 'x', %s, %s)".encode(), [f"x{number}", kind],
                )  # fmt: skip
                own.commit()
            except (psycopg.errors.IntegrityError, psycopg.errors.OperationalError):
                # A limit; or a serialization failure or deadlock, which is an operational error.
                own.rollback()

    threads = [threading.Thread(target=make, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there, counted = count(database, team)
    assert there == counted
    # Where a serialization failure is not tried again, fewer may come in; never more.
    assert there == 5 if isolation == "READ COMMITTED" else 1 <= there <= 5

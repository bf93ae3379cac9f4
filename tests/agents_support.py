"""Agents, instances and runs as the platform itself would make them: for the tests of what stands beside them."""

from typing import Any

from tests.support import Database


def make_user(database: Database, name: str) -> str:
    sql = "INSERT INTO agentadm.users (email, username) VALUES (%s, %s) RETURNING id::text"
    return str(database.value(sql, f"{name}@example.com", name))


def make_team(database: Database, owner: str, slug: str) -> str:
    """A team with its owner, in one transaction."""
    sql = """
        WITH t AS (INSERT INTO agentadm.teams (name, slug, owner_id) VALUES (%s, %s, %s) RETURNING id, owner_id),
            m AS (INSERT INTO agentadm.team_members (team_id, user_id, role) SELECT id, owner_id, 'owner' FROM t)
        SELECT id::text FROM t
    """
    return str(database.value(sql, slug, slug, owner))


def make_agent(database: Database, team: str, slug: str, **columns: Any) -> str:
    return _insert(database, "agents", team_id=team, name=slug.title(), slug=slug, **columns)


def make_instance(database: Database, user: str, agent: str, **columns: Any) -> str:
    return _insert(database, "agent_instances", **{"origin": "launch", **columns}, user_id=user, agent_id=agent)


def make_free_plan(database: Database) -> None:
    """A plan without limits, for all who have no other."""
    database.execute("INSERT INTO agentadm.plans (id, name) VALUES ('free', 'Free') ON CONFLICT (id) DO NOTHING")


def make_workflow(database: Database, team: str, name: str) -> str:
    make_free_plan(database)
    return _insert(database, "workflows", team_id=team, name=name)


def make_run(database: Database, user: str, team: str, **columns: Any) -> str:
    return _insert(database, "runs", user_id=user, team_id=team, **columns)


def _insert(database: Database, table: str, **columns: Any) -> str:
    names, places = ", ".join(columns), ", ".join("%s" for _ in columns)
    sql = f"INSERT INTO agentadm.{table} ({names}) VALUES ({places}) RETURNING id::text"
    return str(database.value(sql, *columns.values()))


# Of the company that the walks through all commands are made in.
QUEUED_RUN, FAILED_RUN = "01930000-0000-7000-8000-00000f00d001", "01930000-0000-7000-8000-00000f00d002"
# All of a company, in the order in which it can go.
TABLES = (
    "runs", "error_logs", "api_keys", "limit_overrides", "subscriptions", "agent_plans", "agents", "workflows",
    "ai_models", "projects", "teams", "users", "plans",
)  # fmt: skip


def make_staff(database: Database, email: str = "ada@example.com") -> None:
    """The agent copyist of the team Engines with all that belongs to one; machine-1 works in the crew Reviewers."""
    user = database.value("SELECT id FROM agentadm.users WHERE email = %s", email)
    team = database.value("SELECT id FROM agentadm.teams WHERE slug = 'engines'")
    crew = database.value("SELECT id FROM agentadm.crews WHERE name = 'Reviewers'")
    agent = make_agent(database, team, "copyist")
    first = make_instance(database, user, agent, origin="hire", status="running", machine_id="machine-1")
    make_instance(database, user, agent, status="stopped", machine_id="machine-2")
    _insert(database, "crew_instances", crew_id=crew, instance_id=first, position=1)
    _insert(database, "agent_skills", agent_id=agent, name="reading")
    _insert(database, "agent_plans", agent_id=agent, code="free", requests_per_day=100)
    _insert(database, "agent_configurations", agent_id=agent, user_id=user, configuration='{"language": "en"}')
    _insert(database, "error_logs", agent_id=agent, user_id=user, type="timeout", message="took too long")
    make_run(database, user, team, agent_id=agent, id=QUEUED_RUN, input="copy this")
    make_run(database, user, team, agent_id=agent, id=FAILED_RUN, status="failed", completed_at="2026-03-01T00:00:00Z")

"""What the tests of agents share."""

from pathlib import Path
from typing import Any

from tests.conftest import Agentadm
from tests.outcomes import two_teams
from tests.support import Database

ADA = "(SELECT id FROM agentadm.users WHERE username = 'ada')"


def company(database: Database, agentadm: Agentadm) -> None:
    """Ada owns the team Engines, Grace the team Compilers; Ada may have five personal and work agents."""
    two_teams(database, agentadm)
    allow(database, ADA, "max_personal_agents", "max_work_agents", "max_total_agents")


def allow(database: Database, user: str, *limits: str, value: int = 5) -> None:
    for limit in limits:
        database.execute(
            "INSERT INTO agentadm.limit_overrides (user_id, limit_name, value, reason)"
            f" VALUES ({user}, %s, %s, 'trade fair')", limit, value,
        )  # fmt: skip


def versions(database: Database, slug: str = "scribe") -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT v.version, v.spec_content FROM agentadm.agent_versions v"
        " JOIN agentadm.agents a ON a.id = v.agent_id WHERE a.slug = %s ORDER BY 1", slug,
    )  # fmt: skip


def instances(database: Database) -> list[tuple[Any, ...]]:
    return database.rows("SELECT origin, status, status_before FROM agentadm.agent_instances ORDER BY id")


def spec(folder: Path, text: str, name: str = "scribe.md") -> str:
    """A file with a specification."""
    file = folder / name
    file.write_bytes(text.encode())
    return str(file)

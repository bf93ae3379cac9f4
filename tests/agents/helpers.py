"""What the tests of agents share."""

from pathlib import Path
from typing import Any

from tests.conftest import Agentadm
from tests.support import Database, Result

ADA = "(SELECT id FROM agentadm.users WHERE username = 'ada')"


def company(database: Database, agentadm: Agentadm) -> None:
    """Ada owns the team Engines, Grace the team Compilers; Ada may have five personal and work agents."""
    for name in ("ada", "grace"):
        database.execute("INSERT INTO agentadm.users (email, username) VALUES (%s, %s)", f"{name}@example.com", name)
    for argv in (["Engines", "--owner", "ada"], ["Compilers", "--owner", "grace"]):
        done = agentadm("teams", "create", *argv)
        assert done.code == 0, done.err
    allow(database, ADA, "max_personal_agents", "max_work_agents", "max_total_agents")


def allow(database: Database, user: str, *limits: str, value: int = 5) -> None:
    for limit in limits:
        database.execute(
            "INSERT INTO agentadm.limit_overrides (user_id, limit_name, value, reason)"
            f" VALUES ({user}, %s, %s, 'trade fair')", limit, value,
        )  # fmt: skip


def done(result: Result) -> Any:
    """The answer of what went well."""
    assert result.code == 0, result.err
    return result.json


def refused(result: Result, code: int, *told: str) -> None:
    assert (result.code, result.out) == (code, ""), result.err
    for text in told:
        assert text in result.err


def audited(database: Database, command: str) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT c.table_name, c.action, c.origin FROM agentadm.audit_changes c"
        " JOIN agentadm.operations o ON o.id = c.operation_id WHERE o.command = %s ORDER BY c.seq", command,
    )  # fmt: skip


def undo(database: Database, agentadm: Agentadm, command: str) -> Result:
    """Undo the newest operation of a command that changed something."""
    operation = database.value(
        "SELECT o.id FROM agentadm.operations o WHERE o.command = %s AND EXISTS (SELECT FROM agentadm.audit_changes c"
        " WHERE c.operation_id = o.id) ORDER BY o.seq DESC LIMIT 1", command,
    )  # fmt: skip
    return agentadm("audit", "undo", str(operation), "--yes")


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

"""What the tests of every noun assert of a command: that it was done or refused, and what is in the audit."""

from typing import Any

from tests.conftest import Agentadm
from tests.support import Database, Result


def done(result: Result) -> Any:
    """The answer of what went well."""
    assert result.code == 0, result.err
    return result.json


def refused(result: Result, code: int, *told: str) -> None:
    assert (result.code, result.out) == (code, ""), result.err
    for text in told:
        assert text in result.err


def audited(
    database: Database, command: str, columns: str = "c.table_name, c.action, c.origin"
) -> list[tuple[Any, ...]]:
    """What a command changed, in order."""
    return database.rows(
        f"SELECT {columns} FROM agentadm.audit_changes c"
        " JOIN agentadm.operations o ON o.id = c.operation_id WHERE o.command = %s ORDER BY c.seq", command,
    )  # fmt: skip


def undo(database: Database, agentadm: Agentadm, command: str) -> Result:
    """Undo the newest operation of a command that changed something."""
    operation = database.value(
        "SELECT o.id FROM agentadm.operations o WHERE o.command = %s AND EXISTS (SELECT FROM agentadm.audit_changes c"
        " WHERE c.operation_id = o.id) ORDER BY o.seq DESC LIMIT 1", command,
    )  # fmt: skip
    return agentadm("audit", "undo", str(operation), "--yes")


def two_teams(database: Database, agentadm: Agentadm) -> None:
    """Ada owns the team Engines, Grace the team Compilers."""
    for name in ("ada", "grace"):
        database.execute("INSERT INTO agentadm.users (email, username) VALUES (%s, %s)", f"{name}@example.com", name)
    for argv in (["Engines", "--owner", "ada"], ["Compilers", "--owner", "grace"]):
        made = agentadm("teams", "create", *argv)
        assert made.code == 0, made.err

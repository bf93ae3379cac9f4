"""Lists of what was deleted read the deleted rows and no others."""

import pytest

from tests.conftest import Agentadm
from tests.support import Database

MANY = {
    "users": "INSERT INTO agentadm.users (username) SELECT 'n' || n FROM generate_series(1, 5000) n",
    "teams": (
        "INSERT INTO agentadm.teams (name, slug, owner_id)"
        " SELECT 'n' || n, 'n' || n, u.id FROM agentadm.users u, generate_series(1, 5000) n"
    ),
    "agents": (
        "INSERT INTO agentadm.agents (team_id, name, slug)"
        " SELECT t.id, 'n' || n, 'n' || n FROM agentadm.teams t, generate_series(1, 5000) n"
    ),
}


@pytest.mark.parametrize("table", MANY)
def test_a_list_of_the_deleted_has_an_index(database: Database, agentadm: Agentadm, table: str) -> None:
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com')")
    if table == "agents":
        assert agentadm("teams", "create", "Engines", "--owner", "ada@example.com").code == 0
    # Rows only, without what else belongs to them.
    with database.connect("postgres", autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(MANY[table].encode())
        connection.execute(f"ANALYZE agentadm.{table}".encode())
        plan = connection.execute(
            f"EXPLAIN SELECT id FROM agentadm.{table} WHERE deleted_at IS NOT NULL"
            " ORDER BY created_at DESC, id DESC LIMIT 51".encode()
        ).fetchall()
    assert any(f"{table}_deleted_idx" in line for (line,) in plan), plan

"""--atomic and --expect: all items in one operation, or none."""

import pytest

from tests.conftest import Agentadm
from tests.support import Database

A, B, C = "a@example.com", "b@example.com", "c@example.com"


@pytest.fixture(autouse=True)
def users(database: Database) -> None:
    for email in (A, B, C):
        database.execute("INSERT INTO agentadm.users (email) VALUES (%s)", email)


def suspended(database: Database) -> int:
    count: int = database.value("SELECT count(*) FROM agentadm.users WHERE status = 'suspended'")
    return count


def operations(database: Database) -> int:
    count: int = database.value("SELECT count(*) FROM agentadm.operations WHERE command = 'users suspend'")
    return count


def test_all_in_one_operation(agentadm: Agentadm, database: Database) -> None:
    done = agentadm("users", "suspend", A, B, "--atomic", "--yes", "-o", "json")
    assert done.code == 0, done.err
    assert [row["status"] for row in done.json] == ["done", "done"]
    assert len({row["operation_id"] for row in done.json}) == 1
    assert "2 rows changed" in done.err
    assert operations(database) == 1
    assert database.value("SELECT arguments FROM agentadm.operations WHERE command = 'users suspend'") == {
        "user": [A, B]
    }
    assert database.value("SELECT count(*) FROM agentadm.chunk_progress") == 0
    assert agentadm("audit", "undo", done.json[0]["operation_id"], "--yes").code == 0
    assert suspended(database) == 0


@pytest.mark.parametrize("mode", [["--atomic"], ["--expect", "3"], ["--atomic", "--dry-run"]])
def test_one_that_fails_takes_the_others_back(agentadm: Agentadm, database: Database, mode: list[str]) -> None:
    done = agentadm("users", "suspend", A, "nobody", B, "--yes", "-o", "json", *mode)
    assert done.code == 5
    assert [(row["item"], row["status"], row["code"]) for row in done.json] == [
        (A, "not_done", None), ("nobody", "failed", 5), (B, "not_done", None),
    ]  # fmt: skip
    assert (suspended(database), operations(database)) == (0, 0)


def test_a_malformed_line_takes_the_others_back(agentadm: Agentadm, database: Database) -> None:
    done = agentadm("users", "suspend", "-", "--atomic", "--yes", "-o", "json", stdin=f"{A}\n{{\n")
    assert done.code == 2
    assert [row["status"] for row in done.json] == ["not_done", "failed"]
    assert suspended(database) == 0


def test_a_rule_that_one_item_breaks_takes_the_others_back(agentadm: Agentadm, database: Database) -> None:
    database.execute("CREATE UNIQUE INDEX one_suspended ON agentadm.users (status) WHERE status = 'suspended'")
    done = agentadm("users", "suspend", A, B, C, "--atomic", "--yes", "-o", "json")
    assert done.code == 6
    assert [row["status"] for row in done.json] == ["not_done", "failed", "not_done"]
    assert suspended(database) == 0


def test_expect_counts_rows_before_the_first_is_touched(agentadm: Agentadm, database: Database) -> None:
    user_id = str(database.value("SELECT id FROM agentadm.users WHERE email = %s", A))
    wrong = agentadm("users", "suspend", A, user_id, B, "--expect", "3", "--yes", "-o", "json")
    assert wrong.code == 9
    assert wrong.out == ""
    assert "--expect 3, but 2 would be changed (1 of the 3 items name the same row)" in wrong.err
    assert (suspended(database), operations(database)) == (0, 0)
    right = agentadm("users", "suspend", A, user_id, B, "--expect", "2", "--yes", "-o", "json")
    assert right.code == 0, right.err
    assert [row["status"] for row in right.json] == ["done", "unchanged", "done"]
    assert operations(database) == 1


def test_expect_of_nothing_on_stdin(agentadm: Agentadm) -> None:
    assert agentadm("users", "suspend", "-", "--expect", "0", "--yes").code == 0
    assert agentadm("users", "suspend", "-", "--expect", "1", "--yes").code == 9


def test_a_limit_of_rows_holds_for_all_together(agentadm: Agentadm, database: Database) -> None:
    for mode in (["--dry-run"], []):
        done = agentadm("users", "suspend", A, B, "--atomic", "--yes", "--max-affected", "1", *mode)
        assert done.code == 9
        assert "2 rows would change" in done.err
    assert suspended(database) == 0
    assert agentadm("users", "suspend", A, B, "--atomic", "--yes", "--max-affected", "2").code == 0


def test_a_dry_run_answers_as_the_real_run(agentadm: Agentadm, database: Database) -> None:
    argv = ("users", "suspend", A, B, A, "--atomic", "--yes", "-o", "json")
    dry = agentadm(*argv, "--dry-run")
    assert suspended(database) == 0
    assert "2 rows would change" in dry.err
    real = agentadm(*argv)
    fields = ("item", "status", "code", "message")
    assert [[row[name] for name in fields] for row in dry.json] == [[row[name] for name in fields] for row in real.json]


def test_a_key_replays_the_results(agentadm: Agentadm, database: Database) -> None:
    argv = ("users", "suspend", A, B, "--atomic", "--yes", "--idempotency-key", "K", "-o", "json")
    first = agentadm(*argv)
    again = agentadm(*argv)
    assert first.code == again.code == 0, again.err
    assert first.out == again.out
    assert operations(database) == 1
    assert agentadm("users", "suspend", A, C, *argv[4:]).code == 6


def test_nothing_to_change_is_told_where_asked(agentadm: Agentadm) -> None:
    argv = ("users", "suspend", A, B, "--atomic", "--yes", "--error-unchanged", "-o", "json")
    assert agentadm(*argv).code == 0
    again = agentadm(*argv)
    assert again.code == 3
    assert [row["status"] for row in again.json] == ["unchanged", "unchanged"]

"""Runs that are cut short, and gone on with: every item exactly once."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from platform_core.bulk.types import ItemStatus
from tests.conftest import Agentadm
from tests.operations.processes import finish, sleep_at_commit, wait_for_lock, wait_until
from tests.support import Database

# The same with ten thousand, by hand: AGENTADM_TEST_ITEMS=10000.
ITEMS = int(os.environ.get("AGENTADM_TEST_ITEMS", "420"))
ROOT = Path(__file__).parents[2]
ARGV = ("users", "suspend", "-", "--yes", "-o", "json")


def people(database: Database, number: int, prefix: str = "u") -> str:
    database.execute(
        "INSERT INTO agentadm.users (email) SELECT %s || n || '@example.com' FROM generate_series(1, %s) n",
        prefix,
        number,
    )
    return "".join(f"{prefix}{n}@example.com\n" for n in range(1, number + 1))


def begin(database: Database, lines: str, *more: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *ARGV, *more],
        cwd=ROOT, env=database.environ, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.close()
    process.stdin = None
    return process


def recorded(database: Database) -> int:
    count: int = database.value("SELECT count(*) FROM agentadm.chunk_progress")
    return count


def wait_for_progress(database: Database, number: int) -> None:
    wait_until(lambda: recorded(database) >= number, f"{number} items are on record")


def assert_exactly_once(database: Database, number: int) -> None:
    """One audit row and one operation for each user, and a record for each item that names it."""
    assert database.rows(
        "SELECT count(*), count(DISTINCT c.row_key), count(DISTINCT c.operation_id) FROM agentadm.audit_changes c"
        " JOIN agentadm.operations o ON o.id = c.operation_id WHERE o.command = 'users suspend'"
    ) == [(number, number, number)]
    assert database.value(
        "SELECT count(*) FROM agentadm.chunk_progress p JOIN agentadm.audit_changes c"
        " ON c.operation_id = p.operation_id AND c.row_key = p.row_key"
    ) == number  # fmt: skip


def cut_short(database: Database, lines: str) -> None:
    """A run over five users as it is after three of them."""
    finish(begin(database, lines, "--restart"))
    database.execute("DELETE FROM agentadm.chunk_progress WHERE item > 3")
    database.execute(
        "UPDATE agentadm.users SET status = 'active', suspended_reason = NULL WHERE email > 'u3@example.com'"
    )


def test_killed_at_random_points_every_item_is_done_once(
    database: Database, agentadm: Agentadm, tmp_path: Path
) -> None:
    number = ITEMS
    lines = people(database, number)
    file = tmp_path / "results.jsonl"
    kills = 0
    chance = random.Random(7)  # noqa: S311 - nothing secret
    for _ in range(6):
        process = begin(database, lines, "--resume", "--results", str(file))
        before = recorded(database)
        target = before + chance.randint(1, number // 7)
        wait_for_progress(database, target)
        time.sleep(chance.random() / 50)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        assert not file.exists()
    assert kills == 6
    assert 6 <= recorded(database) < number
    refused = agentadm(*ARGV, stdin=lines)
    assert refused.code == 6
    assert "--resume" in refused.err
    assert "--restart" in refused.err
    done = agentadm(*ARGV, "--resume", "--results", str(file), stdin=lines)
    assert done.code == 0, done.err
    assert_exactly_once(database, number)
    results = [json.loads(line) for line in file.read_text().splitlines()]
    assert results == done.json
    assert [row["item"] for row in results] == lines.split()
    assert {row["status"] for row in results} == {"done"}
    known = dict(database.rows("SELECT item, operation_id::text FROM agentadm.chunk_progress"))
    assert [row["operation_id"] for row in results] == [known[place] for place in range(1, number + 1)]
    again = agentadm(*ARGV, "--resume", stdin=lines)
    assert again.json == results
    assert_exactly_once(database, number)


@pytest.mark.parametrize("deferred", [True, False])
def test_killed_inside_an_item_and_inside_commit(database: Database, agentadm: Agentadm, deferred: bool) -> None:
    lines = people(database, 3)
    sleep_at_commit(database, 0.3, deferred=deferred)
    for _ in range(3):
        process = begin(database, lines, "--resume")
        wait_until(
            lambda: bool(
                database.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'agentadm'"
                    " AND datname = current_database() AND wait_event = 'PgSleep'"
                )
            ),
            "an item sleeps",
        )
        process.kill()
        process.communicate()
        # The server notices that nobody listens when the sleep is over: it may commit.
        time.sleep(0.5)
    done = agentadm(*ARGV, "--resume", stdin=lines)
    assert done.code == 0, done.err
    assert_exactly_once(database, 3)


def test_an_interruption_says_how_far_it_came(database: Database, agentadm: Agentadm) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        lines = people(database, 80, f"{code}x")
        before = recorded(database)
        process = begin(database, lines)
        wait_for_progress(database, before + 5)
        process.send_signal(number)
        ended = finish(process)
        assert ended.code == code, ended.err
        assert ended.out == ""
        done = recorded(database) - before
        assert f"{done:,} of 80 items are done, {80 - done:,} are not" in ended.err
        assert "--resume" in ended.err
        resumed = agentadm(*ARGV, "--resume", stdin=lines)
        assert resumed.code == 0, resumed.err
    assert_exactly_once(database, 160)


def test_an_unfinished_run_is_gone_on_with_or_forgotten(database: Database, agentadm: Agentadm) -> None:
    lines = people(database, 5)
    cut_short(database, lines)
    for more in ((), ("--dry-run",)):
        refused = agentadm(*ARGV, *more, stdin=lines)
        assert refused.code == 6
        assert "cut short after 3" in refused.err
    dry = agentadm(*ARGV, "--resume", "--dry-run", stdin=lines)
    assert dry.code == 0, dry.err
    assert "2 rows would change" in dry.err
    resumed = agentadm(*ARGV, "--resume", stdin=lines)
    assert [row["status"] for row in resumed.json] == ["done"] * 5
    assert [row["status"] for row in dry.json] == ["done"] * 5
    cut_short(database, lines)
    anew = agentadm(*ARGV, "--restart", stdin=lines)
    assert [row["status"] for row in anew.json] == ["unchanged"] * 3 + ["done"] * 2
    other = agentadm("users", "suspend", "u1@example.com", "u2@example.com", "--yes")
    assert other.code == 0


def test_a_finished_run_may_be_run_again(database: Database, agentadm: Agentadm) -> None:
    lines = people(database, 3)
    assert agentadm(*ARGV, stdin=lines).code == 0
    again = agentadm(*ARGV, stdin=lines)
    assert again.code == 0
    assert [row["status"] for row in again.json] == ["unchanged"] * 3
    assert recorded(database) == 3


def test_going_on_tries_what_failed_again_and_nothing_else(database: Database, agentadm: Agentadm) -> None:
    lines = people(database, 2) + "late@example.com\nu1@example.com\n{\n"
    first = agentadm(*ARGV, stdin=lines)
    assert [row["code"] for row in first.json] == [0, 0, 5, 0, 2]
    assert recorded(database) == 5
    agentadm("users", "create", "late@example.com")
    agentadm("users", "resume", "u1@example.com")
    second = agentadm(*ARGV, "--resume", stdin=lines)
    assert [row["code"] for row in second.json] == [0, 0, 0, 0, 2]
    assert second.json[:2] == first.json[:2]
    assert second.json[3] == first.json[3]
    assert database.value("SELECT status FROM agentadm.users WHERE email = 'u1@example.com'") == "active"


def test_a_run_under_a_key_goes_on_by_itself(database: Database, agentadm: Agentadm) -> None:
    number = 120
    lines = people(database, number)
    process = begin(database, lines, "--idempotency-key", "K")
    wait_for_progress(database, 10)
    process.kill()
    process.communicate()
    done = agentadm(*ARGV, "--idempotency-key", "K", stdin=lines)
    assert done.code == 0, done.err
    again = agentadm(*ARGV, "--idempotency-key", "K", stdin=lines)
    assert again.json == done.json
    assert "replayed" in again.err
    assert_exactly_once(database, number)


def test_two_at_once_do_each_item_once(database: Database) -> None:
    number = 100
    lines = people(database, number)
    both = [begin(database, lines, "--resume") for _ in range(2)]
    results = [finish(process) for process in both]
    assert [result.code for result in results] == [0, 0], [result.err for result in results]
    assert results[0].json == results[1].json
    assert_exactly_once(database, number)


def test_a_server_that_goes_away_stops_the_run(database: Database, agentadm: Agentadm) -> None:
    number = 100
    lines = people(database, number)
    allow = f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS"
    with (
        psycopg.connect(database.server.conninfo("postgres", "postgres"), autocommit=True) as connection,
        database.connect() as holder,
    ):
        # Within an item: a COMMIT without an answer would be asked after for half a minute.
        holder.execute("SELECT FROM agentadm.users WHERE email = 'u40@example.com' FOR UPDATE")
        process = begin(database, lines, "--wait", "60")
        wait_for_lock(database)
        connection.execute(cast("Any", f"{allow} false"))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database.name])
        ended = finish(process)
        connection.execute(cast("Any", f"{allow} true"))
        holder.close()
    assert ended.code == 75, ended.err
    assert f"39 of {number} items are done" in ended.err
    assert agentadm(*ARGV, "--resume", stdin=lines).code == 0
    assert_exactly_once(database, number)


def test_the_results_file_is_whole_and_private(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    lines = people(database, 2) + "nobody\n"
    file = tmp_path / "results.jsonl"
    file.write_text("old")
    dry = agentadm(*ARGV, "--results", str(file), "--dry-run", stdin=lines)
    assert dry.code == 7
    assert file.read_text() == "old"
    done = agentadm(*ARGV, "--results", str(file), stdin=lines)
    assert [json.loads(line) for line in file.read_text().splitlines()] == done.json
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["results.jsonl"]  # noqa: PTH208 - hidden ones, too


def test_maintain_forgets_finished_runs_after_thirty_days(database: Database, agentadm: Agentadm) -> None:
    lines = people(database, 5)
    agentadm("users", "suspend", "u1@example.com", "u2@example.com", "--yes")
    cut_short(database, lines)
    assert agentadm("db", "maintain").code == 0
    assert recorded(database) == 5
    database.execute("ALTER TABLE agentadm.chunk_progress DISABLE TRIGGER touch_updated_at")
    database.execute("UPDATE agentadm.chunk_progress SET updated_at = agentadm.now() - interval '31 days'")
    assert agentadm("db", "maintain").code == 0
    assert recorded(database) == 3
    assert agentadm(*ARGV, stdin=lines).code == 6


def test_an_operator_of_support_can_run_several(database: Database, agentadm: Agentadm) -> None:
    lines = people(database, 2)
    name = f"clerk_{database.name}"
    assert agentadm("db", "roles", "create", name, "--group", "support", "--yes").code == 0
    for more in ((), ("--atomic",), ("--restart",), ("--idempotency-key", "K")):
        done = agentadm(*ARGV, *more, stdin=lines, env={"AGENTADM_DATABASE_URL": database.url_as(name)})
        assert done.code == 0, done.err
        assert {row["status"] for row in done.json} <= {ItemStatus.DONE, ItemStatus.UNCHANGED}

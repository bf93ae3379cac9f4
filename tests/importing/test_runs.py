"""Imports that are cut short, and gone on with: every record exactly once, under one operation."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from platform_core.importing import lines
from tests.conftest import Agentadm
from tests.operations.processes import finish, wait_until
from tests.support import Database

ROOT = Path(__file__).parents[2]
# Chunks of 40 records, so that a small file has many.
CHILD = (
    "import sys; from platform_core.importing import lines; lines.CHUNK_RECORDS = 40;"
    " from cli.main import main; sys.exit(main(sys.argv[1:]))"
)
RECORDS = 1_200


def people(file: Path, number: int = RECORDS) -> tuple[str, ...]:
    """A file with users, every fiftieth a bad one; and how it is imported."""
    rows = (f"{'no' if place % 50 == 49 else f'u{place}@example.com'},n\n" for place in range(number))
    file.write_text("email,full_name\n" + "".join(rows))
    return ("users", "import", str(file), "--yes", "-o", "json")


def begin(database: Database, *argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *argv],
        cwd=ROOT, env=database.environ, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def recorded(database: Database) -> int:
    count: int = database.value("SELECT count(*) FROM agentadm.chunk_progress")
    return count


def wait_for_chunks(database: Database, number: int) -> None:
    wait_until(lambda: recorded(database) >= number, f"{number} chunks are on record")


def assert_exactly_once(database: Database, number: int = RECORDS) -> None:
    good = number - number // 50
    assert database.value("SELECT count(*) FROM agentadm.users") == good
    assert database.rows(
        "SELECT count(*), count(DISTINCT c.row_key), count(DISTINCT c.operation_id) FROM agentadm.audit_changes c"
        " JOIN agentadm.operations o ON o.id = c.operation_id WHERE o.command = 'users import'"
    ) == [(good, good, 1)]


def test_killed_at_random_points_every_record_is_in_once(
    database: Database, agentadm: Agentadm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = people(tmp_path / "users.csv")
    file = tmp_path / "rejects.csv"
    chance = random.Random(7)  # noqa: S311 - nothing secret
    for _ in range(3):
        process = begin(database, *argv, "--resume", "--rejects", str(file))
        wait_for_chunks(database, recorded(database) + chance.randint(1, 5))
        time.sleep(chance.random() / 50)
        process.kill()
        process.communicate()
        assert not file.exists()
    assert 3 <= recorded(database) < RECORDS // 40
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 40)
    for more in ((), ("--dry-run",)):
        refused = agentadm(*argv, *more)
        assert refused.code == 6
        assert f"an earlier run of these {RECORDS:,} records was cut short" in refused.err
    dry = agentadm(*argv, "--resume", "--dry-run")
    done = agentadm(*argv, "--resume", "--rejects", str(file))
    assert done.code == dry.code == 7
    assert dry.json["created"] == done.json["created"] == RECORDS - RECORDS // 50
    assert_exactly_once(database)
    assert [line.partition(",")[0] for line in file.read_text().splitlines()[1:]] == [
        str(place + 2) for place in range(49, RECORDS, 50)
    ]
    again = agentadm(*argv, "--resume", "--rejects", str(file))
    assert again.json == done.json
    assert_exactly_once(database)


def test_another_file_is_another_import(
    database: Database, agentadm: Agentadm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 2)
    file = tmp_path / "users.csv"
    file.write_text("email\na@example.com\nb@example.com\nc@example.com\n")
    argv = ("users", "import", str(file), "--yes", "-o", "json")
    assert agentadm(*argv).code == 0
    database.execute("DELETE FROM agentadm.chunk_progress WHERE item = 2")
    database.execute("DELETE FROM agentadm.users WHERE email = 'c@example.com'")
    other = tmp_path / "other.csv"
    other.write_text("email\nd@example.com\ne@example.com\nf@example.com\n")
    assert agentadm("users", "import", str(other), "--yes", "-o", "json", "--resume").json["created"] == 3
    moved = file.rename(tmp_path / "moved.csv")
    assert agentadm("users", "import", str(moved), "--yes").code == 6
    done = agentadm("users", "import", str(moved), "--yes", "--resume", "-o", "json")
    assert (done.code, done.json["created"]) == (0, 3)
    assert database.value("SELECT count(*) FROM agentadm.users") == 6
    anew = agentadm("users", "import", str(moved), "--yes", "-o", "json")
    assert (anew.code, anew.json["rejected"]) == (6, 3)
    database.execute("DELETE FROM agentadm.chunk_progress WHERE item = 2")
    assert agentadm("users", "import", str(moved), "--yes", "--restart", "-o", "json").json["rejected"] == 3


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_says_how_far_it_came(
    database: Database, agentadm: Agentadm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: int, code: int
) -> None:
    argv = people(tmp_path / "users.csv")
    process = begin(database, *argv)
    wait_for_chunks(database, 3)
    process.send_signal(sent)
    ended = finish(process)
    assert ended.code == code, ended.err
    assert ended.out == ""
    done = recorded(database) * 40
    assert f"{done:,} of {RECORDS:,} records are through, {RECORDS - done:,} are not" in ended.err
    assert "--resume" in ended.err
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 40)
    assert agentadm(*argv, "--resume").code == 7
    assert_exactly_once(database)


def test_a_run_under_a_key_goes_on_by_itself(
    database: Database, agentadm: Agentadm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = (*people(tmp_path / "users.csv"), "--idempotency-key", "K")
    process = begin(database, *argv)
    wait_for_chunks(database, 2)
    process.kill()
    process.communicate()
    monkeypatch.setattr(lines, "CHUNK_RECORDS", 40)
    done = agentadm(*argv)
    assert done.code == 7, done.err
    again = agentadm(*argv, "--rejects", str(tmp_path / "r.csv"))
    assert {**again.json, "rejects_file": None} == done.json
    assert "replayed" in again.err
    assert len((tmp_path / "r.csv").read_text().splitlines()) == RECORDS // 50 + 1
    assert_exactly_once(database)
    assert agentadm(*argv, "--on-conflict", "skip").code == 6


def test_two_at_once_take_each_record_once(database: Database, tmp_path: Path) -> None:
    argv = people(tmp_path / "users.csv")
    both = [begin(database, *argv, "--resume", "--wait", "60") for _ in range(2)]
    results = [finish(process) for process in both]
    assert [result.code for result in results] == [7, 7], [result.err for result in results]
    assert results[0].json == results[1].json
    assert_exactly_once(database)


def test_maintain_forgets_the_rejects_of_forgotten_runs(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    agentadm(*people(tmp_path / "users.csv", 100))
    assert agentadm("db", "maintain").code == 0
    assert database.value("SELECT count(*) FROM agentadm.import_rejects") == 2
    database.execute("DELETE FROM agentadm.chunk_progress")
    assert agentadm("db", "maintain").code == 0
    assert database.value("SELECT count(*) FROM agentadm.import_rejects") == 0


def test_memory_does_not_grow_with_the_file(database: Database, tmp_path: Path) -> None:
    """A file of 60 MB with long cells, which are chunked by size."""
    file = tmp_path / "users.jsonl"
    with file.open("w") as stream:
        for number in range(600):
            stream.write(f'{{"email":"u{number}@example.com","metadata":{{"x":"{"y" * 100_000}"}}}}\n')
    done = subprocess.run(
        [sys.executable, "-m", "tools.peak_memory", "users", "import", str(file), "--yes"],
        cwd=ROOT, env=database.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stderr.splitlines()[-1]) < 200 * 1024

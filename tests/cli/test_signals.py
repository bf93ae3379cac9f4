"""Real signals to a real process: it rolls back, or finds out, and says what happened. And streams that go away."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Agentadm
from tests.operations.processes import (
    IMPATIENT,
    ROOT,
    finish,
    lost_answers,
    sleep_at_commit,
    start,
    wait_for_lock,
    wait_until,
)
from tests.support import Database

SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")]
IN_COMMIT = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'agentadm' AND state = 'active' AND query = 'COMMIT'
        AND wait_event IS NOT NULL
"""
SUSPEND = ("users", "suspend", "x@example.com", "--yes", "--wait", "60")
STATUS = "SELECT status FROM agentadm.users"
OPERATIONS = "SELECT count(*) FROM agentadm.operations WHERE command = 'users suspend'"

signals = pytest.mark.parametrize(("sent", "code", "word"), SIGNALS)


@pytest.fixture
def user(agentadm: Agentadm) -> str:
    """A user to be suspended."""
    assert agentadm("users", "create", "x@example.com").code == 0
    return "x@example.com"


@signals
def test_while_waiting_for_a_lock(database: Database, user: str, sent: signal.Signals, code: int, word: str) -> None:
    with database.connect() as holder:
        holder.execute("SELECT FROM agentadm.users FOR UPDATE")
        process = start(*SUSPEND, "--idempotency-key", "K", environ=database.environ)
        wait_for_lock(database)
        process.send_signal(sent)
        ended = finish(process)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err == f"error: {word}; rolled back, nothing was changed\n"
    assert database.value(STATUS) == "active"
    assert database.value(OPERATIONS) == 0
    assert database.value("SELECT count(*) FROM agentadm.idempotency_keys") == 0


@signals
def test_while_reading(database: Database, sent: signal.Signals, code: int, word: str) -> None:
    with database.connect() as holder:
        holder.execute("LOCK TABLE agentadm.users IN ACCESS EXCLUSIVE MODE")
        process = start("users", "list", "--wait", "60", "-o", "json", environ=database.environ)
        wait_for_lock(database)
        process.send_signal(sent)
        ended = finish(process)
    assert (ended.code, ended.out) == (code, "")
    assert f'"message": "{word}; nothing was changed"' in ended.err


@signals
def test_during_a_commit_that_is_made(
    database: Database, user: str, sent: signal.Signals, code: int, word: str
) -> None:
    with lost_answers(database):
        process = start(*SUSPEND, environ=database.environ)
        wait_until(lambda: database.value(IN_COMMIT) == 1, "a COMMIT")
        process.send_signal(sent)
        ended = finish(process)
    assert (ended.code, ended.out) == (code, "")
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'users suspend'")
    assert ended.err == (
        f"error: {word}; the change had been made already, as operation {operation}\n"
        f"hint: agentadm audit show {operation}\n"
    )
    assert database.value(STATUS) == "suspended"


@signals
def test_during_a_commit_that_is_not_made(
    database: Database, user: str, sent: signal.Signals, code: int, word: str
) -> None:
    sleep_at_commit(database, 60)
    process = start(*SUSPEND, environ=database.environ)
    wait_until(lambda: database.value(IN_COMMIT) == 1, "a COMMIT")
    process.send_signal(sent)
    ended = finish(process)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err == f"error: {word}; rolled back, nothing was changed\n"
    assert database.value(STATUS) == "active"
    assert database.value(OPERATIONS) == 0


def test_twice_while_finding_out(database: Database, user: str, tmp_path: Path) -> None:
    """Whoever interrupts even the finding out gets away, and is told how to find out."""
    impatient = database.connect("postgres", autocommit=True, options=IMPATIENT)
    with impatient as admin, lost_answers(database):
        process = start(*SUSPEND, environ=database.environ)
        wait_until(lambda: database.value(IN_COMMIT) == 1, "a COMMIT")
        admin.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 0")
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        ended = finish(process)
        admin.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")
    operation = database.value("SELECT id FROM agentadm.operations WHERE command = 'users suspend'")
    assert ended.code == 75
    assert "it is not known whether the change was made" in ended.err
    assert f"hint: ask later: agentadm audit show {operation}" in ended.err


@pytest.fixture
def deaf_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, socket.socket]]:
    """A server that accepts connections and says nothing, by its URL."""
    folder = tmp_path_factory.mktemp("deaf")
    with socket.socket(socket.AF_UNIX) as listener:
        # A relative name: the whole path may be too long for a socket.
        before = Path.cwd()
        os.chdir(folder)
        listener.bind(".s.PGSQL.5432")
        os.chdir(before)
        listener.listen()
        yield f"postgresql://x@/x?host={folder}", listener


@signals
def test_before_the_database_is_connected(
    deaf_server: tuple[str, socket.socket], database: Database, sent: signal.Signals, code: int, word: str
) -> None:
    url, listener = deaf_server
    process = start(*SUSPEND, environ={**database.environ, "AGENTADM_DATABASE_URL": url})
    listener.settimeout(30)
    with listener.accept()[0]:
        process.send_signal(sent)
        ended = finish(process)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err == f"error: {word}; nothing was changed\n"


def shell(command: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command line in a shell, with $A for the tool."""
    tool = f"{shlex.quote(sys.executable)} -m cli"
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command.replace("$A", tool)],
        check=False,
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_reader_that_goes_away(database: Database) -> None:
    database.execute(
        "INSERT INTO agentadm.users (email) SELECT 'user' || n || '@example.com' FROM generate_series(1, 3000) n"
    )
    for output in ("jsonl", "json", "yaml", "csv", "table"):
        done = shell(f"$A users list --all -o {output} | head -1", database.environ)
        assert (done.returncode, done.stderr) == (0, ""), output


def test_a_change_whose_reader_went_away(database: Database) -> None:
    done = shell("(sleep 0.1; exec $A users create x@example.com -q) | true", database.environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert database.value("SELECT email FROM agentadm.users") == "x@example.com"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed(database: Database, closed: str) -> None:
    done = shell(f"$A users create x@example.com {closed}", database.environ)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert database.value("SELECT email FROM agentadm.users") == "x@example.com"
    refused = shell(f"$A users create x@example.com {closed}", database.environ)
    assert refused.returncode == 6
    assert "Traceback" not in refused.stderr


def test_notes_and_errors_that_nobody_reads(database: Database) -> None:
    database.execute("UPDATE agentadm.installation SET production = true")
    # The note that names the environment comes before the work, and must not prevent it.
    done = shell("{ sleep 0.1; $A users create x@example.com -o json 2>&3; } 3> >(true)", database.environ)
    assert done.returncode == 0
    assert '"email": "x@example.com"' in done.stdout
    failed = shell("{ sleep 0.1; $A users show nobody@example.com 2>&3; } 3> >(true)", database.environ)
    assert (failed.returncode, failed.stdout) == (5, "")


def test_a_full_disk(database: Database) -> None:
    done = shell("$A users create x@example.com > /dev/full", database.environ)
    assert done.returncode == 7
    assert "error: the change was made, but its result could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert database.value("SELECT count(*) FROM agentadm.users") == 1


def test_a_signal_that_was_ignored_stays_so(database: Database, user: str) -> None:
    """As nohup and background jobs of scripts have it."""
    with database.connect() as holder:
        holder.execute("SELECT FROM agentadm.users FOR UPDATE")
        process = subprocess.Popen(
            ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-m", "cli", *SUSPEND],
            cwd=ROOT, env=database.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_for_lock(database)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        holder.rollback()
        assert finish(process).code == 0
    assert database.value(STATUS) == "suspended"

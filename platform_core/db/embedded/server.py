"""The embedded PostgreSQL server: made, started, stopped and removed by this process alone.

It listens on a Unix socket only, in a folder of mode 0700, so that its own account and root reach it.
Callers connect with `conninfo()` straight away and call `start()` after a failure. Two locks keep it safe:
`lock` in home for whoever changes something, and the cluster's, which the server's own processes hold.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from platform_core.db.embedded.accounts import is_root, this_account
from platform_core.db.embedded.as_root import SYSTEM_FOLDER
from platform_core.db.embedded.binaries import WHEEL_FOLDERS, find_binaries
from platform_core.db.embedded.cluster import Cluster
from platform_core.db.embedded.files import PRIVATE, give_folder, hold_lock, make_folders, write_file
from platform_core.db.embedded.postmaster import Postmaster
from platform_core.db.embedded.socket_folder import SOCKET_PARENT, SocketFolder
from platform_core.errors import NotPermitted, TryAgain, UsageError

LOCK_NAME = "lock"
OWNER_ROLE = "agentadm_owner"
DATABASE = "agentadm"


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
        return self._postmaster.conninfo(dbname, user)

    @property
    def binaries(self) -> Path:
        """The folder of pg_dump, psql, pg_restore and pgbench for this process to run.

        Raises:
            UsageError: no programs are there.
        """
        return find_binaries(self.postgres)

    def create(self) -> None:
        """Make cluster, owner role and database where missing, and leave the server running.

        What an interrupted run left is finished; an existing cluster is never emptied. One that root's earlier
        home of this path left behind is moved aside: the home is gone, so nobody asked for its data.

        Raises:
            UsageError: the settings or the folders do not allow it.
            TryAgain: another process is at it for too long.
            AgentadmError: PostgreSQL said no; the hint shows its log.
        """
        with self._locked(make=True):
            if self._root and not self.exists() and not self._begun.exists() and self._cluster.exists():
                self._postmaster.end(signal.SIGINT)
                self._cluster.set_aside()
            write_file(self._begun, f"{self._folder}\n", 0o600, this_account())
            if not self._cluster.exists():
                self._marker.unlink(missing_ok=True)
                self._cluster.make()
            self._postmaster.ensure_running()
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
            if not self._cluster.exists():
                raise UsageError(
                    f"the embedded database of {self.home} is not in {self._data} any more",
                    "bring that folder back, or make a new one with: agentadm db init --embedded",
                )
            self._postmaster.ensure_running()

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
            return self._postmaster.process() is not None and self._postmaster.end(signal.SIGINT)

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
            self._postmaster.end(signal.SIGQUIT)
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
        process = self._postmaster.process()
        return None if process is None else process.pid

    @cached_property
    def _root(self) -> bool:
        return is_root()

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
        return self._cluster.data

    @property
    def _marker(self) -> Path:
        return self._control / "created"

    @property
    def _begun(self) -> Path:
        """Tells a cluster that this home began to make from one that a removed home left."""
        return self._control / "begun"

    @cached_property
    def _socket_folder(self) -> Path:
        name = _digest(self.home.resolve() / self._label)
        return SOCKET_PARENT / f"agentadm-{os.geteuid()}-{name}"

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster(self._folder, self.postgres, self.durable)

    @cached_property
    def _postmaster(self) -> Postmaster:
        return Postmaster(self._cluster, SocketFolder(self._socket_folder))

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

    def _remove_socket_folder(self) -> None:
        if (owner := self._cluster.known_owner()) is not None:
            self._postmaster.sockets.remove(owner)

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


def _digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]

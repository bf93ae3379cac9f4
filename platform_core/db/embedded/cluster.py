"""The cluster: the folder that initdb makes, the account it belongs to, and the lock on it.

The lock is on the cluster's PG_VERSION. The server's processes inherit and thereby hold it until the last of
them is gone, also after a SIGKILL.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from platform_core.db.embedded.accounts import Account, is_root, this_account
from platform_core.db.embedded.as_root import existing_account, service_account, shared_binaries, system_folder
from platform_core.db.embedded.binaries import WHEEL_FOLDERS, find_binaries
from platform_core.db.embedded.files import PRIVATE, give_folder, lock_within, write_file
from platform_core.db.embedded.processes import run_program
from platform_core.errors import AgentadmError, TryAgain, UsageError

BUILTIN_LOCALE_SINCE = 17


@dataclass(frozen=True)
class Cluster:
    """A cluster of databases on disk, made or not.

    Args:
        folder: the folder with data, log and settings.
        postgres: "18" or "16" for the programs of the wheel, else a folder with PostgreSQL programs.
        durable: whether initdb makes sure that all is on the disk.
    """

    folder: Path
    postgres: str
    durable: bool

    @property
    def data(self) -> Path:
        """The folder that initdb makes."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The folder that the server writes its log to."""
        return self.folder / "log"

    def exists(self) -> bool:
        """Whether initdb was here, and finished."""
        return (self.data / "PG_VERSION").exists()

    def owner(self) -> Account:
        """The account that the server runs as; an existing cluster stays with the one it was made by."""
        if not is_root():
            return this_account()
        with suppress(FileNotFoundError):
            found = self.data.stat()
            return Account(found.st_uid, found.st_gid)
        return service_account()

    def known_owner(self) -> Account | None:
        """The same, but no account is made: None where root has neither cluster nor service account."""
        return existing_account() if is_root() and not self.exists() else self.owner()

    def programs(self) -> Path:
        """The folder of programs that the owner can run."""
        return shared_binaries(self.postgres) if is_root() else find_binaries(self.postgres)

    @contextmanager
    def lock(self, seconds: float) -> Iterator[int]:
        """Hold what the server's processes inherit: as long as one of them lives, here or in another
        container, nobody else gets it.

        Raises:
            TryAgain: one still lives after that time.
        """
        descriptor = os.open(self.data / "PG_VERSION", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not lock_within(descriptor, seconds):
                raise TryAgain(
                    f"processes of an earlier server still use {self.data}",
                    "they end after their last statement; look also in containers that share the folder",
                )
            yield descriptor
        finally:
            os.close(descriptor)

    def is_free(self) -> bool:
        """Whether no process of a server uses it."""
        with suppress(TryAgain), self.lock(0):
            return True
        return False

    def set_aside(self) -> None:
        """Rename the folder, with all that is in it. The server has ended."""
        self.folder.rename(self.folder.with_name(f"{self.folder.name}-left-behind-{time.time_ns()}"))

    def make(self) -> None:
        """Run initdb beside the final folder, and rename what is complete.

        Raises:
            UsageError: something else is in the final folder.
            AgentadmError: initdb said no.
        """
        import shutil

        owner, programs = self.owner(), self.programs()
        if self.data.is_dir() and any(self.data.iterdir()):
            raise UsageError(f"{self.data} is not empty and no PostgreSQL cluster", "move it away")
        if is_root():
            system_folder(self.folder.parent.name)
            # Root's own, so that whoever breaks into the server cannot lead root astray in it.
            give_folder(self.folder, 0o750, Account(0, owner.gid))
        for leftover in self.folder.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        new = self.folder / f"initdb-{os.getpid()}-{time.monotonic_ns()}"
        give_folder(new, PRIVATE, owner)
        self._run_initdb(programs, new.name, owner)
        write_file(new / "postgresql.conf", "include '../agentadm.conf'\n", 0o600, owner)
        write_file(new / "pg_hba.conf", "local all all trust\n", 0o600, owner)
        new.rename(self.data)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _run_initdb(self, programs: Path, name: str, owner: Account) -> None:
        options = [f"--pgdata={name}", "--username=postgres", "--auth=trust", "--encoding=UTF8"]
        options += ["--data-checksums"] if self.durable else ["--data-checksums", "--no-sync"]
        if self._major(programs, owner) >= BUILTIN_LOCALE_SINCE:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        for locale in ("C.UTF-8", "C"):  # a C library may lack the first
            code, said = run_program(
                programs / "initdb", *options, f"--locale={locale}", account=owner, folder=self.folder
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

"""The folder of the Unix socket: in /tmp, because a socket's path must be short, and therefore never trusted."""

import os
import signal
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platform_core.db.embedded.accounts import Account
from platform_core.db.embedded.files import PRIVATE, give_folder
from platform_core.db.embedded.processes import SERVER_SECONDS, ServerRecord, end_process
from platform_core.errors import UsageError

# Not tempfile's folder: all processes must agree on it, whatever their TMPDIR says.
SOCKET_PARENT = Path("/tmp")  # noqa: S108 - the folder in it is checked before every use
SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True)
class SocketFolder:
    """A folder of mode 0700 with the socket of one server; nobody but its owner and root reaches it."""

    path: Path

    def conninfo(self, dbname: str, user: str) -> str:
        """The libpq URL of a database over this socket."""
        from urllib.parse import quote

        place = f"host={quote(str(self.path), safe='/')}&port=5432"
        return f"postgresql://{quote(user, safe='')}@/{quote(dbname, safe='')}?{place}"

    def has_socket(self) -> bool:
        """Whether the socket is there, be it a living server's or not."""
        return (self.path / SOCKET_NAME).exists()

    def refuse_unsafe(self, owner: int) -> None:
        """Check that it is what we made.

        Raises:
            UsageError: it is no folder, another user's, or not closed.
            FileNotFoundError: there is none.
        """
        found = self.path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != PRIVATE:
            raise UsageError(
                f"{self.path} must be a folder of user {owner} with mode 0700",
                "somebody else may have made it: look at it, remove it, and run the command again",
            )

    def prepare(self, owner: Account) -> None:
        """Have the folder, and no server of other data on it.

        Raises:
            UsageError: it is there and not safe to use.
            TryAgain: the other server does not end.
        """
        with suppress(FileExistsError):
            give_folder(self.path, PRIVATE, owner, existing=False)
        self.refuse_unsafe(owner.uid)
        record = ServerRecord.read(self.path / f"{SOCKET_NAME}.lock")
        # Its data or its postmaster.pid were removed under it; no other home has this socket.
        if record is not None and (process := record.process(owner.uid)) is not None:
            end_process(process, signal.SIGQUIT, SERVER_SECONDS)

    def remove_sockets(self) -> None:
        """Remove what a server that is gone left in it."""
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)

    def remove(self, owner: Account) -> None:
        """End whatever server listens there and remove the folder.

        Raises:
            UsageError: it is not ours.
            TryAgain: the server does not end.
        """
        import shutil

        if os.path.lexists(self.path):
            self.prepare(owner)
            shutil.rmtree(self.path)

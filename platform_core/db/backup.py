"""Backup, restore and shell: PostgreSQL's own programs, run on the configured database."""

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platform_core.db import migrate, queries
from platform_core.db.guards import marked, place, refuse_strong_login
from platform_core.db.programs import Program, find_psql, logged_in, programs, run, server_major, suitable
from platform_core.db.schema import SCHEMA
from platform_core.db.types import FileResult
from platform_core.errors import AgentadmError, Conflict, UsageError
from platform_core.operations.types import WriteRequest

if TYPE_CHECKING:
    from platform_core.config import Settings
    from platform_core.platform import Platform
    from platform_core.services import Services

LOGINS_LEFT_OUT = "logins of operators and their passwords: roles belong to the cluster (agentadm db roles list)"
KEYS_LEFT_OUT = (
    "the key material, without which no API key is known and nothing that is encrypted can be read: "
    "keep {} in another safe place"
)
LOCK_WAIT = "60s"
MAGIC = b"PGDMP"
MONTHS_AHEAD = 3


def backup(platform: "Platform", path: Path) -> FileResult:
    """Write our schema with all its rows to a new file of mode 0600.

    Raises:
        UsageError: the file exists or cannot be made, the database is not ours, or no suitable pg_dump is here.
        NotPermitted: the login does not own the schema.
        TryAgain: the server was lost, or a table stayed locked.
    """
    _refuse_bad_target(path)
    with platform.care.connection() as connection, _file_beside(path) as part:
        marked(connection)
        connection.rollback()
        program = suitable("pg_dump", platform.settings, connection)
        with logged_in(connection, platform.database.conninfo, "agentadm backup") as login:
            run(
                program,
                "--format=custom",
                f"--schema={SCHEMA}",
                # Roles are made anew where it is restored, and get their privileges there.
                "--no-owner",
                "--no-privileges",
                "--no-password",
                f"--lock-wait-timeout={LOCK_WAIT}",
                f"--file={part}",
                f"--dbname={login.conninfo}",
                environ=login.environ,
            )
        _refuse_bad_target(path)
        part.rename(path)
        _sync(path.parent)
        return FileResult(str(path), path.stat().st_size, (LOGINS_LEFT_OUT, _keys_left_out(platform.settings)))


def _keys_left_out(settings: "Settings") -> str:
    source = settings.key_source
    return KEYS_LEFT_OUT.format("its file, or its variable," if source is None else source.path or source.said_by)


def restore(platform: "Platform", path: Path, *, dry_run: bool = False) -> FileResult:
    """Load a backup, migrate it to this tool's schema, and make it at home in its new cluster.

    The rows come in one transaction. After it the group roles, the partitions of this month and the cluster's
    identifier are put right in the operation `db restore`; `db doctor` names what a run that was cut short left.

    Raises:
        UsageError: the file is no backup, or is of a newer PostgreSQL or a newer tool; or no suitable pg_restore is
            here.
        Conflict: the database has our schema already.
        NotPermitted: the login is a superuser, or may not make the schema.
        TryAgain: the server was lost, or another session sets the database up.
    """
    archive = _read_archive(path, platform.settings)
    with platform.care.only_runner() as connection:
        refuse_strong_login(connection)
        if queries.find_schema(connection) is not None:
            database = queries.login(connection).database
            raise Conflict(
                f"{place(connection)} has a schema {SCHEMA} already: a backup is restored beside it, never over it",
                "restore into another, empty database; or remove the schema that is there, after a look at it: "
                f"agentadm db shell, then DROP SCHEMA {SCHEMA} CASCADE in {database}",
            )
        connection.commit()
        if archive.server_major > server_major(connection):
            raise UsageError(
                f"the backup is of PostgreSQL {archive.server_major}, this server is {server_major(connection)}",
                "restore into a server of the same version or a newer one",
            )
        program = suitable("pg_restore", platform.settings, connection, at_least=archive.program_major)
        missing: tuple[str, ...] = ()
        if not dry_run:
            with logged_in(connection, platform.database.conninfo, "agentadm restore") as login:
                run(
                    program,
                    "--single-transaction",
                    "--no-owner",
                    "--no-privileges",
                    "--no-password",
                    f"--dbname={login.conninfo}",
                    str(path),
                    environ=login.environ,
                )
            platform.care.migrate_to_newest(connection)
            missing = _settle_in(platform, path)
    left_out = tuple(f"the role {role}, which this login may not make" for role in missing)
    return FileResult(str(path), path.stat().st_size, left_out)


def shell(platform: "Platform", arguments: tuple[str, ...]) -> int:
    """Run psql on the database, with the terminal of this process.

    Args:
        platform: says which database.
        arguments: for psql, as they are.

    Returns:
        psql's exit code.

    Raises:
        UsageError: no psql is here, or none that speaks TLS where the server is reached by it.
    """
    with (
        platform.care.connection() as connection,
        logged_in(connection, platform.database.conninfo, "agentadm shell") as login,
    ):
        psql = find_psql(connection)
        # Not needed while psql runs, which may be for hours.
        connection.close()
        with _interrupts_left_to_child():
            command = [str(psql), f"--dbname={login.conninfo}", *arguments]
            return subprocess.run(command, env=login.environ, check=False).returncode


@dataclass(frozen=True)
class Archive:
    """What a backup says of itself: major versions of its server and of its pg_dump."""

    server_major: int
    program_major: int


def _read_archive(path: Path, settings: "Settings") -> Archive:
    """Look into a backup without restoring anything.

    Raises:
        UsageError: it cannot be read, is no backup of this tool, or is of a newer schema.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(len(MAGIC))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if beginning != MAGIC:
        raise UsageError(f"{path} is no backup of agentadm", "backups are made with: agentadm db backup FILE")
    found = programs("pg_restore", settings, tls=False)
    if not found:
        raise UsageError("no pg_restore is on the PATH", "install PostgreSQL's client programs")
    newest = found[-1]
    contents = _read_with(newest, path, "--list")
    server, dumped = (_version(contents, what) for what in ("database version", "by pg_dump version"))
    entries = [line for line in contents.splitlines() if line and not line.startswith(";")]
    if not any(f" TABLE {SCHEMA} installation " in entry for entry in entries) or any(
        f" {SCHEMA} " not in entry for entry in entries
    ):
        raise UsageError(
            f"{path} does not hold an installation of agentadm and nothing else",
            "backups are made with: agentadm db backup FILE",
        )
    table = _read_with(newest, path, "--data-only", f"--schema={SCHEMA}", "--table=alembic_version", "--file=-")
    revision = re.search(rf"^COPY {SCHEMA}\.alembic_version .*;\n(\S+)\n", table, re.MULTILINE)
    if revision is None or migrate.known_revision(revision[1]) is None:
        raise UsageError(
            f"the backup's schema is at {revision[1] if revision else 'nothing'}, "
            f"this tool knows up to {migrate.newest_revision()}",
            "install the agentadm that made it, or a newer one",
        )
    return Archive(server, dumped)


def _read_with(program: Program, path: Path, *options: str) -> str:
    try:
        return run(program, *options, str(path))
    except AgentadmError as error:
        hint = "it may be cut short, or of a newer PostgreSQL"
        raise UsageError(f"{path} cannot be read: {error.message}", hint) from error


def _version(contents: str, what: str) -> int:
    found = re.search(rf"^;\s+Dumped (?:from )?{what}: (\d+)", contents, re.MULTILINE)
    return int(found[1]) if found else 0


def _settle_in(platform: "Platform", path: Path) -> tuple[str, ...]:
    """Put right what belongs to a cluster. Returns the group roles that could not be made."""

    def work(services: "Services") -> tuple[str, ...]:
        connection = services.connection
        queries.set_system_identifier(connection, queries.system_identifier(connection))
        # Whoever ran a job while the backup was made does not run here.
        services.jobs.abandon_all("its database was restored from a backup")
        missing = queries.make_roles(connection)
        queries.ensure_partitions(connection, MONTHS_AHEAD)
        queries.grant_privileges(connection)
        return missing

    request = WriteRequest("db restore", {"file": path.name})
    return platform.sessions.write(request, work, tuple[str, ...]).value


def _refuse_bad_target(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} exists already", "a backup never overwrites a file: give another name")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", "make it first")


@contextmanager
def _file_beside(path: Path) -> Iterator[Path]:
    """An empty file of mode 0600 in the same folder, gone at the end unless it was renamed."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise UsageError(f"{path.parent} cannot be written to: {error.strerror}") from error
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make a rename in a folder last; pg_dump has synced the file itself."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _interrupts_left_to_child() -> Iterator[None]:
    """Ctrl-C cancels psql's statement and does not end this process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A handler and not SIG_IGN, which the child would inherit.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""PostgreSQL's own client programs: which one to run, and how to log it in without showing the password."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection

from platform_core.db.embedded.binaries import WHEEL_FOLDERS, find_binaries
from platform_core.errors import AgentadmError, MissingPrivilege, TryAgain, UsageError

if TYPE_CHECKING:
    from platform_core.config import Settings

VERSION_SECONDS = 30
NEWEST_OF_WHEEL = "18"
# From this version on the programs set parameters that older servers do not know.
NEW_PARAMETERS_SINCE = 17
# libpq takes these from a connection string only, where every user of the machine could read them.
UNSAFE_PARAMETERS = ("sslpassword", "oauth_client_secret")


@dataclass(frozen=True)
class Program:
    """A client program, and the major version of PostgreSQL it belongs to."""

    path: Path
    major: int


@dataclass(frozen=True)
class Login:
    """What a client program is to be run with. The file behind PGPASSFILE lives only as long as it runs."""

    conninfo: str
    environ: dict[str, str]


def server_major(connection: Connection) -> int:
    """The major version of the server."""
    return _driver(connection).info.server_version // 10_000


def programs(name: str, settings: "Settings", *, tls: bool) -> list[Program]:
    """The programs of that name on this machine, oldest version first.

    Args:
        name: pg_dump or pg_restore.
        settings: may name a folder of PostgreSQL programs for the embedded server.
        tls: whether it has to speak TLS: those of the wheel do not.
    """
    paths = [Path(found)] if (found := shutil.which(name)) else []
    if not tls:
        for postgres in dict.fromkeys([settings.embedded_server.postgres, *WHEEL_FOLDERS]):
            try:
                paths.append(find_binaries(postgres) / name)
            except UsageError:
                continue
    known = [Program(path, major) for path in paths if (major := _major(path)) is not None]
    return sorted(known, key=lambda program: program.major)


def suitable(name: str, settings: "Settings", connection: Connection, *, at_least: int = 0) -> Program:
    """The oldest program that serves a connection's server.

    Args:
        name: pg_dump or pg_restore.
        settings: as for `programs`.
        connection: to the server.
        at_least: a major version that it must have besides.

    Raises:
        UsageError: there is none; it says what to install.
    """
    server, tls = server_major(connection), bool(_driver(connection).pgconn.ssl_in_use)
    newest = NEW_PARAMETERS_SINCE - 1 if name == "pg_restore" and server < NEW_PARAMETERS_SINCE else 1_000
    for program in programs(name, settings, tls=tls):
        if max(server, at_least) <= program.major <= newest:
            return program
    wanted = f"{server}" if newest == server else f"{max(server, at_least)} or later"
    raise UsageError(
        f"no {name} of PostgreSQL {wanted}{' that speaks TLS' if tls else ''} is on the PATH",
        f"install PostgreSQL's client programs, for example: apt-get install postgresql-client-{server}",
    )


def find_psql(connection: Connection) -> Path:
    """The psql of this machine's user, else the wheel's: any version talks to any server.

    Raises:
        UsageError: there is none, or none that speaks TLS where the connection does.
    """
    if found := shutil.which("psql"):
        return Path(found)
    if _driver(connection).pgconn.ssl_in_use:
        raise UsageError(
            "no psql that speaks TLS is on the PATH",
            "install PostgreSQL's client programs, for example: apt-get install postgresql-client",
        )
    return find_binaries(NEWEST_OF_WHEEL) / "psql"


@contextmanager
def logged_in(connection: Connection, conninfo: str, application_name: str) -> Iterator[Login]:
    """How a program logs in like a connection did.

    Args:
        connection: open, made with that string.
        conninfo: libpq's connection string, with the password in it or not.
        application_name: what the program calls itself.

    Raises:
        UsageError: a secret is part of it that could only be given in sight of others.
    """
    parameters = psycopg.conninfo.conninfo_to_dict(conninfo)
    for name in UNSAFE_PARAMETERS:
        if name in parameters:
            raise UsageError(
                f"{name} cannot be handed to a program out of sight", "use a key without a passphrase in a safe folder"
            )
    parameters.pop("password", None)
    parameters["application_name"] = application_name
    environ = dict(os.environ)
    # The one that was used, wherever libpq found it.
    password = _driver(connection).info.password
    if not password:
        yield Login(make_conninfo("", **parameters), environ)
        return
    parameters.pop("passfile", None)
    # It would win over the file, and shows in the environment.
    environ.pop("PGPASSWORD", None)
    with tempfile.NamedTemporaryFile("w", prefix="agentadm-", suffix=".pgpass", encoding="utf-8") as file:
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        file.write(f"*:*:*:*:{escaped}\n")
        file.flush()
        environ["PGPASSFILE"] = file.name
        yield Login(make_conninfo("", **parameters), environ)


def run(program: Program, *arguments: str, environ: dict[str, str] | None = None) -> str:
    """Run a program to its end. Returns what it wrote to stdout.

    Raises:
        NotPermitted: the login may not do it.
        TryAgain: the server was lost, or a table stayed locked.
        AgentadmError: it failed otherwise; the message holds what it said.
    """
    try:
        done = subprocess.run(
            [program.path, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environ,
            check=False,
        )
    except OSError as error:
        raise AgentadmError(f"{program.path} cannot be run: {error.strerror}") from error
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip()
    name = program.path.name
    if "permission denied" in said or "row-level security" in said or "must be owner" in said:
        raise MissingPrivilege(f"{name}: {said}", "use the login that owns the schema: agentadm db roles list")
    if "connection to server" in said or "canceling statement due to" in said:
        raise TryAgain(f"{name}: {said}", "try again later")
    raise AgentadmError(f"{name} failed with code {done.returncode}: {said}")


def _driver(connection: Connection) -> "psycopg.Connection[object]":
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise AgentadmError("the connection is lost")
    return driver


def _major(path: Path) -> int | None:
    """The major version of a program, None where it does not run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None

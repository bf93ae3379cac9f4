"""What the tests share: databases to test on, and the real command line run against them."""

import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg

from cli.main import main
from platform_core.db.embedded import EmbeddedServer

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
# A pepper and an encryption key that are no secrets.
KEY_MATERIAL = "".join(f'[{name}]\n1 = "{"AAAAAAAA" * 5}AAA="\n' for name in ("pepper", "encryption"))
# Lines of a dump that differ between two dumps of the same database.
_VOLATILE = re.compile(r"^(--.*|\\(un)?restrict .*|SELECT pg_catalog\.setval\(.*)$")


@dataclass(frozen=True)
class Result:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    stdin: str = "",
    terminal: bool = False,
) -> Result:
    """Run the real main with streams of its own."""
    stream = Terminal if terminal else io.StringIO
    out, err = stream(), stream()
    code = main(argv, environ=environ, stdin=stream(stdin), stdout=out, stderr=err)
    return Result(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Database:
    """A database of the test cluster."""

    server: EmbeddedServer
    name: str

    @property
    def url(self) -> str:
        """As the owner role, as the tool logs in."""
        return self.server.conninfo(self.name)

    @property
    def superuser_url(self) -> str:
        return self.server.conninfo(self.name, "postgres")

    def url_as(self, user: str) -> str:
        return self.server.conninfo(self.name, user)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "AGENTADM_DATABASE_URL": self.url,
            "AGENTADM_CONFIG": "/nonexistent/config.toml",
            "AGENTADM_HOME": str(self.server.home / "unused"),
            "AGENTADM_KEY_MATERIAL": KEY_MATERIAL,
        }

    def connect(self, user: str = "agentadm_owner", **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url_as(user), **options)

    def rows(self, sql: str, *parameters: Any, user: str = "agentadm_owner") -> list[tuple[Any, ...]]:
        with self.connect(user) as connection:
            return connection.execute(cast("Any", sql), parameters or None).fetchall()

    def value(self, sql: str, *parameters: Any) -> Any:
        return self.rows(sql, *parameters)[0][0]

    def execute(self, sql: str, *parameters: Any, user: str = "agentadm_owner") -> None:
        with self.connect(user) as connection:
            connection.execute(cast("Any", sql), parameters or None)

    def dump(self, *options: str) -> str:
        """The whole database as text, without what differs between two dumps of the same."""
        done = subprocess.run(
            [self.server.binaries / "pg_dump", "-d", self.superuser_url, *options],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return "\n".join(line for line in done.stdout.splitlines() if line and not _VOLATILE.match(line))

    def schema_dump(self) -> str:
        return self.dump("--schema-only")


class Cluster:
    """A server for the tests, with databases made from templates, in memory where that can be had."""

    def __init__(self, home: Path, postgres: str) -> None:
        self.server = EmbeddedServer(home, postgres=postgres, durable=False)
        self.server.create()
        self._made = 0
        self._memory = self._tablespace_in_memory()

    def database(self, template: str = "template0") -> Database:
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        strategy = " STRATEGY file_copy" if template != "template0" else ""
        tablespace = " TABLESPACE memory" if self._memory else ""
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER agentadm_owner{strategy}{tablespace}")
        return Database(self.server, name)

    def destroy(self) -> None:
        self.server.destroy()
        if self._memory is not None:
            shutil.rmtree(self._memory)

    def _tablespace_in_memory(self) -> Path | None:
        """A clone is a thousand files: a disk takes 15 to 300 ms for them, memory 10."""
        if not os.access(SHARED_MEMORY, os.W_OK):
            return None
        folder = Path(tempfile.mkdtemp(prefix="agentadm-tests-", dir=SHARED_MEMORY))
        account = Path(f"/proc/{self.server.pid()}").stat()
        os.chown(folder, account.st_uid, account.st_gid)
        self._execute(f"CREATE TABLESPACE memory LOCATION '{folder}'")
        return folder

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.server.conninfo("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(cast("Any", statement))

    def drop(self, database: Database) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")

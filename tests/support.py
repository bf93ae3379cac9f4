"""What the tests share: databases to test on, and the real command line run against them."""

import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
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
_TABLES = "SELECT format('%s', oid::regclass) FROM pg_class WHERE relkind = 'r' ORDER BY oid DESC"
_ROWS_OF = "SELECT t::text FROM ONLY {} t WHERE xmin::text::bigint = ANY (%s)"


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

    def mark(self) -> int:
        """Where the server's transactions are, for `written_since`."""
        with self.connect("postgres", autocommit=True) as connection:
            return next_transaction(connection)

    def written_since(self, mark: int) -> list[str]:
        """What was committed on the server since a mark, with the rows of this database that it left.

        Stricter than two dumps that are equal, at a tenth of their price. It knows nothing of sequences.
        """
        with self.connect("postgres", autocommit=True) as connection:
            numbers = range(mark, next_transaction(connection))
            committed = [number for number in numbers if _is_committed(connection, number)]
            if not committed:
                return []
            return [f"transactions {committed}"] + [
                f"{table} {row}"
                for (table,) in connection.execute(_TABLES).fetchall()
                for (row,) in connection.execute(_ROWS_OF.format(table).encode(), [committed])
            ]


def next_transaction(connection: psycopg.Connection[Any]) -> int:
    """The number that the next transaction gets which writes. Asking for it takes none."""
    # In this order: who ends between the two is seen in the second.
    running = connection.execute("SELECT max(backend_xid::text::bigint) FROM pg_stat_activity").fetchall()[0][0]
    ended = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchall()[0][0]
    return max(int(ended), int(running or 0) + 1)


def _is_committed(connection: psycopg.Connection[Any], number: int) -> bool:
    """What became of a transaction; of one that a broken connection left, as soon as the server notices."""
    deadline = time.monotonic() + 60
    while True:
        state = connection.execute("SELECT pg_xact_status(%s::text::xid8)", [str(number)]).fetchall()[0][0]
        if state != "in progress":
            return bool(state != "aborted")
        assert time.monotonic() < deadline, f"transaction {number} does not end"
        time.sleep(0.01)


class Cluster:
    """A server for the tests, with databases made from templates, in memory where that can be had.

    A clone in which nothing was written goes to the next who asks for one of the same template.
    """

    def __init__(self, home: Path, postgres: str) -> None:
        self.server = EmbeddedServer(home, postgres=postgres, durable=False)
        self.server.create()
        self._made = 0
        self._admin: psycopg.Connection[Any] | None = None
        # The number of the next transaction, if nobody but this class writes.
        self._next = 0
        self._templates: dict[str, str] = {}
        self._untouched: set[str] = set()
        self._spare: list[Database] = []
        # It would write at moments of its own.
        self._execute("ALTER SYSTEM SET autovacuum = off")
        self._execute("SELECT pg_reload_conf()")
        self._memory = self._tablespace_in_memory()

    def database(self, template: str = "template0") -> Database:
        self._note_writes()
        spare = next((spare for spare in self._spare if self._templates[spare.name] == template), None)
        if spare is not None:
            self._spare.remove(spare)
            self._untouched.add(spare.name)
            return spare
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        strategy = " STRATEGY file_copy" if template != "template0" else ""
        tablespace = " TABLESPACE memory" if self._memory else ""
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER agentadm_owner{strategy}{tablespace}")
        self._next += 1
        self._templates[name] = template
        self._untouched.add(name)
        return Database(self.server, name)

    def drop(self, database: Database) -> None:
        """Drop it, or keep it for the next when nothing was written."""
        self._execute(
            f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{database.name}'"
        )
        self._note_writes()
        if database.name in self._untouched:
            self._spare.append(database)
            return
        self._execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")
        self._next += 1

    def destroy(self) -> None:
        if self._admin is not None:
            self._admin.close()
        self.server.destroy()
        if self._memory is not None:
            shutil.rmtree(self._memory)

    def _note_writes(self) -> None:
        """Whoever wrote since the last time may have written to any clone that is out."""
        number = next_transaction(self._connection)
        if number != self._next:
            self._untouched.clear()
        self._next = number

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
        self._connection.execute(cast("Any", statement))

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        if self._admin is None or self._admin.closed:
            self._admin = psycopg.connect(self.server.conninfo("postgres", "postgres"), autocommit=True)
        return self._admin

"""The contract, for every command there is: what goes wrong ends with its code, one error, and nothing half done.

A command that is added is held to it at once. Where a case does not fit a command, a table says so, with the reason.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

import pytest

from cli.main import all_commands, main
from cli.registry import CommandProperties, Risk
from platform_core.errors import ExitCode
from tests.support import Cluster, Database, Terminal, run

COMMANDS = {command.path: command for command in all_commands()}
every_command = pytest.mark.parametrize("path", COMMANDS)
UNKNOWN_ID = "01930000-0000-7000-8000-000000000000"
PRINTED_BY_NOBODY = "psql reads and writes by itself"
OTHER_SERVER = "stops an embedded server, whatever database is configured: tests/db/test_care.py"
OWN_SERVER = "makes a server of its own: tests/cli/test_demo.py"

# What a command is called with. {operation} is one that there is, {folder} a new folder, {name} a new role's name.
ARGUMENTS: dict[str, list[str]] = {
    "audit show": ["{operation}"],
    "audit undo": ["{operation}"],
    "completion": ["bash"],
    "config set": ["profiles.test.database_url_command", "false"],
    "db backup": ["{folder}/some.dump"],
    "db downgrade": ["0001"],
    "db init": ["--environment", "test"],
    "db restore": ["{folder}/none.dump"],
    "db roles create": ["{name}", "--group", "support"],
    "db roles revoke": ["{name}"],
    "db shell": ["--", "-q", "-c", ""],
    "operations resume": ["{operation}"],
    "operations show": ["{operation}"],
    "users create": ["grace@example.com"],
    "users resume": ["ada@example.com"],
    "users show": ["ada@example.com"],
    "users suspend": ["bob@example.com"],
}

# A reference that names nothing, or is none. Every command with an argument is here.
BAD_REFERENCES: dict[str, tuple[list[str], ExitCode]] = {
    "audit show": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "audit undo": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "completion": (["tcsh"], ExitCode.USAGE),
    "config set": (["profiles.test.url", "x"], ExitCode.USAGE),
    "db backup": (["/nonexistent/folder/x.dump"], ExitCode.USAGE),
    "db downgrade": (["9876"], ExitCode.USAGE),
    "db restore": (["/nonexistent/x.dump"], ExitCode.USAGE),
    "db roles create": (["no such/../name", "--group", "nobody"], ExitCode.USAGE),
    "db roles revoke": (["nobody_of_that_name"], ExitCode.NOT_FOUND),
    "help": (["nonsense"], ExitCode.USAGE),
    "operations resume": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "operations show": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "users create": (["not an e-mail"], ExitCode.USAGE),
    "users resume": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users show": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users suspend": (["nobody@example.com"], ExitCode.NOT_FOUND),
}

NEEDS_NO_DATABASE = {
    "completion": "prints a script",
    "config path": "reads the environment",
    "config profiles": "reads the configuration file",
    "config set": "writes the configuration file",
    "config show": "says that there is none, or which it would be",
    "db crontab": "prints a sample",
    "help": "prints a text",
    "version": "prints numbers",
}
ANY_SCHEMA = {
    **NEEDS_NO_DATABASE,
    "db backup": "a backup is wanted before an upgrade, too",
    "db doctor": "finds that out; so code 1",
    "db init": "says that the database is set up already, and at which schema",
    "db reset": "throws the schema away, whatever it is",
    "db shell": PRINTED_BY_NOBODY,
    "db status": "says which schema it is",
}

# case -> command -> why the case does not fit it
NOT_APPLICABLE: dict[str, dict[str, str]] = {
    "reference": {"db shell": "what it is given is psql's, and so is the code it ends with"},
    "no terminal": {"demo": OWN_SERVER, "db stop": OTHER_SERVER, "db shell": PRINTED_BY_NOBODY},
    "output": {
        "demo": OWN_SERVER,
        "db stop": OTHER_SERVER,
        "db shell": PRINTED_BY_NOBODY,
        "db restore": "has nothing to load into a database that is set up: tests/db/test_backup.py",
    },
    "database": {"demo": OWN_SERVER, "db stop": OTHER_SERVER},
    "lock": {
        "config set": "touches no database",
        "demo": OWN_SERVER,
        "db init": "the database is set up already, and nothing is to be done",
        "db restore": "is refused before it would wait: the database is set up already",
        "db stop": OTHER_SERVER,
        "operations resume": "needs a provider: tests/operations/test_steps.py",
        "db upgrade": "is up to date, and waits for nobody",
        "db downgrade": "is there already, and waits for nobody",
    },
}


@dataclass
class Called:
    """What one call did."""

    code: int
    out: str
    err: str


@dataclass
class World:
    """A database with two users and an operation, and what a command is called with there."""

    database: Database
    folder: Path
    operation: str

    @property
    def environ(self) -> dict[str, str]:
        return {
            **self.database.environ,
            "AGENTADM_CONFIG": str(self.folder / "config.toml"),
            "AGENTADM_HOME": str(self.folder / "home"),
        }

    def argv(self, path: str, arguments: list[str] | None = None, *, confirmed: bool = True) -> list[str]:
        given = ARGUMENTS.get(path, []) if arguments is None else arguments
        known = {"operation": self.operation, "folder": str(self.folder), "name": f"joiner_{self.database.name}"}
        words = [word.format(**known) for word in given]
        sure = ["--yes", "--confirm", "test"] if confirmed else []
        return ["-o", "json", *sure, *path.split(), *words]


@pytest.fixture(scope="session")
def settled(cluster: Cluster, template: Database) -> tuple[Database, str]:
    """Two users, and the operation that suspended one; cloned for each test."""
    database = cluster.database(template.name)
    database.execute("INSERT INTO agentadm.users (email) VALUES ('ada@example.com'), ('bob@example.com')")
    done = run(["users", "suspend", "ada@example.com", "--yes"], database.environ)
    assert done.code == 0, done.err
    return database, str(database.value("SELECT id FROM agentadm.operations WHERE command = 'users suspend'"))


@pytest.fixture
def world(cluster: Cluster, settled: tuple[Database, str], tmp_path: Path) -> Iterator[World]:
    clone = cluster.database(settled[0].name)
    yield World(clone, tmp_path, settled[1])
    cluster.drop(clone)


class NobodyTypes(Terminal):
    """A standard input that is no terminal, and that nobody may read from."""

    def isatty(self) -> bool:
        return False

    def read(self, *_: object) -> str:
        raise AssertionError("read from standard input")

    def readline(self, *_: object) -> str:  # type: ignore[override] # whatever is asked for
        raise AssertionError("read from standard input")


def called(argv: list[str], environ: dict[str, str], stdout: TextIO | None = None) -> Called:
    out, err = Terminal(), Terminal()
    # Not terminals: only what was written is kept.
    out.isatty = err.isatty = lambda: False  # type: ignore[method-assign]
    code = main(argv, environ=environ, stdin=NobodyTypes(), stdout=stdout or out, stderr=err)
    return Called(code, out.getvalue(), err.getvalue())


def hold(done: Called, expected: ExitCode) -> None:
    """The contract of a failure: its code, no data, one error on stderr and no traceback."""
    assert done.code == expected, f"{done.code}, not {expected:d}: {done.err}{done.out[:300]}"
    assert done.code != ExitCode.FAULT
    assert "Traceback" not in done.err
    errors = [line for line in done.err.splitlines() if line.startswith('{"error"')]
    if expected in {ExitCode.DONE, ExitCode.DIFFERS}:
        assert not errors
        return
    assert done.out == ""
    assert len(errors) == 1, done.err
    assert json.loads(errors[0])["error"]["code"] == expected
    assert done.err.splitlines()[-1] == errors[0]


def changes(path: str) -> bool:
    return COMMANDS[path].risk is not Risk.READ


def skip_reason(case: str, path: str) -> str | None:
    return NOT_APPLICABLE.get(case, {}).get(path)


def fitting(*cases: str) -> pytest.MarkDecorator:
    """The commands that the cases fit."""
    return pytest.mark.parametrize(
        "path", [path for path in COMMANDS if not any(skip_reason(case, path) for case in cases)]
    )


def metavars(command: CommandProperties) -> set[str]:
    """What a command calls its arguments."""
    import inspect

    return {str(marker.metavar)
            for parameter in inspect.signature(command.function).parameters.values()
            for marker in getattr(parameter.annotation, "__metadata__", ())
            if "Argument" in type(marker).__name__}  # fmt: skip


def test_the_tables_name_commands_that_there_are_and_forget_none() -> None:
    named = [*ARGUMENTS, *BAD_REFERENCES, *ANY_SCHEMA, *(path for table in NOT_APPLICABLE.values() for path in table)]
    assert set(named) <= set(COMMANDS)
    assert {path for path, command in COMMANDS.items() if metavars(command)} == {
        *BAD_REFERENCES,
        *NOT_APPLICABLE["reference"],
    }


@pytest.mark.parametrize("path", BAD_REFERENCES)
def test_a_bad_reference(path: str, world: World) -> None:
    arguments, code = BAD_REFERENCES[path]
    before = world.database.dump() if changes(path) else ""
    hold(called(world.argv(path, arguments), world.environ), code)
    assert not changes(path) or world.database.dump() == before


TWO_SUCH = [f"{start}-0000-7000-8000-0000abcdef12" for start in ("01930000", "01940000")]


@pytest.mark.parametrize("path", [path for path in COMMANDS if metavars(COMMANDS[path]) & {"USER", "OPERATION"}])
def test_an_ambiguous_reference(path: str, world: World) -> None:
    for key in TWO_SUCH:
        world.database.execute("INSERT INTO agentadm.users (id) VALUES (%s)", key)
        begin = "SELECT agentadm.begin_operation(%s, 'x', '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        world.database.execute(begin, key)
    before = world.database.dump() if changes(path) else ""
    done = called(world.argv(path, ["abcdef12"]), world.environ)
    hold(done, ExitCode.CONFLICT)
    assert all(key in done.err for key in TWO_SUCH)
    assert not changes(path) or world.database.dump() == before


@fitting("no terminal")
def test_without_a_terminal_nothing_is_asked(path: str, world: World) -> None:
    risk = COMMANDS[path].risk
    asks = risk in {Risk.MODERATE, Risk.SEVERE}
    code = ExitCode.REFUSED if asks else ExitCode.DONE
    before = world.database.dump() if asks else ""
    hold(called(world.argv(path, confirmed=False), world.environ), code)
    assert not asks or world.database.dump() == before


@fitting("output")
def test_a_closed_pipe_ends_quietly_with_the_code_of_the_work(path: str, world: World) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    prepare(path, world)
    stdout = os.fdopen(write_end, "w")
    done = called(world.argv(path), world.environ, stdout)
    drop(stdout)
    hold(done, ExitCode.DONE)
    assert "error" not in done.err


@fitting("output")
def test_a_full_disk_is_told_and_so_is_whether_the_change_was_made(path: str, world: World) -> None:
    stdout = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - closed below, where closing fails
    prepare(path, world)
    done = called(world.argv(path), world.environ, stdout)
    drop(stdout)
    hold(done, ExitCode.PARTIAL if changes(path) else ExitCode.TRY_AGAIN)
    assert ("the change was made" in done.err) == changes(path)


def prepare(path: str, world: World) -> None:
    """What a command needs to have something to do."""
    if path == "db roles revoke":
        done = run(world.argv("db roles create"), world.environ)
        assert done.code == 0, done.err
    if path == "db seed":
        world.database.execute("DELETE FROM agentadm.users")
    if path == "operations resume":
        world.database.execute(
            "INSERT INTO agentadm.provider_intents (operation_id, step, provider, object_type, object_id, provider_key,"
            " request, state, settled_at) VALUES (%s, 'probe', 'nobody', 'users', 'x', 'k', '{}', 'done',"
            " agentadm.now())",
            world.operation,
        )


def drop(stdout: TextIO) -> None:
    """Close a stream that cannot be flushed."""
    try:
        stdout.close()
    except OSError:
        return


@fitting("database")
def test_no_database_is_configured(path: str, world: World) -> None:
    environ = {name: value for name, value in world.environ.items() if name != "AGENTADM_DATABASE_URL"}
    hold(called(world.argv(path), environ), ExitCode.DONE if path in NEEDS_NO_DATABASE else ExitCode.USAGE)
    assert not (world.folder / "home").exists()


@fitting("database")
def test_the_database_cannot_be_reached(path: str, world: World) -> None:
    environ = {**world.environ, "AGENTADM_DATABASE_URL": f"postgresql:///x?host={world.folder}"}
    done = called(world.argv(path), environ)
    hold(done, ExitCode.DONE if path in NEEDS_NO_DATABASE else ExitCode.TRY_AGAIN)


@fitting("database")
def test_the_database_refuses_the_login(path: str, world: World) -> None:
    environ = {**world.environ, "AGENTADM_DATABASE_URL": world.database.url_as("nobody_of_that_name")}
    done = called(world.argv(path), environ)
    hold(done, ExitCode.DONE if path in NEEDS_NO_DATABASE else ExitCode.NOT_PERMITTED)


@fitting("database")
def test_the_schema_is_old(path: str, world: World) -> None:
    world.database.execute("UPDATE agentadm.alembic_version SET version_num = '0000'")
    before = world.database.dump() if path not in ANY_SCHEMA else ""
    done = called(world.argv(path), world.environ)
    code = ExitCode.USAGE if path not in ANY_SCHEMA else ExitCode.DONE
    hold(done, ExitCode.DIFFERS if path == "db doctor" else code)
    assert not before or world.database.dump() == before


@pytest.fixture
def locked(world: World) -> Iterator[World]:
    with world.database.connect() as connection:
        connection.execute("LOCK TABLE agentadm.operations, agentadm.users IN ACCESS EXCLUSIVE MODE")
        yield world


@pytest.mark.parametrize("path", [path for path in COMMANDS if changes(path) and not skip_reason("lock", path)])
def test_what_it_changes_is_locked(path: str, locked: World) -> None:
    hold(called(["--wait", "0", *locked.argv(path)], locked.environ), ExitCode.TRY_AGAIN)


SIGNALS = ((signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED))


def interrupted(world: World, path: str, sent: signal.Signals, lock: str) -> Called:
    """A command that waits for a lock, and then gets a signal."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"

    def send() -> None:
        with world.database.connect(autocommit=True) as connection:
            for _ in range(500):
                row = connection.execute(cast("Any", waiting), [world.database.name]).fetchone()
                if row is not None and row[0]:
                    os.kill(os.getpid(), sent)
                    return
                time.sleep(0.01)

    with world.database.connect() as holder:
        holder.execute(cast("Any", f"LOCK TABLE {lock} IN ACCESS EXCLUSIVE MODE"))
        sender = threading.Thread(target=send)
        sender.start()
        done = called(["--wait", "60", *world.argv(path)], world.environ)
        sender.join()
    return done


@pytest.mark.parametrize("path", [path for path in COMMANDS if changes(path) and not skip_reason("lock", path)])
def test_a_signal_half_way_takes_a_change_back(path: str, world: World) -> None:
    prepare(path, world)
    before = world.database.dump("--exclude-table=agentadm.job_runs*")
    for sent, code in SIGNALS:
        done = interrupted(world, path, sent, "agentadm.operations, agentadm.users")
        hold(done, code)
        assert world.database.dump("--exclude-table=agentadm.job_runs*") == before


@pytest.mark.parametrize(
    "path", [path for path in COMMANDS if not changes(path) and path not in {*NEEDS_NO_DATABASE, "db shell"}]
)
def test_a_signal_half_way_ends_a_read(path: str, world: World) -> None:
    prepare(path, world)
    for sent, code in SIGNALS:
        hold(interrupted(world, path, sent, "agentadm.installation, agentadm.operations, agentadm.users"), code)


@every_command
def test_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([*path.split(), "--help"], ["help", *path.split()]):
        done = called(argv, {"COLUMNS": "80"})
        out = capsys.readouterr().out + done.out
        assert (done.code, done.err) == (0, "")
        assert out.startswith(f"Usage: agentadm {path}")

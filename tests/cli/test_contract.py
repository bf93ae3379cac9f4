"""The contract, for every command there is: what goes wrong ends with its code, one error, and nothing half done.

A command that is added is held to it at once. Where a case does not fit a command, a table says so, with the reason.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

import pytest

from cli.main import all_commands
from cli.registry import CommandProperties, Risk
from platform_core.errors import ExitCode
from tests.agents_support import TABLES
from tests.cli.world import ARGUMENTS, Called, World, called
from tests.support import run

COMMANDS = {command.path: command for command in all_commands()}
every_command = pytest.mark.parametrize("path", COMMANDS)
UNKNOWN_ID = "01930000-0000-7000-8000-000000000000"
PRINTED_BY_NOBODY = "psql reads and writes by itself"
OTHER_SERVER = "stops an embedded server, whatever database is configured: tests/db/test_care.py"
OWN_SERVER = "makes a server of its own: tests/cli/test_demo.py"

# A reference that names nothing, or is none. Every command with an argument is here.
BAD_REFERENCES: dict[str, tuple[list[str], ExitCode]] = {
    "agents configurations set": (["engines/nobody", "bob@example.com", "--json", "{{}}"], ExitCode.NOT_FOUND),
    "agents configurations show": (["engines/copyist", "bob@example.com"], ExitCode.NOT_FOUND),
    "agents errors": (["engines/nobody"], ExitCode.NOT_FOUND),
    "agents plans list": (["engines/nobody"], ExitCode.NOT_FOUND),
    "agents plans set": (["engines/nobody", "free", "--requests-per-day", "1"], ExitCode.NOT_FOUND),
    "agents skills add": (["engines/nobody", "writing"], ExitCode.NOT_FOUND),
    "agents skills list": (["engines/nobody"], ExitCode.NOT_FOUND),
    "agents skills remove": (["engines/copyist", "writing"], ExitCode.NOT_FOUND),
    "agents archive": (["nothing"], ExitCode.NOT_FOUND),
    "agents create": (["Proofreader", "--team", "nothing"], ExitCode.NOT_FOUND),
    "agents delete": (["engines/nothing"], ExitCode.NOT_FOUND),
    "agents diff": (["nothing/scribe"], ExitCode.NOT_FOUND),
    "agents export": (["@nobody"], ExitCode.NOT_FOUND),
    "agents import": (["/nonexistent/x.md", "--team", "engines"], ExitCode.USAGE),
    "agents pause": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "agents restore": (["engines/scribe"], ExitCode.NOT_FOUND),
    "agents resume": (["engines/loom"], ExitCode.NOT_FOUND),
    "agents rollback": (["engines/scribe", "--to", "9"], ExitCode.NOT_FOUND),
    "agents search": (["scribe", "--team", "nothing"], ExitCode.NOT_FOUND),
    "agents show": (["engines/loom"], ExitCode.NOT_FOUND),
    "agents update": (["engines/", "--name", "x"], ExitCode.NOT_FOUND),
    "agents versions": (["nothing"], ExitCode.NOT_FOUND),
    "audit show": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "audit undo": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "completion": (["tcsh"], ExitCode.USAGE),
    "config set": (["profiles.test.url", "x"], ExitCode.USAGE),
    "crews add": (["Reviewers", "machine-9"], ExitCode.NOT_FOUND),
    "crews create": (["Typesetters", "--project", "nothing"], ExitCode.NOT_FOUND),
    "crews delete": (["nobody"], ExitCode.NOT_FOUND),
    "crews remove": (["Reviewers", "machine-2"], ExitCode.NOT_FOUND),
    "crews show": (["nobody"], ExitCode.NOT_FOUND),
    "crews update": (["nobody", "--name", "Critics"], ExitCode.NOT_FOUND),
    "db backup": (["/nonexistent/folder/x.dump"], ExitCode.USAGE),
    "db downgrade": (["9876"], ExitCode.USAGE),
    "db restore": (["/nonexistent/x.dump"], ExitCode.USAGE),
    "db roles create": (["no such/../name", "--group", "nobody"], ExitCode.USAGE),
    "db roles revoke": (["nobody_of_that_name"], ExitCode.NOT_FOUND),
    "help": (["nonsense"], ExitCode.USAGE),
    "db key-material add": (["nonsense"], ExitCode.USAGE),
    "db key-material retire": (["encryption", "99"], ExitCode.NOT_FOUND),
    "keys create": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "keys revoke": (["aa_live_nobody"], ExitCode.NOT_FOUND),
    "keys rotate": (["aa_live_nobody"], ExitCode.NOT_FOUND),
    "keys show": (["aa_live_nobody"], ExitCode.NOT_FOUND),
    "keys update": (["aa_live_nobody", "--name", "x"], ExitCode.NOT_FOUND),
    "instances configure": (["machine-9", "--region", "fra"], ExitCode.NOT_FOUND),
    "instances destroy": (["machine-9"], ExitCode.NOT_FOUND),
    "instances show": (["machine-9"], ExitCode.NOT_FOUND),
    "instances start": (["machine-9"], ExitCode.NOT_FOUND),
    "instances stop": (["machine-9"], ExitCode.NOT_FOUND),
    "operations resume": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "operations show": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "plans create": (["no such id", "--name", "x"], ExitCode.USAGE),
    "plans restore": (["nothing"], ExitCode.NOT_FOUND),
    "plans retire": (["nothing"], ExitCode.NOT_FOUND),
    "plans show": (["nothing"], ExitCode.NOT_FOUND),
    "plans update": (["nothing", "--name", "x"], ExitCode.NOT_FOUND),
    "projects create": (["Weaving", "--team", "nothing"], ExitCode.NOT_FOUND),
    "projects delete": (["nothing"], ExitCode.NOT_FOUND),
    "projects show": (["nothing"], ExitCode.NOT_FOUND),
    "projects update": (["nothing", "--name", "x"], ExitCode.NOT_FOUND),
    "runs cancel": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "runs retry": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "runs show": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "teams create": (["Compilers", "--owner", "nobody@example.com"], ExitCode.NOT_FOUND),
    "teams delete": (["nothing"], ExitCode.NOT_FOUND),
    "teams members add": (["nothing", "bob@example.com"], ExitCode.NOT_FOUND),
    "teams members list": (["nothing"], ExitCode.NOT_FOUND),
    "teams members remove": (["engines", "bob@example.com"], ExitCode.NOT_FOUND),
    "teams members set-role": (["engines", "bob@example.com", "--role", "viewer"], ExitCode.NOT_FOUND),
    "teams restore": (["engines"], ExitCode.NOT_FOUND),
    "teams show": (["gone"], ExitCode.NOT_FOUND),
    "teams transfer": (["engines", "nobody@example.com"], ExitCode.NOT_FOUND),
    "teams update": (["nothing", "--name", "x"], ExitCode.NOT_FOUND),
    "users create": (["not an e-mail"], ExitCode.USAGE),
    "users delete": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users erase": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users export": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users identities link": (["nobody@example.com", "clerk", "user_x"], ExitCode.NOT_FOUND),
    "users identities list": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users identities unlink": (["cyd@example.com", "clerk", "user_of_nobody"], ExitCode.NOT_FOUND),
    "users import": (["/nonexistent/people.csv"], ExitCode.USAGE),
    "users merge": (["cyd@example.com", "nobody@example.com"], ExitCode.NOT_FOUND),
    "users restore": (["ada@example.com"], ExitCode.NOT_FOUND),
    "users resume": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users show": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users suspend": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users sync": (["/nonexistent/clerk.csv", "--from", "clerk"], ExitCode.USAGE),
    "users why": (["nobody@example.com"], ExitCode.NOT_FOUND),
    "users update": (["nobody@example.com", "--full-name", "x"], ExitCode.NOT_FOUND),
    "models create": (["GPT-4o", "--provider", "Open AI", "--model-id", "gpt-4o"], ExitCode.USAGE),
    "models delete": (["nothing"], ExitCode.NOT_FOUND),
    "models show": (["nothing"], ExitCode.NOT_FOUND),
    "models update": (["nothing", "--inactive"], ExitCode.NOT_FOUND),
    "workflows archive": (["nothing"], ExitCode.NOT_FOUND),
    "workflows create": (["Weekly", "--team", "nothing"], ExitCode.NOT_FOUND),
    "workflows delete": (["nothing"], ExitCode.NOT_FOUND),
    "workflows diff": (["nothing"], ExitCode.NOT_FOUND),
    "workflows pause": (["nothing"], ExitCode.NOT_FOUND),
    "workflows restore": (["Nightly"], ExitCode.NOT_FOUND),
    "workflows resume": (["nothing"], ExitCode.NOT_FOUND),
    "workflows rollback": (["Nightly", "--to", "9"], ExitCode.NOT_FOUND),
    "workflows runs": (["nothing"], ExitCode.NOT_FOUND),
    "workflows schedules add": (["Nightly", "every day"], ExitCode.USAGE),
    "workflows schedules list": (["nothing"], ExitCode.NOT_FOUND),
    "workflows schedules remove": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "workflows schedules update": ([UNKNOWN_ID, "--inactive"], ExitCode.NOT_FOUND),
    "workflows show": (["Forgotten"], ExitCode.NOT_FOUND),
    "workflows triggers add": (["Nightly", "Web Hook"], ExitCode.USAGE),
    "workflows triggers list": (["nothing"], ExitCode.NOT_FOUND),
    "workflows triggers remove": ([UNKNOWN_ID], ExitCode.NOT_FOUND),
    "workflows triggers update": ([UNKNOWN_ID, "--inactive"], ExitCode.NOT_FOUND),
    "workflows update": (["nothing", "--name", "x"], ExitCode.NOT_FOUND),
    "workflows versions": (["nothing"], ExitCode.NOT_FOUND),
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
    mark = world.database.mark()
    hold(called(world.argv(path, arguments), world.environ), code)
    assert world.database.written_since(mark) == []


TWO_SUCH = [f"{start}-0000-7000-8000-0000abcdef12" for start in ("01930000", "01940000")]


REFERENCES = {
    "USER", "OPERATION", "TEAM", "PROJECT", "CREW", "API_KEY", "AGENT", "INSTANCE", "RUN",
    "MODEL", "WORKFLOW", "TRIGGER", "SCHEDULE",
}  # fmt: skip
# In one transaction each: who makes a team makes its owner a member.
MAKE_AMBIGUOUS = """
INSERT INTO agentadm.users (id) VALUES (%(key)s);
INSERT INTO agentadm.teams (id, name, slug, owner_id) VALUES (%(key)s, 'x', %(key)s, %(key)s);
INSERT INTO agentadm.team_members (team_id, user_id, role) VALUES (%(key)s, %(key)s, 'owner');
INSERT INTO agentadm.projects (id, name, owner_user_id) VALUES (%(key)s, 'x', %(key)s);
INSERT INTO agentadm.crews (id, name, project_id) VALUES (%(key)s, 'x', %(key)s);
INSERT INTO agentadm.agents (id, team_id, name, slug) VALUES (%(key)s, %(key)s, 'x', 'x');
INSERT INTO agentadm.agent_instances (id, user_id, agent_id, origin) VALUES (%(key)s, %(key)s, %(key)s, 'launch');
INSERT INTO agentadm.runs (id, user_id, team_id, agent_id) VALUES (%(key)s, %(key)s, %(key)s, %(key)s);
INSERT INTO agentadm.api_keys (id, user_id, name, key_hash, hash_version, display_start)
VALUES (%(key)s, %(key)s, 'x', md5(%(key)s) || md5(%(key)s), '1', 'aa_live_x');
INSERT INTO agentadm.ai_models (id, name, provider, model_id) VALUES (%(key)s, %(key)s, 'x', 'x');
INSERT INTO agentadm.workflows (id, team_id, name) VALUES (%(key)s, %(key)s, 'x');
INSERT INTO agentadm.workflow_triggers (id, workflow_id, type) VALUES (%(key)s, %(key)s, 'x');
INSERT INTO agentadm.workflow_schedules (id, workflow_id, cron) VALUES (%(key)s, %(key)s, '0 9 * * *');
SELECT agentadm.begin_operation(%(key)s, 'x', '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
# Only deleted ones are looked for.
DELETED = {f"{table} restore": table for table in ("agents", "teams", "users", "workflows")}


@pytest.mark.parametrize("path", [path for path in COMMANDS if metavars(COMMANDS[path]) & REFERENCES])
def test_an_ambiguous_reference(path: str, world: World) -> None:
    for key in TWO_SUCH:
        world.database.execute(MAKE_AMBIGUOUS.replace("%(key)s", f"'{key}'"))
    if path in DELETED:
        world.database.execute("UPDATE agentadm.teams SET deleted_at = agentadm.now() WHERE name = 'x'")
        world.database.execute(f"UPDATE agentadm.{DELETED[path]} SET deleted_at = agentadm.now()"
                               " WHERE right(id::text, 8) = 'abcdef12'")  # fmt: skip
    mark = world.database.mark()
    done = called(world.argv(path, ["abcdef12", *ARGUMENTS[path][1:]]), world.environ)
    hold(done, ExitCode.CONFLICT)
    assert all(key in done.err for key in TWO_SUCH)
    assert world.database.written_since(mark) == []


@fitting("no terminal")
def test_without_a_terminal_nothing_is_asked(path: str, world: World) -> None:
    risk = COMMANDS[path].risk
    asks = risk in {Risk.MODERATE, Risk.SEVERE}
    code = ExitCode.REFUSED if asks else ExitCode.DONE
    mark = world.database.mark()
    hold(called(world.argv(path, confirmed=False), world.environ), code)
    assert not asks or world.database.written_since(mark) == []


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
        for table in TABLES:
            world.database.execute(f"DELETE FROM agentadm.{table}")
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
    mark = world.database.mark()
    done = called(world.argv(path), world.environ)
    code = ExitCode.USAGE if path not in ANY_SCHEMA else ExitCode.DONE
    hold(done, ExitCode.DIFFERS if path == "db doctor" else code)
    assert path in ANY_SCHEMA or world.database.written_since(mark) == []


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
        holder.rollback()
    return done


@pytest.mark.parametrize("path", [path for path in COMMANDS if changes(path) and not skip_reason("lock", path)])
def test_a_signal_half_way_takes_a_change_back(path: str, world: World) -> None:
    prepare(path, world)
    database, is_leased, but_leases = world.database, COMMANDS[path].cron, "--exclude-table=agentadm.job_runs*"
    mark, before = database.mark(), database.dump(but_leases) if is_leased else ""
    for sent, code in SIGNALS:
        done = interrupted(world, path, sent, "agentadm.operations, agentadm.users")
        hold(done, code)
        assert database.dump(but_leases) == before if is_leased else database.written_since(mark) == []


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

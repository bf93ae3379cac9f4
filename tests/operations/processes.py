"""Commands in processes of their own, and what they wait for in the database."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import Database, Result

ROOT = Path(__file__).parents[2]
# Only a test that fails waits so long; a busy machine may need a good part of it.
PATIENCE_SECONDS = 120.0

COUNT_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'agentadm' AND wait_event_type = %s
"""


def start(*argv: str, environ: Mapping[str, str], module: str = "cli") -> subprocess.Popen[str]:
    """Start a command line as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *argv],
        cwd=ROOT,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Result:
    """Wait for its end."""
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Result(process.returncode, out, err)


def at_once(
    database: Database, lock: str, calls: Sequence[Sequence[str]], environ: Mapping[str, str] | None = None
) -> list[Result]:
    """Processes that all wait for the same row, which a statement locks, and then go on."""
    with database.connect() as holder:
        holder.execute(lock.encode())
        patient = [[*argv, "--wait", "300"] for argv in calls]
        process = start(json.dumps(patient), environ=environ or database.environ, module="tests.operations.together")
        wait_for_lock(database, len(calls))
        holder.rollback()
    return [Result(*told) for told in finish(process).json]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition, and fail when it does not come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)


def wait_for_lock(database: Database, processes: int = 1) -> None:
    """Until so many sessions of the tool wait for a lock."""
    with database.connect(autocommit=True) as connection:
        wait_until(
            lambda: connection.execute(COUNT_WAITING, ["Lock"]).fetchone() == (processes,),
            f"{processes} sessions wait for a lock",
        )


# For sessions of the tests themselves, which must not wait for the standby.
IMPATIENT = "-c synchronous_commit=local"


@contextmanager
def lost_answers(database: Database) -> Iterator[None]:
    """Every COMMIT on the database is flushed, and then waits for a standby that does not exist."""
    with database.connect("postgres", autocommit=True, options=IMPATIENT) as connection:
        connection.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = on")
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"ALTER DATABASE {database.name} RESET synchronous_commit")


def sleep_at_commit(database: Database, seconds: float, *, deferred: bool = True) -> None:
    """Have a deferred constraint on users sleep: whoever is ended then is inside COMMIT, with nothing recorded."""
    when = "DEFERRABLE INITIALLY DEFERRED" if deferred else "NOT DEFERRABLE"
    database.execute(
        f"""
        CREATE FUNCTION agentadm.test_sleep() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$
        """
    )
    database.execute(
        f"CREATE CONSTRAINT TRIGGER test_sleep AFTER INSERT OR UPDATE ON agentadm.users {when} "
        "FOR EACH ROW EXECUTE FUNCTION agentadm.test_sleep()"
    )

"""A COMMIT whose answer is lost: the report is what really happened, each time."""

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from platform_core.clock import uuid_v7
from platform_core.db import session
from platform_core.errors import TryAgain
from platform_core.operations import queries
from platform_core.operations.types import Outcome, WriteRequest
from platform_core.platform import Platform
from platform_core.services import Services
from platform_core.users.types import NewUser, User
from tests.conftest import POSTGRES
from tests.operations.processes import wait_until
from tests.support import Database, run

ROUNDS = 100
IN_COMMIT = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND query = 'COMMIT'"
MADE = """
    SELECT u.id, o.id FROM agentadm.users u FULL JOIN agentadm.operations o ON o.arguments ->> 'email' = u.email
    WHERE u.email = %s OR o.arguments ->> 'email' = %s
"""


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A durable embedded server of our own, where every COMMIT waits for a standby that does not exist."""
    from platform_core.db.embedded import EmbeddedServer

    server = EmbeddedServer(tmp_path_factory.mktemp("durable"), postgres=POSTGRES)
    server.create()
    database = Database(server, "agentadm")
    done = run(["db", "init", "--environment", "test"], database.environ)
    assert done.code == 0, done.err
    # The user's first name says how long the COMMIT takes before it records anything.
    database.execute(
        """
        CREATE FUNCTION agentadm.test_sleep() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(NEW.first_name::float8); RETURN NULL; END $$
        """
    )
    database.execute(
        "CREATE CONSTRAINT TRIGGER test_sleep AFTER INSERT ON agentadm.users DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION agentadm.test_sleep()"
    )
    with database.connect("postgres", autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        connection.execute("SELECT pg_reload_conf()")
    yield database
    server.destroy()


@dataclass
class Told:
    """What a write said."""

    outcome: Outcome[User] | None = None
    error: TryAgain | None = None


def create(platform: Platform, email: str, seconds: float) -> Told:
    """Create a user; its COMMIT sleeps so long before it is recorded, and waits for ever after."""

    def work(services: Services) -> User:
        return services.users.create(NewUser(email, first_name=str(seconds)))

    try:
        return Told(outcome=platform.write(WriteRequest("users create", {"email": email}), work, User))
    except TryAgain as error:
        return Told(error=error)


def wire(platform: Platform) -> Any:
    """The psycopg connection that the next write uses."""
    platform.read(lambda _: None)
    return platform.database.connection.connection.driver_connection


@contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Run something in a thread beside the block, and fail when it fails."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - handed over to the test
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert not failures, failures


def check_truth(durable: Database, email: str, told: Told) -> bool:
    """Hold what was said against what is there. Returns whether the change was made."""
    found = durable.rows(MADE, email, email)
    if told.outcome is not None:
        assert found == [(told.outcome.value.id, told.outcome.operation_id)]
        assert told.outcome.value.email == email
        return True
    assert told.error is not None
    assert found == []
    assert "the change was not made" in told.error.message or "before COMMIT; nothing was changed" in told.error.message
    return False


@pytest.mark.parametrize("part", range(2))
def test_a_backend_killed_during_commit_a_hundred_times(durable: Database, part: int) -> None:
    chance = random.Random(part)  # noqa: S311 - the same rounds each time
    made = 0
    platform = Platform(durable.environ)
    with durable.connect("postgres", autocommit=True) as killer:

        def end(pid: int, delay: float, *, in_commit: bool) -> None:
            if in_commit:
                wait_until(lambda: killer.execute(IN_COMMIT, (pid,)).fetchone() == (1,), "a COMMIT")
            time.sleep(delay)
            killer.execute("SELECT pg_terminate_backend(%s)", (pid,))

        for turn in range(ROUNDS // 2):
            email = f"round{turn}@part{part}.example.com"
            # One round in five is killed at any moment, also long before COMMIT.
            in_commit, slowest = turn % 5 != 0, 0.02
            delay = chance.uniform(0, 2 * slowest)
            pid = wire(platform).info.backend_pid
            with meanwhile(lambda: end(pid, delay, in_commit=in_commit)):  # noqa: B023 - joined in this round
                told = create(platform, email, chance.uniform(0, slowest))
            made += check_truth(durable, email, told)
    platform.close()
    assert 0 < made < ROUNDS // 2


@pytest.mark.parametrize("seconds", [0, 0.4])
def test_a_network_that_breaks_while_the_server_still_commits(durable: Database, seconds: float) -> None:
    email = f"network{seconds}@example.com"
    platform = Platform(durable.environ)
    connection = wire(platform)
    pid = connection.info.backend_pid
    with durable.connect("postgres", autocommit=True) as killer:

        def cut() -> None:
            wait_until(lambda: killer.execute(IN_COMMIT, (pid,)).fetchone() == (1,), "a COMMIT")
            with socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
            # Asked meanwhile, the server says that it is still running: that is not the answer.
            time.sleep(0.2)
            killer.execute("SELECT pg_terminate_backend(%s)", (pid,))

        with meanwhile(cut):
            told = create(platform, email, seconds)
    platform.close()
    assert check_truth(durable, email, told) == (seconds == 0)


def crash(durable: Database, pid: int, delay: float) -> None:
    """Kill the whole server while a backend is in COMMIT."""
    with durable.connect("postgres", autocommit=True) as watcher:
        wait_until(lambda: watcher.execute(IN_COMMIT, (pid,)).fetchone() == (1,), "a COMMIT")
    time.sleep(delay)
    postmaster = durable.server.pid()
    assert postmaster is not None
    os.kill(postmaster, signal.SIGKILL)


@pytest.mark.parametrize("seconds", [0, 0.05, 5])
@pytest.mark.parametrize("embedded", [True, False])
def test_a_server_killed_during_commit(durable: Database, seconds: float, embedded: bool) -> None:
    email = f"crash{seconds}{embedded}@example.com"
    environ = durable.environ
    if embedded:
        # Without a URL the tool starts the server again by itself.
        environ = {**environ, "AGENTADM_DATABASE_URL": "", "AGENTADM_HOME": str(durable.server.home),
                   "AGENTADM_EMBEDDED_POSTGRES": POSTGRES}  # fmt: skip
    platform = Platform(environ)
    pid = wire(platform).info.backend_pid

    def crash_and_restart() -> None:
        crash(durable, pid, 0.05)
        if not embedded:
            time.sleep(0.2)
            durable.server.start()

    with meanwhile(crash_and_restart):
        told = create(platform, email, seconds)
    platform.close()
    made = check_truth(durable, email, told)
    if seconds != 0.05:
        assert made == (seconds == 0)


@pytest.mark.parametrize("seconds", [0, 5])
def test_a_database_that_stays_away(durable: Database, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FIND_OUT_SECONDS", 0.3)
    email = f"away{seconds}@example.com"
    platform = Platform(durable.environ)
    pid = wire(platform).info.backend_pid
    with meanwhile(lambda: crash(durable, pid, 0.05)):
        told = create(platform, email, seconds)
    platform.close()
    durable.server.start()
    assert told.error is not None
    assert "it is not known whether the change was made" in told.error.message
    operation = told.error.operation_id
    assert operation is not None
    assert told.error.hint == f"ask later: agentadm audit show {operation} (not found means not made)"
    # As the hint says.
    shown = run(["audit", "show", operation, "-o", "json"], durable.environ)
    assert shown.code == (0 if seconds == 0 else 5)
    found = durable.rows(MADE, email, email)
    assert [row[1] for row in found] == ([UUID(operation)] if seconds == 0 else [])


def test_a_look_up_that_meets_a_lock_gives_up_in_time(durable: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FIND_OUT_SECONDS", 0.3)
    platform = Platform(durable.environ)
    pid = wire(platform).info.backend_pid
    with durable.connect("postgres", autocommit=True) as killer, durable.connect() as locker:

        def end() -> None:
            wait_until(lambda: killer.execute(IN_COMMIT, (pid,)).fetchone() == (1,), "a COMMIT")
            killer.execute("SELECT pg_terminate_backend(%s)", (pid,))
            locker.execute("LOCK TABLE agentadm.operations IN ACCESS EXCLUSIVE MODE")

        begun = time.monotonic()
        with meanwhile(end):
            told = create(platform, "locked@example.com", 0.3)
        assert time.monotonic() - begun < 20
        locker.rollback()
    platform.close()
    if told.error is not None and "not known" not in told.error.message:
        check_truth(durable, "locked@example.com", told)


def test_only_the_row_proves_a_commit(platform: Platform, database: Database) -> None:
    """After a crash a transaction's number is given out again: its status is then that of somebody else."""
    made = platform.write(WriteRequest("test value"), lambda _: None, None)
    xid = database.value("SELECT xid FROM agentadm.operations WHERE id = %s", made.operation_id)
    with platform.database.connect() as connection:

        def committed(operation: UUID, xid: int) -> bool | None:
            connection.rollback()
            return queries.was_committed(connection, operation, xid)

        assert committed(made.operation_id, xid) is True
        assert committed(uuid_v7(), xid) is False
        assert committed(made.operation_id, xid - 1) is False
        # Never given out, as far as this server knows.
        assert committed(uuid_v7(), xid + 1_000_000) is False
        with database.connect() as other:
            ((running,),) = other.execute("SELECT pg_current_xact_id()::text::bigint").fetchall()
            assert committed(uuid_v7(), running) is None
            other.rollback()
        assert committed(uuid_v7(), running) is False

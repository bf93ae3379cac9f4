"""In the way of others: reruns, time-outs and locks."""

import threading
import time
from typing import Any

import pytest

from platform_core.errors import TryAgain
from platform_core.operations.types import WriteRequest
from platform_core.platform import Platform
from platform_core.services import Services
from platform_core.users.types import NewUser, User
from tests.conftest import Agentadm
from tests.operations.processes import sleep_at_commit, wait_for_lock
from tests.support import Database

OPERATIONS = "SELECT count(*) FROM agentadm.operations WHERE command <> 'db init'"


def add_user(services: Services) -> User:
    return services.users.create(NewUser("x@example.com"))


def fail_first(database: Database, times: int, when: str) -> None:
    """A trigger on users that raises a serialization failure so many times."""
    database.execute("CREATE SEQUENCE agentadm.test_attempts")
    database.execute(
        f"""
        CREATE FUNCTION agentadm.test_fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('agentadm.test_attempts') <= {times} THEN
                RAISE EXCEPTION 'not serializable' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    database.execute(
        f"CREATE CONSTRAINT TRIGGER test_fail AFTER INSERT ON agentadm.users {when} "
        "FOR EACH ROW EXECUTE FUNCTION agentadm.test_fail()"
    )


AT_ONCE, AT_COMMIT = "NOT DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"


@pytest.mark.parametrize("when", [AT_ONCE, AT_COMMIT])
def test_a_serialization_failure_is_rerun(platform: Platform, database: Database, when: str) -> None:
    fail_first(database, 2, when)
    runs = []

    def work(services: Services) -> User:
        runs.append(1)
        return add_user(services)

    outcome = platform.write(WriteRequest("users create", idempotency_key="K"), work, User)
    assert (len(runs), outcome.affected) == (3, 1)
    assert database.rows("SELECT id FROM agentadm.users") == [(outcome.value.id,)]
    assert database.value(OPERATIONS) == 1
    assert database.value("SELECT count(*) FROM agentadm.audit_changes WHERE table_name = 'users'") == 1


@pytest.mark.parametrize("when", [AT_ONCE, AT_COMMIT])
def test_after_three_times_it_gives_up(agentadm: Agentadm, database: Database, when: str) -> None:
    fail_first(database, 99, when)
    given_up = agentadm("users", "create", "x@example.com", "--idempotency-key", "K")
    assert given_up.code == 75
    assert "another transaction was in the way, three times" in given_up.err
    assert database.value("SELECT last_value FROM agentadm.test_attempts") == 3
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
    assert database.value(OPERATIONS) == 0
    assert database.value("SELECT count(*) FROM agentadm.idempotency_keys") == 0


def test_a_second_transaction_of_an_operation_is_rerun_too(platform: Platform, database: Database) -> None:
    outcome = platform.write(WriteRequest("test begin"), lambda _: None, None)
    fail_first(database, 2, AT_COMMIT)
    platform.sessions.go_on(outcome.operation_id, add_user)
    assert database.value("SELECT count(*) FROM agentadm.users") == 1
    assert database.value("SELECT count(*) FROM agentadm.operation_continuations") == 1


def test_a_deadlock_is_rerun(platform: Platform, database: Database) -> None:
    for name in "ab":
        platform.write(WriteRequest("users create"), lambda s: s.users.create(NewUser(f"{name}@x.org")), User)  # noqa: B023
    database.execute(f"ALTER DATABASE {database.name} SET deadlock_timeout = '700ms'", user="postgres")
    platform.close()
    rename = "UPDATE agentadm.users SET full_name = coalesce(full_name, '') || %s WHERE email = %s"
    locked = threading.Event()

    def other() -> None:
        with database.connect("postgres", autocommit=True) as connection:
            # The other one is patient: ours is the victim.
            connection.execute("SET deadlock_timeout = '60s'")
            with connection.transaction():
                connection.execute(rename, ("+", "b@x.org"))
                locked.set()
                wait_for_lock(database)
                connection.execute(rename, ("+", "a@x.org"))

    thread = threading.Thread(target=other)
    thread.start()
    locked.wait()
    runs = []

    def work(services: Services) -> None:
        runs.append(1)
        for email in ("a@x.org", "b@x.org"):
            services.connection.exec_driver_sql(rename, ("-", email))

    platform.write(WriteRequest("test both"), work, None)
    thread.join()
    assert len(runs) == 2
    assert database.rows("SELECT full_name FROM agentadm.users ORDER BY email") == [("+-",), ("+-",)]
    assert database.value("SELECT count(*) FROM agentadm.operations WHERE command = 'test both'") == 1


@pytest.mark.parametrize("wait", ["0", "0.4"])
def test_a_lock_of_another_session(agentadm: Agentadm, database: Database, wait: str) -> None:
    assert agentadm("users", "create", "x@example.com").code == 0
    with database.connect() as holder:
        holder.execute("SELECT FROM agentadm.users FOR UPDATE")
        begun = time.monotonic()
        locked = agentadm("users", "suspend", "x@example.com", "--yes", "--wait", wait, "-o", "json")
        waited = time.monotonic() - begun
    assert locked.code == 75
    assert "it is locked by another session" in locked.err
    # Less than the five seconds of the default, and room for a busy machine.
    assert float(wait) <= waited < float(wait) + 4
    assert database.value("SELECT status FROM agentadm.users") == "active"
    assert agentadm("users", "suspend", "x@example.com", "--yes", "--wait", wait).code == 0


@pytest.mark.parametrize("argv", [("users", "create", "x@example.com"), ("users", "create", "x@example.com", "-n")])
def test_a_statement_that_takes_too_long(agentadm: Agentadm, database: Database, argv: tuple[str, ...]) -> None:
    # PostgreSQL's time-out leaves COMMIT alone; a dry run forces what is deferred in a statement.
    sleep_at_commit(database, 30, deferred="-n" in argv)
    slow: dict[str, Any] = {"AGENTADM_STATEMENT_TIMEOUT": "0.3"}
    late = agentadm(*argv, env=slow)
    assert late.code == 75
    assert "the statement took too long" in late.err
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
    assert database.value(OPERATIONS) == 0


def test_a_connection_lost_before_commit(platform: Platform, database: Database) -> None:
    def work(services: Services) -> User:
        made = add_user(services)
        pid = services.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        database.execute("SELECT pg_terminate_backend(%s)", pid, user="postgres")
        return made

    with pytest.raises(TryAgain, match="lost before COMMIT; nothing was changed"):
        platform.write(WriteRequest("users create"), work, User)
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
    assert platform.write(WriteRequest("users create"), add_user, User).value.email == "x@example.com"

"""Leases: one run of a job at a time, whoever dies; and a run that lost its lease changes nothing."""

import signal
import threading
import time
from typing import Any

import pytest

from platform_core.errors import Conflict, TryAgain
from platform_core.jobs.lease import Lease
from platform_core.operations.types import Outcome, WriteRequest
from platform_core.platform import Platform
from platform_core.services import Services
from platform_core.users.types import NewUser, User
from tests.conftest import Agentadm
from tests.operations.processes import finish, start, wait_for_lock
from tests.support import Database

RUNS = "SELECT state, error, operation_id IS NOT NULL, finished_at IS NOT NULL FROM agentadm.job_runs ORDER BY id"
DONE = ("done", None, True, True)
LOST = ("lost", "its lease ran out", False, True)
EXPIRE = "UPDATE agentadm.job_runs SET lease_until = clock_timestamp() - interval '1 second' WHERE state = 'running'"


def run(platform: Platform, work: Any, **options: Any) -> Outcome[Any]:
    """Run a job under a lease of its own."""
    lease = Lease(platform.database, "test job", **options)
    return lease.run(lambda held: platform.write(WriteRequest("test job"), held, Any), work)


def add_user(services: Services) -> str | None:
    return services.users.create(NewUser("x@example.com")).email


def test_one_maintain_at_a_time(agentadm: Agentadm, database: Database) -> None:
    with database.connect() as holder:
        holder.execute("LOCK TABLE agentadm.audit_seals IN ACCESS EXCLUSIVE MODE")
        first = start("db", "maintain", "--wait", "60", environ=database.environ)
        wait_for_lock(database)
        second = agentadm("db", "maintain")
        assert (second.code, second.out) == (75, "")
        assert f"db maintain is running since {time.strftime('%Y-')}" in second.err
        assert f"process {first.pid}" in second.err
        hasty = time.monotonic()
        assert agentadm("db", "maintain", "--wait", "0.3").code == 75
        assert 0.3 <= time.monotonic() - hasty < 20
        # A dry run takes no lease, and needs none.
        assert database.value("SELECT count(*) FROM agentadm.job_runs") == 1
        patient = start("db", "maintain", "--wait", "60", environ=database.environ)
        time.sleep(0.5)
        holder.rollback()
    for process in (first, patient):
        result = finish(process)
        assert result.code == 0, result.err
    assert database.rows(RUNS) == [DONE, DONE]
    assert agentadm("db", "maintain").code == 0


def test_a_dry_run_takes_no_lease(agentadm: Agentadm, database: Database) -> None:
    assert agentadm("db", "maintain", "--dry-run").code == 0
    assert database.rows(RUNS) == []


def test_the_lease_of_a_killed_process_is_taken_over(agentadm: Agentadm, database: Database) -> None:
    with database.connect() as holder:
        holder.execute("LOCK TABLE agentadm.audit_seals IN ACCESS EXCLUSIVE MODE")
        first = start("db", "maintain", "--wait", "60", environ=database.environ)
        wait_for_lock(database)
        first.kill()
        finish(first)
    assert agentadm("db", "maintain").code == 75
    database.execute(EXPIRE)
    assert agentadm("db", "maintain").code == 0
    assert database.rows(RUNS) == [LOST, DONE]


def test_a_killed_process_is_waited_for_until_its_lease_runs_out(agentadm: Agentadm, database: Database) -> None:
    database.execute(
        "INSERT INTO agentadm.job_runs (job, holder, lease_until) "
        "VALUES ('db maintain', 'dead', clock_timestamp() + interval '2 seconds')"
    )
    assert agentadm("db", "maintain").code == 75
    assert agentadm("db", "maintain", "--wait", "60").code == 0
    assert database.rows(RUNS) == [LOST, DONE]


def test_a_heartbeat_keeps_a_long_job(platform: Platform, database: Database) -> None:
    def long(services: Services) -> str | None:
        time.sleep(2.5)
        with pytest.raises(TryAgain, match="test job is running"):
            Lease(platform.database, "test job").run(lambda _: pytest.fail("ran"), add_user)
        return add_user(services)

    assert run(platform, long, lease_seconds=1.5).value == "x@example.com"
    assert database.rows(RUNS) == [DONE]
    ((operation, result),) = database.rows("SELECT operation_id, result FROM agentadm.job_runs")
    assert database.value("SELECT command FROM agentadm.operations WHERE id = %s", operation) == "test job"
    assert result == "x@example.com"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("heartbeat")]


def test_a_job_that_lost_its_lease_does_not_commit(platform: Platform, database: Database) -> None:
    def overtaken(services: Services) -> str | None:
        # Its heartbeat was late, and another run came, did the work, and went.
        database.execute(EXPIRE)
        other = Platform(database.environ)
        assert run(other, lambda inner: inner.users.create(NewUser("other@example.com")).email).value
        other.close()
        return add_user(services)

    with pytest.raises(TryAgain, match="test job lost its lease to another run; nothing was changed"):
        run(platform, overtaken)
    assert database.rows("SELECT email FROM agentadm.users") == [("other@example.com",)]
    assert database.rows(RUNS) == [LOST, DONE]


def test_a_run_is_done_when_its_work_is(platform: Platform, database: Database) -> None:
    """Somebody who finds the lease run out at the last moment waits, and then finds the run done."""
    taken = []

    def take_over() -> None:
        other = Platform(database.environ)
        taken.append(run(other, lambda _: None))
        other.close()

    thread = threading.Thread(target=take_over)

    def write(held: Any) -> Outcome[Any]:
        def and_wait(services: Services) -> Any:
            value = held(services)
            thread.start()
            wait_for_lock(database)
            return value

        return platform.write(WriteRequest("test job"), and_wait, Any)

    def late(services: Services) -> str | None:
        database.execute(EXPIRE)
        return add_user(services)

    Lease(platform.database, "test job").run(write, late)
    thread.join()
    assert len(taken) == 1
    assert database.rows(RUNS) == [DONE, DONE]


def test_a_failure_is_recorded(platform: Platform, database: Database) -> None:
    def fail(services: Services) -> None:
        add_user(services)
        raise Conflict("no such luck")

    with pytest.raises(Conflict, match="no such luck"):
        run(platform, fail)

    def crash(_services: Services) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(platform, crash)
    assert database.rows(RUNS) == [
        ("failed", "no such luck", False, True),
        ("failed", "ZeroDivisionError", False, True),
    ]
    assert database.value("SELECT count(*) FROM agentadm.users") == 0
    # The lease was given back: the next run need not wait.
    assert run(platform, add_user).affected == 1


def test_a_rerun_keeps_the_lease(platform: Platform, database: Database) -> None:
    database.execute("CREATE SEQUENCE agentadm.test_attempts")

    def work(services: Services) -> str | None:
        services.connection.exec_driver_sql(
            "DO $$ BEGIN IF nextval('agentadm.test_attempts') < 3 THEN "
            "RAISE EXCEPTION 'no' USING ERRCODE = 'serialization_failure'; END IF; END $$"
        )
        return add_user(services)

    assert run(platform, work).affected == 1
    assert database.rows(RUNS) == [DONE]


def test_the_replay_of_a_job_ends_its_run(agentadm: Agentadm, database: Database) -> None:
    for _ in range(2):
        assert agentadm("db", "maintain", "--idempotency-key", "K").code == 0
    assert database.rows(RUNS) == [DONE, DONE]
    assert database.value("SELECT count(DISTINCT operation_id) FROM agentadm.job_runs") == 1


def test_users_of_different_jobs_do_not_wait(platform: Platform) -> None:
    def outer(services: Services) -> Any:
        inner = Platform(platform.settings.environ)
        lease = Lease(inner.database, "another job")
        done = lease.run(lambda held: inner.write(WriteRequest("another job"), held, User), lambda _: None)
        inner.close()
        return done.operation_id

    assert run(platform, outer).value


def test_a_run_that_is_interrupted_is_recorded(agentadm: Agentadm, database: Database) -> None:
    with database.connect() as holder:
        holder.execute("LOCK TABLE agentadm.audit_seals IN ACCESS EXCLUSIVE MODE")
        process = start("db", "maintain", "--wait", "60", environ=database.environ)
        wait_for_lock(database)
        process.send_signal(signal.SIGTERM)
        ended = finish(process)
    assert (ended.code, ended.err) == (143, "error: ended by SIGTERM; rolled back, nothing was changed\n")
    assert database.rows(RUNS) == [("failed", "ended by SIGTERM; rolled back, nothing was changed", False, True)]
    assert agentadm("db", "maintain").code == 0

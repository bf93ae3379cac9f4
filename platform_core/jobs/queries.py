"""Every statement about runs of cron jobs. Leases go by the real time, whatever the fake clock says."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text

from platform_core.db.schema import AnyRow
from platform_core.jobs.tables import job_runs

ABANDON = text(
    """
    UPDATE agentadm.job_runs
    SET state = 'lost', finished_at = lease_until, error = 'its lease ran out'
    WHERE job = :job AND state = 'running' AND lease_until < clock_timestamp()
    """
)
TAKE = text(
    """
    INSERT INTO agentadm.job_runs (job, holder, lease_until)
    VALUES (:job, :holder, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (job) WHERE state = 'running' DO NOTHING
    RETURNING id
    """
)
ABANDON_ALL = text(
    """
    UPDATE agentadm.job_runs
    SET state = 'lost', finished_at = agentadm.now(), error = :error
    WHERE state = 'running'
    """
)
# The running row of a job is its newest: while it stands, there is no other.
LOST_LEASES = text(
    """
    SELECT newest.job
    FROM (SELECT DISTINCT ON (job) * FROM agentadm.job_runs ORDER BY job, created_at DESC, id DESC) newest
    WHERE newest.state = 'lost' AND newest.error = 'its lease ran out'
        OR newest.state = 'running' AND newest.lease_until < clock_timestamp()
    ORDER BY 1
    """
)
RENEW = text(
    """
    UPDATE agentadm.job_runs SET lease_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id = :id AND state = 'running'
    """
)
FINISH = text(
    """
    UPDATE agentadm.job_runs
    SET state = :state, finished_at = clock_timestamp(), operation_id = :operation_id,
        result = CAST(:result AS jsonb), error = :error
    WHERE id = :id AND state = 'running'
    """
)
LAST_RUNS = text(
    """
    SELECT wanted.job, newest.state, newest.created_at, newest.error,
        good.created_at AS last_done, agentadm.now() AS now,
        (SELECT created_at FROM agentadm.installation) AS installed_at
    FROM unnest(CAST(:jobs AS text[])) WITH ORDINALITY AS wanted (job, place)
    LEFT JOIN LATERAL (
        SELECT r.state, r.created_at, r.error FROM agentadm.job_runs r
        WHERE r.job = wanted.job ORDER BY r.created_at DESC LIMIT 1
    ) newest ON true
    LEFT JOIN LATERAL (
        SELECT r.created_at FROM agentadm.job_runs r
        WHERE r.job = wanted.job AND r.state = 'done' ORDER BY r.created_at DESC LIMIT 1
    ) good ON true
    ORDER BY wanted.place
    """
)


def take(connection: Connection, job: str, holder: str, seconds: float) -> UUID | None:
    """Take a job's lease for so many seconds; None while another holds it. A lease that ran out is taken over."""
    connection.execute(ABANDON, {"job": job})
    return connection.execute(TAKE, {"job": job, "holder": holder, "seconds": seconds}).scalar_one_or_none()


def abandon_all(connection: Connection, error: str) -> None:
    """End every run that is under way as lost."""
    connection.execute(ABANDON_ALL, {"error": error})


def lost_leases(connection: Connection) -> list[str]:
    """Jobs whose newest run let its lease run out."""
    return list(connection.execute(LOST_LEASES).scalars())


def holder_of(connection: Connection, job: str) -> AnyRow | None:
    """Who holds a job's lease."""
    columns = job_runs.c
    return connection.execute(
        select(columns.holder, columns.created_at).where(columns.job == job, columns.state == "running")
    ).first()


def renew(connection: Connection, run_id: UUID, seconds: float) -> bool:
    """Keep a lease; False when it was lost."""
    return connection.execute(RENEW, {"id": run_id, "seconds": seconds}).rowcount == 1


def finish(
    connection: Connection,
    run_id: UUID,
    state: str,
    *,
    operation_id: UUID | None = None,
    result: str | None = None,
    error: str | None = None,
) -> bool:
    """End a run and give its lease back; False when it was lost. `result` is JSON."""
    values: Mapping[str, Any] = {
        "id": run_id,
        "state": state,
        "operation_id": operation_id,
        "result": result,
        "error": error,
    }
    return connection.execute(FINISH, values).rowcount == 1


def last_runs(connection: Connection, jobs: list[str]) -> list[AnyRow]:
    """For each job its newest run and its newest good one, in the given order."""
    return list(connection.execute(LAST_RUNS, {"jobs": jobs}).all())

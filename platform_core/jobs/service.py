"""What ran, and what is overdue."""

from sqlalchemy import Connection

from platform_core.jobs import queries
from platform_core.jobs.types import JOBS, JobState, JobStatus


class JobService:
    """Runs of cron jobs.

    Args:
        connection: inside a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def status(self) -> tuple[JobStatus, ...]:
        """Every job with its last run, and whether it is overdue."""
        rows = queries.last_runs(self._connection, [job.command for job in JOBS])
        return tuple(
            JobStatus(
                job=job.command,
                schedule=job.schedule,
                last_state=JobState(row.state) if row.state is not None else None,
                last_started=row.created_at,
                last_done=row.last_done,
                # A new installation is given as much time as a job between two runs, unless its first run failed.
                overdue=row.now - (row.last_done or row.installed_at) > job.overdue_after
                or (row.last_done is None and row.state == JobState.FAILED.value),
                error=row.error,
            )
            for job, row in zip(JOBS, rows, strict=True)
        )

    def lost(self) -> tuple[str, ...]:
        """Jobs whose newest run let its lease run out: its process died."""
        return tuple(queries.lost_leases(self._connection))

    def abandon_all(self, error: str) -> None:
        """End every run that is under way as lost; `error` says why."""
        queries.abandon_all(self._connection, error)

"""Cron jobs: which there are, and what their runs left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID


class JobState(StrEnum):
    """Where a run stands; a lost one let its lease run out."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True)
class Job:
    """A command that cron is to run.

    `schedule` is a line for crontab, `overdue_after` the age of the last good run that calls for attention.
    """

    command: str
    schedule: str
    overdue_after: timedelta


JOBS = (
    Job("db maintain", "17 3 * * *", timedelta(days=2)),
    Job("keys expire", "41 * * * *", timedelta(days=2)),
)


@dataclass(frozen=True)
class JobRun:
    """One run of a job."""

    id: UUID
    job: str
    state: JobState
    holder: str
    created_at: datetime
    finished_at: datetime | None
    operation_id: UUID | None
    result: dict[str, Any] | None
    error: str | None


@dataclass(frozen=True)
class JobStatus:
    """A job with its last run.

    `overdue` when the last good run, or else the installation, is too old, and when the only run failed.
    """

    MATTERS: ClassVar = ("job", "last_state", "overdue")

    job: str
    schedule: str
    last_state: JobState | None
    last_started: datetime | None
    last_done: datetime | None
    overdue: bool
    error: str | None


@dataclass(frozen=True)
class CrontabLine:
    """A line for crontab."""

    line: str


def crontab() -> tuple[CrontabLine, ...]:
    """A sample crontab: one line for each job. Without answer and notes, cron mails only what went wrong."""
    return tuple(
        CrontabLine(f"{job.schedule} agentadm {job.command} --quiet --no-input --yes >/dev/null") for job in JOBS
    )

"""The table of job runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Named, Table, Text, TypedColumns, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.schema import care, created_column, key_column, metadata, time_column, updated_column


class JobRunsColumns(TypedColumns):
    """Columns of job_runs."""

    id: Named[UUID] = key_column()
    job: Named[str] = Column(Text, comment="Noun and verb of the command")
    state: Named[str] = Column(Text, server_default="running", comment="running, done, failed or lost")
    holder: Named[str] = Column(Text, comment="Host and process that hold the lease")
    lease_until: Named[datetime] = time_column("When the lease ends unless a heartbeat renews it (real time)")
    finished_at: Named[datetime | None] = Column(time_column("").type, comment="When it ended")
    operation_id: Named[UUID | None] = Column(Uuid(), comment="The operation it made (partitioned: no foreign key)")
    result: Named[Any] = Column(JSONB, nullable=True, comment="What it did, in numbers")
    error: Named[str | None] = Column(Text, comment="Why it failed")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


job_runs = Table(
    "job_runs",
    metadata,
    JobRunsColumns,
    CheckConstraint("state IN ('running', 'done', 'failed', 'lost')", name="job_runs_state_check"),
    CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="job_runs_finished_check"),
    Index("job_runs_one_running_key", "job", unique=True, postgresql_where=text("state = 'running'")),
    Index(None, "job", "created_at"),
    comment="What cron did, when and how it ended; the running row is the lease",
    info=care(unaudited="is its own record"),
)

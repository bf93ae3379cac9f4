"""Tables of runs and errors."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    Numeric,
    Table,
    Text,
    TypedColumns,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.people import PersonLink
from platform_core.db.schema import (
    at_least,
    care,
    created_column,
    key_column,
    metadata,
    some_time,
    time_column,
    updated_column,
    words_check,
)
from platform_core.runs.types import RunStatus


class RunsColumns(TypedColumns):
    """Columns of runs."""

    id: Named[UUID] = key_column()
    created_at: Named[datetime] = Column(
        time_column("").type,
        primary_key=True,
        server_default=text("agentadm.now()"),
        comment="When it was asked for",
    )
    agent_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.agents.id", deferrable=True), comment="What ran, where it is an agent"
    )
    workflow_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.workflows.id", deferrable=True), comment="What ran, where it is a workflow"
    )
    user_id: Named[UUID] = Column(ForeignKey("agentadm.users.id", deferrable=True), comment="For whom it ran")
    team_id: Named[UUID] = Column(ForeignKey("agentadm.teams.id", deferrable=True), comment="In which team")
    instance_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.agent_instances.id", ondelete="SET NULL", deferrable=True), comment="On which instance"
    )
    status: Named[str] = Column(
        Text, server_default="queued", comment="queued, running, completed, failed, cancelled or timed_out"
    )
    input: Named[str | None] = Column(Text, comment="What was asked")
    output: Named[str | None] = Column(Text, comment="What was answered")
    error: Named[str | None] = Column(Text, comment="What went wrong")
    triggered_by: Named[str | None] = Column(Text, comment="api, schedule, retry, ...")
    retry_count: Named[int] = Column(Integer, server_default=text("0"), comment="Which attempt it is, from 0")
    retried_from: Named[UUID | None] = Column(
        Uuid(), comment="Which run it does again (partitioned, so no foreign key)"
    )
    started_at: Named[datetime | None] = some_time("When it began")
    completed_at: Named[datetime | None] = some_time("When it ended, however")
    duration_ms: Named[int | None] = Column(BigInteger, comment="Milliseconds from beginning to end")
    model_used: Named[str | None] = Column(Text, comment="Which model")
    tokens_prompt: Named[int | None] = Column(BigInteger, comment="Tokens sent to models")
    tokens_completion: Named[int | None] = Column(BigInteger, comment="Tokens that models answered")
    tokens_total: Named[int | None] = Column(BigInteger, comment="All tokens, as reported")
    cost_usd: Named[Decimal | None] = Column(Numeric(18, 6), comment="Infrastructure cost in USD")
    llm_call_count: Named[int | None] = Column(
        Integer, comment="Calls of models, as reported; used only where no calls are stored"
    )
    tool_calls: Named[list[Any] | None] = Column(JSONB, comment="Which tools, and for how long")
    logs: Named[list[Any] | None] = Column(JSONB, comment="What it wrote on the way")
    updated_at: Named[datetime] = updated_column()


NUMBERS = ("duration_ms", "tokens_prompt", "tokens_completion", "tokens_total", "cost_usd", "llm_call_count")

runs = Table(
    "runs",
    metadata,
    RunsColumns,
    words_check("runs", "status", RunStatus),
    CheckConstraint("num_nonnulls(agent_id, workflow_id) = 1", name="runs_what_check"),
    CheckConstraint("status <> ALL ('{queued,running}') OR completed_at IS NULL", name="runs_completed_at_check"),
    CheckConstraint("status <> 'completed' OR completed_at IS NOT NULL", name="runs_completed_check"),
    at_least("runs", "retry_count"),
    *(at_least("runs", name) for name in NUMBERS),
    Index(None, "agent_id", "created_at"),
    Index(None, "user_id", "created_at"),
    Index(None, "team_id", "created_at"),
    Index(None, "workflow_id", "created_at"),
    Index("runs_team_completed_idx", "team_id", "completed_at", postgresql_where=text("status = 'completed'")),
    Index(None, "instance_id", postgresql_where=text("instance_id IS NOT NULL")),
    Index(None, "retried_from", postgresql_where=text("retried_from IS NOT NULL")),
    Index(None, "status"),
    Index(None, "cost_usd"),
    Index(None, "created_at", "id"),
    Index("runs_id_ending_idx", text('"right"(id::text, 8)')),
    postgresql_partition_by="RANGE (created_at)",
    comment="What agents and workflows did",
    info=care(
        unaudited="is written by the platform as it goes; a row is its own record",
        masked=("input", "output", "error", "tool_calls", "logs"),
        people=(
            PersonLink(
                "user_id",
                personal={
                    "input": "NULL",
                    "output": "NULL",
                    "error": "NULL",
                    "tool_calls": "NULL",
                    "logs": "NULL",
                },
            ),
        ),
    ),
)


class ErrorLogsColumns(TypedColumns):
    """Columns of error_logs."""

    id: Named[UUID] = key_column()
    type: Named[str] = Column(Text, comment="Kind of the error")
    message: Named[str] = Column(Text, comment="What it said")
    stack: Named[str | None] = Column(Text, comment="Where in the code")
    user_id: Named[UUID | None] = Column(ForeignKey("agentadm.users.id", deferrable=True), comment="Whose request")
    agent_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.agents.id", ondelete="SET NULL", deferrable=True), comment="Which agent"
    )
    run_id: Named[UUID | None] = Column(Uuid(), comment="Which run (partitioned, so no foreign key)")
    run_created_at: Named[datetime | None] = some_time("When that run was made")
    request_path: Named[str | None] = Column(Text, comment="Path of the request")
    request_method: Named[str | None] = Column(Text, comment="Method of the request")
    created_at: Named[datetime] = created_column()


error_logs = Table(
    "error_logs",
    metadata,
    ErrorLogsColumns,
    CheckConstraint("(run_id IS NULL) = (run_created_at IS NULL)", name="error_logs_run_check"),
    Index(None, "type", "created_at"),
    Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
    Index(None, "agent_id", "created_at"),
    Index(None, "run_id", postgresql_where=text("run_id IS NOT NULL")),
    Index(None, "created_at", "id"),
    comment="Errors of the platform",
    info=care(
        unaudited="is written by the platform as it goes; a row is its own record",
        people=(PersonLink("user_id", personal={"message": "'(erased)'", "stack": "NULL", "request_path": "NULL"}),),
    ),
)

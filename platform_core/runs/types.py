"""What a run is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from platform_core.masking import MASKED


class RunStatus(StrEnum):
    """In which state a run is; the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


_FINAL = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.TIMED_OUT)
# What may follow what, as the trigger of the table has it; a test compares the two.
EDGES: Mapping[RunStatus, tuple[RunStatus, ...]] = MappingProxyType(
    {RunStatus.QUEUED: (RunStatus.RUNNING, *_FINAL), RunStatus.RUNNING: _FINAL}
)
# From where it can be tried again: what was completed was done.
RETRIED = (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.TIMED_OUT)
# What lists can be sorted by: what has an index.
RUN_SORTS = ("created_at", "cost_usd", "id")
ERROR_SORTS = ("created_at", "id")


@dataclass(frozen=True)
class RunSummary:
    """A run in a list; `agent` is its team's slug and its own, `cost_usd` the infrastructure's."""

    MATTERS: ClassVar = ("id", "status", "agent", "workflow", "created_at", "user")

    created_at: datetime
    agent: str | None
    workflow: str | None
    status: RunStatus
    user: str | None
    team: str | None
    triggered_by: str | None
    retry_count: int
    completed_at: datetime | None
    duration_ms: int | None
    cost_usd: Decimal | None
    id: UUID


@dataclass(frozen=True)
class Run:
    """A run whole; what was asked and answered is shown only with --reveal. Times are UTC.

    `retried_from` is the run that it does again, and `retried_as` the newest that does it again.
    """

    id: UUID
    created_at: datetime
    agent_id: UUID | None
    agent: str | None
    workflow_id: UUID | None
    workflow: str | None
    user_id: UUID
    user: str | None
    team_id: UUID
    team: str | None
    instance_id: UUID | None
    status: RunStatus
    triggered_by: str | None
    retry_count: int
    retried_from: UUID | None
    retried_as: UUID | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    model_used: str | None
    tokens_prompt: int | None
    tokens_completion: int | None
    tokens_total: int | None
    cost_usd: Decimal | None
    llm_call_count: int | None
    input: str | None = field(metadata=MASKED)
    output: str | None = field(metadata=MASKED)
    error: str | None = field(metadata=MASKED)
    tool_calls: list[Any] | None = field(metadata=MASKED)
    logs: list[Any] | None = field(metadata=MASKED)
    updated_at: datetime


@dataclass(frozen=True)
class Retry:
    """What came of trying a run again: which one it was, and the new one."""

    retried_id: UUID
    run: RunSummary

    @property
    def id(self) -> UUID:
        """The row that it was about."""
        return self.retried_id


@dataclass(frozen=True)
class ErrorEntry:
    """An error of the platform, as it was logged."""

    MATTERS: ClassVar = ("created_at", "message", "agent", "type", "id")

    created_at: datetime
    type: str
    message: str
    agent: str | None
    user: str | None
    request_method: str | None
    request_path: str | None
    run_id: UUID | None
    id: UUID
    stack: str | None

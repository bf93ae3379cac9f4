"""What a workflow is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID


class WorkflowStatus(StrEnum):
    """In which state a workflow is; see agentadm.check_status_edge for what follows what."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


# What may follow what, as the trigger check_status_edge of workflows has it.
EDGES: Mapping[WorkflowStatus, tuple[WorkflowStatus, ...]] = MappingProxyType(
    {
        WorkflowStatus.DRAFT: (WorkflowStatus.ACTIVE, WorkflowStatus.ARCHIVED),
        WorkflowStatus.ACTIVE: (WorkflowStatus.PAUSED, WorkflowStatus.ARCHIVED),
        WorkflowStatus.PAUSED: (WorkflowStatus.ACTIVE, WorkflowStatus.ARCHIVED),
        WorkflowStatus.ARCHIVED: (WorkflowStatus.ACTIVE,),
    }
)
# What is versioned.
PARTS = ("nodes", "connections", "settings")
# What lists can be sorted by: what has an index.
WORKFLOW_SORTS = ("created_at", "name", "id")
TRIGGER_SORTS = ("id",)
SCHEDULE_SORTS = ("id",)
# What can be without a value.
CLEARABLE = ("description", "category", "tags")
TRIGGER_CLEARABLE = ("config",)


@dataclass(frozen=True)
class NewWorkflow:
    """A workflow to be made. `graph` has any of nodes, connections and settings; `values` are further columns."""

    name: str
    graph: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkflowSummary:
    """A workflow in a list."""

    MATTERS: ClassVar = ("name", "status", "is_active", "team", "id")

    name: str
    team: str | None
    status: WorkflowStatus
    is_active: bool
    is_public: bool
    category: str | None
    tags: tuple[str, ...]
    version: int
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Workflow:
    """A workflow whole. `triggers` and `schedules` say how many it has; times are UTC."""

    id: UUID
    name: str
    team: str | None
    user: str | None
    description: str | None
    status: WorkflowStatus
    is_active: bool
    is_public: bool
    category: str | None
    tags: tuple[str, ...]
    version: int
    nodes: tuple[Any, ...]
    connections: tuple[Any, ...]
    settings: dict[str, Any]
    triggers: int
    schedules: int
    team_id: UUID
    user_id: UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class WorkflowTrigger:
    """What starts a workflow. Its configuration is encrypted, with that version of the key, and nothing shows it."""

    MATTERS: ClassVar = ("id", "is_active", "type")

    workflow: str
    type: str
    is_active: bool
    has_config: bool
    key_version: int | None
    last_fired_at: datetime | None
    created_at: datetime
    updated_at: datetime
    id: UUID


@dataclass(frozen=True)
class WorkflowSchedule:
    """At what times a workflow starts; `next_run_at` is in UTC, and None while the schedule is not active."""

    MATTERS: ClassVar = ("id", "is_active", "cron", "timezone", "next_run_at")

    workflow: str
    cron: str
    timezone: str
    is_active: bool
    next_run_at: datetime | None
    created_at: datetime
    updated_at: datetime
    id: UUID

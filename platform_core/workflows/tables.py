"""Tables of workflows: their versions, triggers and schedules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.db.people import OnMerge, PersonLink
from platform_core.db.schema import (
    at_least,
    care,
    created_column,
    encrypted_check,
    key_column,
    metadata,
    name_check,
    some_time,
    updated_column,
    words_check,
)
from platform_core.workflows.types import WorkflowStatus


class WorkflowsColumns(TypedColumns):
    """Columns of workflows."""

    id: Named[UUID] = key_column()
    team_id: Named[UUID] = Column(ForeignKey("agentadm.teams.id", deferrable=True), comment="The team that owns it")
    user_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True),
        server_default=text("agentadm.current_user_id()"),
        comment="Who made it, where that is known",
    )
    name: Named[str] = Column(Text, comment="Name for people")
    description: Named[str | None] = Column(Text, comment="What it does")
    nodes: Named[list[Any]] = Column(
        JSONB, server_default=text("'[]'"), comment="Its steps, each with an id and a type"
    )
    connections: Named[list[Any]] = Column(
        JSONB, server_default=text("'[]'"), comment="Which step follows which: source and target name nodes"
    )
    settings: Named[dict[str, Any]] = Column(JSONB, server_default=text("'{}'"), comment="Further settings")
    version: Named[int] = Column(
        Integer, server_default=text("1"), comment="Version of nodes, connections and settings; counted by trigger"
    )
    status: Named[str] = Column(Text, server_default="draft", comment="draft, active, paused or archived")
    is_active: Named[bool] = Column(
        Boolean, server_default=text("false"), comment="Whether its triggers and schedules fire"
    )
    is_public: Named[bool] = Column(Boolean, server_default=text("false"), comment="Whether everybody may read it")
    category: Named[str | None] = Column(Text, comment="Where it is listed")
    tags: Named[list[str]] = Column(ARRAY(Text()), server_default=text("'{}'"), comment="Words to find it by")
    deleted_at: Named[datetime | None] = some_time("When it was deleted")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


workflows = Table(
    "workflows",
    metadata,
    WorkflowsColumns,
    name_check("workflows"),
    words_check("workflows", "status", WorkflowStatus),
    CheckConstraint("agentadm.is_graph(nodes, connections)", name="workflows_graph_check"),
    CheckConstraint("jsonb_typeof(settings) = 'object'", name="workflows_settings_check"),
    at_least("workflows", "version", 1),
    Index(None, "team_id"),
    Index(None, "user_id", postgresql_where=text("user_id IS NOT NULL")),
    Index("workflows_name_idx", text("lower(name)")),
    Index(None, "status"),
    Index(None, "category", postgresql_where=text("category IS NOT NULL")),
    Index(None, "is_public", postgresql_where=text("is_public")),
    Index(None, "created_at", "id"),
    Index("workflows_id_ending_idx", text('"right"(id::text, 8)')),
    comment="Automations of nodes and connections",
    info=care(
        people=(
            PersonLink("user_id"),
            PersonLink(
                "team_id",
                OnMerge.STAY,
                via=("teams", "personal_of"),
                personal={
                    "name": "'(erased)'",
                    "description": "NULL",
                    "nodes": "'[]'",
                    "connections": "'[]'",
                    "settings": "'{}'",
                    "category": "NULL",
                    "tags": "'{}'",
                    "is_public": "false",
                },
            ),
        ),
        texts=("name", "description"),
    ),
)


class WorkflowVersionsColumns(TypedColumns):
    """Columns of workflow_versions."""

    id: Named[UUID] = key_column()
    workflow_id: Named[UUID] = Column(
        ForeignKey("agentadm.workflows.id", ondelete="CASCADE", deferrable=True), comment="The workflow"
    )
    version: Named[int] = Column(Integer, comment="Counts up from 1")
    nodes: Named[list[Any]] = Column(JSONB, comment="The nodes of this version")
    connections: Named[list[Any]] = Column(JSONB, comment="The connections of this version")
    settings: Named[dict[str, Any]] = Column(JSONB, comment="The settings of this version")
    changed_by: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="Which user changed it, where that is known"
    )
    change_notes: Named[str | None] = Column(Text, comment="What changed, for people")
    created_at: Named[datetime] = created_column()


workflow_versions = Table(
    "workflow_versions",
    metadata,
    WorkflowVersionsColumns,
    UniqueConstraint("workflow_id", "version"),
    at_least("workflow_versions", "version", 1),
    Index(None, "changed_by", postgresql_where=text("changed_by IS NOT NULL")),
    comment="Every graph that a workflow had; made by trigger",
    info=care(
        people=(
            PersonLink("changed_by"),
            PersonLink(
                "workflow_id",
                OnMerge.STAY,
                via=("workflows", "team_id"),
                personal={"nodes": "'[]'", "connections": "'[]'", "settings": "'{}'", "change_notes": "NULL"},
            ),
        ),
        texts=("change_notes",),
    ),
)


class WorkflowTriggersColumns(TypedColumns):
    """Columns of workflow_triggers."""

    id: Named[UUID] = key_column()
    workflow_id: Named[UUID] = Column(
        ForeignKey("agentadm.workflows.id", ondelete="CASCADE", deferrable=True), comment="The workflow"
    )
    type: Named[str] = Column(Text, comment="webhook, event, email, ...")
    config: Named[str | None] = Column(Text, comment="Its settings as JSON; encrypted, for there are secrets in them")
    is_active: Named[bool] = Column(Boolean, server_default=text("true"), comment="Whether it fires")
    last_fired_at: Named[datetime | None] = some_time("When it last fired; not audited")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


workflow_triggers = Table(
    "workflow_triggers",
    metadata,
    WorkflowTriggersColumns,
    CheckConstraint("type ~ '^[a-z][a-z0-9_]*$'", name="workflow_triggers_type_check"),
    encrypted_check("workflow_triggers", "config"),
    Index(None, "workflow_id"),
    Index("workflow_triggers_id_ending_idx", text('"right"(id::text, 8)')),
    comment="What starts a workflow",
    info=care(
        encrypted=("config",),
        ignored=("last_fired_at",),
        people=(PersonLink("workflow_id", OnMerge.STAY, via=("workflows", "team_id"), personal={"config": "NULL"}),),
    ),
)


class WorkflowSchedulesColumns(TypedColumns):
    """Columns of workflow_schedules."""

    id: Named[UUID] = key_column()
    workflow_id: Named[UUID] = Column(
        ForeignKey("agentadm.workflows.id", ondelete="CASCADE", deferrable=True), comment="The workflow"
    )
    cron: Named[str] = Column(Text, comment="When it starts: minute, hour, day, month, weekday")
    timezone: Named[str] = Column(Text, server_default="UTC", comment="In which time zone, by its IANA name")
    next_run_at: Named[datetime | None] = some_time("When it starts next; not audited")
    is_active: Named[bool] = Column(Boolean, server_default=text("true"), comment="Whether it starts anything")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


workflow_schedules = Table(
    "workflow_schedules",
    metadata,
    WorkflowSchedulesColumns,
    UniqueConstraint("workflow_id", "cron", "timezone"),
    CheckConstraint(r"cron ~ '^\S+( \S+){4}$'", name="workflow_schedules_cron_check"),
    CheckConstraint("timezone ~ '^[A-Za-z0-9_+/-]+$'", name="workflow_schedules_timezone_check"),
    Index(None, "next_run_at", postgresql_where=text("is_active")),
    Index("workflow_schedules_id_ending_idx", text('"right"(id::text, 8)')),
    comment="At what times a workflow starts",
    info=care(ignored=("next_run_at",)),
)

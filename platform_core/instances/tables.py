"""Tables of instances."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
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
    care,
    created_column,
    key_column,
    metadata,
    name_check,
    some_time,
    updated_column,
    words_check,
)
from platform_core.instances.types import InstanceOrigin, InstanceStatus

LIVING = "status <> 'destroyed'"


class AgentInstancesColumns(TypedColumns):
    """Columns of agent_instances."""

    id: Named[UUID] = key_column()
    user_id: Named[UUID] = Column(ForeignKey("agentadm.users.id", deferrable=True), comment="For whom it runs")
    agent_id: Named[UUID] = Column(
        ForeignKey("agentadm.agents.id", ondelete="CASCADE", deferrable=True), comment="What runs"
    )
    origin: Named[str] = Column(Text, comment="hire, own or launch")
    runtime_provider: Named[str | None] = Column(Text, comment="Where it runs: fly, ...")
    app_name: Named[str | None] = Column(Text, comment="Application at that provider")
    machine_id: Named[str | None] = Column(Text, comment="Machine at that provider")
    volume_id: Named[str | None] = Column(Text, comment="Volume at that provider")
    region: Named[str] = Column(Text, server_default="iad", comment="Region at that provider")
    status: Named[str] = Column(
        Text,
        server_default="provisioning",
        comment="provisioning, running, suspended, stopped, error or destroyed",
    )
    status_before: Named[str | None] = Column(
        Text, comment="Its status until its agent was deleted, which restoring the agent brings back"
    )
    error_message: Named[str | None] = Column(Text, comment="What went wrong")
    display_name: Named[str | None] = Column(Text, comment="What its user calls it")
    model_preference: Named[str | None] = Column(Text, comment="The model that its user prefers")
    metadata_: Named[dict[str, Any]] = Column(
        "metadata", JSONB, server_default=text("'{}'"), comment="What the platform keeps beside the columns"
    )
    started_at: Named[datetime | None] = some_time("When it last started")
    stopped_at: Named[datetime | None] = some_time("When it last stopped")
    last_active_at: Named[datetime | None] = some_time("Last activity; not audited")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


agent_instances = Table(
    "agent_instances",
    metadata,
    AgentInstancesColumns,
    words_check("agent_instances", "origin", InstanceOrigin),
    words_check("agent_instances", "status", InstanceStatus),
    CheckConstraint("status = 'destroyed' OR status_before IS NULL", name="agent_instances_status_before_check"),
    CheckConstraint("jsonb_typeof(metadata) = 'object'", name="agent_instances_metadata_check"),
    Index(
        "agent_instances_hire_key",
        "user_id",
        "agent_id",
        unique=True,
        postgresql_where=text(f"origin = 'hire' AND {LIVING}"),
    ),
    Index("agent_instances_own_key", "agent_id", unique=True, postgresql_where=text(f"origin = 'own' AND {LIVING}")),
    Index(None, "user_id"),
    Index(None, "agent_id"),
    Index(None, "status"),
    Index(None, "machine_id"),
    Index(None, "created_at", "id"),
    Index("agent_instances_id_ending_idx", text('"right"(id::text, 8)')),
    comment="Agents that run for somebody",
    info=care(
        ignored=("last_active_at",),
        people=(
            PersonLink(
                "user_id",
                personal={"display_name": "NULL", "error_message": "NULL", "metadata": "'{}'"},
            ),
        ),
        texts=("display_name", "error_message"),
    ),
)


class SshConfigsColumns(TypedColumns):
    """Columns of ssh_configs."""

    id: Named[UUID] = key_column()
    instance_id: Named[UUID] = Column(
        ForeignKey("agentadm.agent_instances.id", ondelete="CASCADE", deferrable=True), comment="The instance"
    )
    name: Named[str] = Column(Text, comment="Name for people, unique in the instance")
    vault_ref: Named[str] = Column(Text, comment="Where in a vault it is; the secret itself is never here")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


ssh_configs = Table(
    "ssh_configs",
    metadata,
    SshConfigsColumns,
    UniqueConstraint("instance_id", "name"),
    name_check("ssh_configs"),
    name_check("ssh_configs", "vault_ref", 500),
    comment="References to what opens an instance",
    info=care(
        people=(
            PersonLink(
                "instance_id",
                OnMerge.STAY,
                via=("agent_instances", "user_id"),
                personal={"name": "'(erased) ' || id", "vault_ref": "'(erased)'"},
            ),
        )
    ),
)

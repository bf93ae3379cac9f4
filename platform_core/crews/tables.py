"""The table of crews."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
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

from platform_core.db.people import OnMerge, PersonLink
from platform_core.db.schema import at_least, care, created_column, key_column, metadata, updated_column


class CrewsColumns(TypedColumns):
    """Columns of crews."""

    id: Named[UUID] = key_column()
    project_id: Named[UUID] = Column(
        ForeignKey("agentadm.projects.id", ondelete="CASCADE", deferrable=True), comment="Its project"
    )
    name: Named[str] = Column(Text, comment="Name for people")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


crews = Table(
    "crews",
    metadata,
    CrewsColumns,
    CheckConstraint("name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200", name="crews_name_check"),
    Index(None, "project_id"),
    Index("crews_name_idx", text("lower(name)")),
    Index("crews_id_ending_idx", text('"right"(id::text, 8)')),
    Index(None, "created_at", "id"),
    comment="Groups of hired agents in a project",
    info=care(
        people=(
            PersonLink("project_id", OnMerge.STAY, via=("projects", "owner_user_id"), personal={"name": "'(erased)'"}),
        ),
        texts=("name",),
    ),
)


class CrewInstancesColumns(TypedColumns):
    """Columns of crew_instances."""

    id: Named[UUID] = key_column()
    crew_id: Named[UUID] = Column(
        ForeignKey("agentadm.crews.id", ondelete="CASCADE", deferrable=True), comment="The crew"
    )
    instance_id: Named[UUID] = Column(
        ForeignKey("agentadm.agent_instances.id", ondelete="CASCADE", deferrable=True), comment="Who works in it"
    )
    position: Named[int] = Column(Integer, comment="Its place in the crew, from 1")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


crew_instances = Table(
    "crew_instances",
    metadata,
    CrewInstancesColumns,
    UniqueConstraint("crew_id", "instance_id"),
    UniqueConstraint("crew_id", "position", deferrable=True, initially="DEFERRED"),
    at_least("crew_instances", "position", 1),
    Index(None, "instance_id"),
    comment="Which instances work in a crew",
    info=care(),
)

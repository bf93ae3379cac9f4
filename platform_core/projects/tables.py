"""The table of projects."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Named, Table, Text, TypedColumns, text

from platform_core.db.people import PersonLink
from platform_core.db.schema import care, created_column, key_column, metadata, updated_column


class ProjectsColumns(TypedColumns):
    """Columns of projects."""

    id: Named[UUID] = key_column()
    owner_user_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="The user whose it is, or NULL"
    )
    owner_team_id: Named[UUID | None] = Column(
        ForeignKey("agentadm.teams.id", ondelete="CASCADE", deferrable=True), comment="The team whose it is, or NULL"
    )
    name: Named[str] = Column(Text, comment="Name for people")
    description: Named[str | None] = Column(Text, comment="What it is about")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


projects = Table(
    "projects",
    metadata,
    ProjectsColumns,
    CheckConstraint("(owner_user_id IS NULL) <> (owner_team_id IS NULL)", name="projects_owner_check"),
    CheckConstraint("name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200", name="projects_name_check"),
    Index(None, "owner_user_id"),
    Index(None, "owner_team_id"),
    Index("projects_id_ending_idx", text('"right"(id::text, 8)')),
    Index("projects_name_idx", text("lower(name)")),
    Index(None, "created_at", "id"),
    comment="What hired agents work on, for a user or for a team",
    info=care(
        people=(PersonLink("owner_user_id", personal={"name": "'(erased)'", "description": "NULL"}),),
        texts=("name", "description"),
    ),
)

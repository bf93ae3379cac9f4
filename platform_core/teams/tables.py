"""Tables of teams and their members."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Named,
    Numeric,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    Uuid,
    text,
)

from platform_core.db.people import OnErase, OnMerge, PersonLink
from platform_core.db.schema import care, created_column, key_column, metadata, time_column, updated_column


class TeamsColumns(TypedColumns):
    """Columns of teams."""

    id: Named[UUID] = key_column()
    name: Named[str] = Column(Text, comment="Name for people")
    slug: Named[str] = Column(Text, comment="Name for references: lower case, digits and hyphens")
    description: Named[str | None] = Column(Text, comment="What the team is for")
    logo_url: Named[str | None] = Column(Text, comment="Picture")
    owner_id: Named[UUID] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="The one member whose role is owner"
    )
    personal_of: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="Whose personal team this is; made when first needed"
    )
    default_llm_provider: Named[str] = Column(Text, server_default="openai", comment="Provider of new agents")
    daily_budget: Named[Decimal | None] = Column(
        Numeric(18, 6),
        server_default=text("10.00"),
        comment="Infrastructure cost in USD allowed a day; NULL is unlimited",
    )
    max_agents: Named[int | None] = Column(Integer, comment="How many agents it may have; NULL is unlimited")
    max_members: Named[int | None] = Column(Integer, comment="How many members it may have; NULL is unlimited")
    member_count: Named[int] = Column(
        Integer, server_default=text("0"), comment="How many members it has; kept by trigger, not audited"
    )
    deleted_at: Named[datetime | None] = Column(time_column("").type, comment="When the team was deleted")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()
    agent_count: Named[int] = Column(
        Integer, server_default=text("0"), comment="How many living agents it has; kept by trigger, not audited"
    )
    personal_agent_count: Named[int] = Column(
        Integer, server_default=text("0"), comment="How many of them are personal; kept by trigger, not audited"
    )
    work_agent_count: Named[int] = Column(
        Integer, server_default=text("0"), comment="How many of them are work agents; kept by trigger, not audited"
    )
    workflow_count: Named[int] = Column(
        Integer, server_default=text("0"), comment="How many living workflows it has; kept by trigger, not audited"
    )


teams = Table(
    "teams",
    metadata,
    TeamsColumns,
    UniqueConstraint("personal_of"),
    # The member that owner_id names is there, and is the owner: team_members.owner_of says of which team.
    ForeignKeyConstraint(
        ["id", "owner_id"],
        ["agentadm.team_members.owner_of", "agentadm.team_members.user_id"],
        name="teams_owner_is_member_fkey",
        deferrable=True,
        initially="DEFERRED",
        use_alter=True,
    ),
    CheckConstraint("name !~ '[[:cntrl:]]' AND char_length(name) BETWEEN 1 AND 200", name="teams_name_check"),
    CheckConstraint("slug ~ '^[a-z0-9-]+$' AND char_length(slug) <= 100", name="teams_slug_check"),
    CheckConstraint("daily_budget >= 0", name="teams_daily_budget_check"),
    CheckConstraint("max_agents >= 0", name="teams_max_agents_check"),
    CheckConstraint("max_members >= 1", name="teams_max_members_check"),
    # Holds whoever adds members, at whatever isolation: the count is a row that each of them has to lock.
    CheckConstraint("member_count <= max_members", name="teams_member_count_check"),
    CheckConstraint("agent_count <= max_agents", name="teams_agent_count_check"),
    CheckConstraint("personal_of IS NULL OR personal_of = owner_id", name="teams_personal_check"),
    CheckConstraint("personal_of IS NULL OR member_count <= 1", name="teams_personal_members_check"),
    Index("teams_slug_key", text("lower(slug)"), unique=True),
    Index(None, "owner_id"),
    Index("teams_id_ending_idx", text('"right"(id::text, 8)')),
    Index(None, "created_at", "id"),
    Index("teams_deleted_idx", "created_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    comment="People who work together",
    info=care(
        ignored=("member_count", "agent_count", "personal_agent_count", "work_agent_count", "workflow_count"),
        texts=("name", "description"),
        people=(
            PersonLink("owner_id"),
            PersonLink(
                "personal_of",
                OnMerge.MOVE_OR_CLEAR,
                personal={
                    "name": "'(erased)'",
                    "slug": "'erased-' || right(id::text, 12)",
                    "description": "NULL",
                    "logo_url": "NULL",
                },
            ),
        ),
    ),
)


class TeamMembersColumns(TypedColumns):
    """Columns of team_members."""

    id: Named[UUID] = key_column()
    team_id: Named[UUID] = Column(
        ForeignKey("agentadm.teams.id", ondelete="CASCADE", deferrable=True), comment="The team"
    )
    user_id: Named[UUID] = Column(ForeignKey("agentadm.users.id", deferrable=True), comment="The member")
    role: Named[str] = Column(Text, server_default="member", comment="owner, admin, member or viewer")
    joined_at: Named[datetime] = time_column("When the member joined", default=True)
    invited_by: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="Who invited the member"
    )
    owner_of: Named[UUID | None] = Column(
        Uuid(),
        Computed("CASE WHEN role = 'owner' THEN team_id END", persisted=True),
        comment="The team, where this is its owner: so that a foreign key can hold that there is one",
    )
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


team_members = Table(
    "team_members",
    metadata,
    TeamMembersColumns,
    UniqueConstraint("team_id", "user_id"),
    UniqueConstraint("owner_of", name="team_members_one_owner_key", deferrable=True, initially="DEFERRED"),
    UniqueConstraint("owner_of", "user_id", name="team_members_owner_key"),
    CheckConstraint(
        "role IN ('owner', 'admin', 'member', 'viewer')",
        name="team_members_role_check",
    ),
    Index(None, "user_id"),
    Index(None, "invited_by", postgresql_where=text("invited_by IS NOT NULL")),
    comment="Who belongs to a team, and what they may do there",
    info=care(
        people=(
            PersonLink(
                "user_id",
                OnMerge.KEEP_STRONGER,
                OnErase.DELETE,
                alike=("team_id",),
                rank=("role", ("owner", "admin", "member", "viewer")),
                erase_unless="role = 'owner'",
            ),
            PersonLink("invited_by"),
        )
    ),
)

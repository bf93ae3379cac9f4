"""Tables of agents: their versions, skills, plans and configurations."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from platform_core.agents.types import AgentPlanCode, AgentStatus, AgentType
from platform_core.db.people import OnErase, OnMerge, PersonLink
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

HANDLE_LENGTH = 64


class AgentsColumns(TypedColumns):
    """Columns of agents."""

    id: Named[UUID] = key_column()
    team_id: Named[UUID] = Column(ForeignKey("agentadm.teams.id", deferrable=True), comment="The team that owns it")
    created_by: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True),
        server_default=text("agentadm.current_user_id()"),
        comment="Who made it, where that is known",
    )
    name: Named[str] = Column(Text, comment="Name for people")
    slug: Named[str] = Column(Text, comment="Name for references, unique in its team: lower case, digits and hyphens")
    handle: Named[str | None] = Column(Text, comment="Public @name; a deleted agent keeps it")
    agent_type: Named[str] = Column(Text, server_default="team", comment="personal, work, team or catalog")
    description: Named[str | None] = Column(Text, comment="What it does")
    icon_url: Named[str | None] = Column(Text, comment="Picture")
    contact_email: Named[str | None] = Column(Text, comment="Its e-mail address; encrypted")
    contact_phone: Named[str | None] = Column(Text, comment="Its phone number; encrypted")
    contact_whatsapp: Named[str | None] = Column(Text, comment="Its WhatsApp number; encrypted")
    base_website: Named[str | None] = Column(Text, comment="Its web page")
    custom_website: Named[str | None] = Column(Text, comment="Its web page under a domain of its own")
    spec_content: Named[str | None] = Column(Text, comment="The specification, in Markdown")
    spec_version: Named[int] = Column(
        Integer, server_default=text("1"), comment="Version of specification and code; counted by trigger"
    )
    spec_metadata: Named[dict[str, Any] | None] = Column(JSONB, comment="Sections of the specification")
    tools: Named[list[Any]] = Column(JSONB, server_default=text("'[]'"), comment="Names of the tools that it may use")
    invariants: Named[list[Any]] = Column(JSONB, server_default=text("'[]'"), comment="What must always hold")
    behavior_examples: Named[list[Any]] = Column(JSONB, server_default=text("'[]'"), comment="How it is to answer")
    onboarding_data: Named[dict[str, Any] | None] = Column(JSONB, comment="Questions and answers of the first steps")
    settings: Named[dict[str, Any]] = Column(JSONB, server_default=text("'{}'"), comment="Further settings")
    llm_provider: Named[str] = Column(Text, server_default="openai", comment="Provider of its model")
    model_name: Named[str] = Column(Text, server_default="gpt-4o-mini", comment="Its model")
    temperature: Named[Decimal] = Column(Numeric(3, 2), server_default=text("0.7"), comment="0 to 2")
    max_iterations: Named[int] = Column(Integer, server_default=text("15"), comment="Steps of a run at most")
    max_execution_time: Named[int] = Column(Integer, server_default=text("120"), comment="Seconds of a run at most")
    generated_code: Named[str | None] = Column(Text, comment="Code made from the specification")
    generated_tests: Named[str | None] = Column(Text, comment="Tests made from the specification")
    status: Named[str] = Column(Text, server_default="draft", comment="draft, active, paused or archived")
    last_run_at: Named[datetime | None] = some_time("When its newest run was made; kept by trigger, not audited")
    deleted_at: Named[datetime | None] = some_time("When it was deleted")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


agents = Table(
    "agents",
    metadata,
    AgentsColumns,
    name_check("agents"),
    CheckConstraint("slug ~ '^[a-z0-9-]+$' AND char_length(slug) <= 100", name="agents_slug_check"),
    CheckConstraint(
        f"handle ~ '^[A-Za-z0-9_]+$' AND char_length(handle) <= {HANDLE_LENGTH}", name="agents_handle_check"
    ),
    words_check("agents", "agent_type", AgentType),
    words_check("agents", "status", AgentStatus),
    *(encrypted_check("agents", name) for name in ("contact_email", "contact_phone", "contact_whatsapp")),
    CheckConstraint("temperature BETWEEN 0 AND 2", name="agents_temperature_check"),
    CheckConstraint(
        "jsonb_typeof(tools) = 'array' AND jsonb_typeof(invariants) = 'array'"
        " AND jsonb_typeof(behavior_examples) = 'array' AND jsonb_typeof(settings) = 'object'",
        name="agents_json_check",
    ),
    # What the index for searching can hold.
    CheckConstraint("octet_length(spec_content) <= 524288", name="agents_spec_content_check"),
    CheckConstraint("octet_length(description) <= 524288", name="agents_description_check"),
    at_least("agents", "spec_version", 1),
    at_least("agents", "max_iterations", 1),
    at_least("agents", "max_execution_time", 1),
    Index("agents_team_id_slug_key", "team_id", "slug", unique=True),
    Index("agents_handle_key", text("lower(handle)"), unique=True),
    Index(None, "created_by", postgresql_where=text("created_by IS NOT NULL")),
    Index(None, "status", postgresql_where=text("deleted_at IS NULL")),
    Index(None, "last_run_at"),
    Index(None, "created_at", "id"),
    Index("agents_deleted_idx", "created_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    Index("agents_slug_idx", "slug"),
    Index("agents_tools_idx", "tools", postgresql_using="gin"),
    Index(
        "agents_search_idx",
        text("to_tsvector('simple', name || ' ' || coalesce(description, '') || ' ' || coalesce(spec_content, ''))"),
        postgresql_using="gin",
    ),
    Index("agents_id_ending_idx", text('"right"(id::text, 8)')),
    comment="Definitions of agents",
    info=care(
        encrypted=("contact_email", "contact_phone", "contact_whatsapp"),
        ignored=("last_run_at",),
        people=(
            PersonLink("created_by"),
            # What is in a personal team is the person's.
            PersonLink(
                "team_id",
                OnMerge.STAY,
                via=("teams", "personal_of"),
                personal={
                    "name": "'(erased)'",
                    "slug": "'erased-' || right(id::text, 12)",
                    "handle": "NULL",
                    "description": "NULL",
                    "icon_url": "NULL",
                    "contact_email": "NULL",
                    "contact_phone": "NULL",
                    "contact_whatsapp": "NULL",
                    "base_website": "NULL",
                    "custom_website": "NULL",
                    "spec_content": "NULL",
                    "spec_metadata": "NULL",
                    "invariants": "'[]'",
                    "behavior_examples": "'[]'",
                    "onboarding_data": "NULL",
                    "settings": "'{}'",
                    "generated_code": "NULL",
                    "generated_tests": "NULL",
                },
            ),
        ),
        texts=("description", "spec_content"),
    ),
)


class AgentVersionsColumns(TypedColumns):
    """Columns of agent_versions."""

    id: Named[UUID] = key_column()
    agent_id: Named[UUID] = Column(
        ForeignKey("agentadm.agents.id", ondelete="CASCADE", deferrable=True), comment="The agent"
    )
    version: Named[int] = Column(Integer, comment="Counts up from 1")
    spec_content: Named[str | None] = Column(Text, comment="The specification of this version")
    generated_code: Named[str | None] = Column(Text, comment="The code of this version")
    changed_by: Named[UUID | None] = Column(
        ForeignKey("agentadm.users.id", deferrable=True), comment="Which user changed it, where that is known"
    )
    change_notes: Named[str | None] = Column(Text, comment="What changed, for people")
    created_at: Named[datetime] = created_column()


agent_versions = Table(
    "agent_versions",
    metadata,
    AgentVersionsColumns,
    UniqueConstraint("agent_id", "version"),
    at_least("agent_versions", "version", 1),
    Index(None, "changed_by", postgresql_where=text("changed_by IS NOT NULL")),
    comment="Every specification and code that an agent had; made by trigger",
    info=care(
        people=(
            PersonLink("changed_by"),
            PersonLink(
                "agent_id",
                OnMerge.STAY,
                via=("agents", "team_id"),
                personal={"spec_content": "NULL", "generated_code": "NULL", "change_notes": "NULL"},
            ),
        ),
        texts=("spec_content", "change_notes"),
    ),
)


class AgentSkillsColumns(TypedColumns):
    """Columns of agent_skills."""

    id: Named[UUID] = key_column()
    agent_id: Named[UUID] = Column(
        ForeignKey("agentadm.agents.id", ondelete="CASCADE", deferrable=True), comment="The agent"
    )
    name: Named[str] = Column(Text, comment="What the skill is called, unique in the agent")
    description: Named[str | None] = Column(Text, comment="What it does")
    config: Named[dict[str, Any]] = Column(JSONB, server_default=text("'{}'"), comment="Its settings")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


agent_skills = Table(
    "agent_skills",
    metadata,
    AgentSkillsColumns,
    UniqueConstraint("agent_id", "name"),
    name_check("agent_skills"),
    CheckConstraint("jsonb_typeof(config) = 'object'", name="agent_skills_config_check"),
    comment="What an agent has learned",
    info=care(
        people=(
            PersonLink(
                "agent_id",
                OnMerge.STAY,
                via=("agents", "team_id"),
                personal={"name": "'(erased) ' || id", "description": "NULL", "config": "'{}'"},
            ),
        ),
        texts=("description",),
    ),
)


class AgentPlansColumns(TypedColumns):
    """Columns of agent_plans."""

    id: Named[UUID] = key_column()
    agent_id: Named[UUID] = Column(ForeignKey("agentadm.agents.id", deferrable=True), comment="The agent")
    code: Named[str] = Column(Text, comment="free, monthly or yearly")
    price: Named[int] = Column(BigInteger, server_default=text("0"), comment="Minor units a month or a year")
    currency: Named[str] = Column(CHAR(3), server_default="USD", comment="ISO 4217 code")
    provider_plan_id: Named[str | None] = Column(Text, comment="The plan or price at the payment provider")
    requests_per_day: Named[int | None] = Column(Integer, comment="Requests a day; NULL is unlimited")
    requests_per_minute: Named[int | None] = Column(Integer, comment="Requests a minute; NULL is unlimited")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


agent_plans = Table(
    "agent_plans",
    metadata,
    AgentPlansColumns,
    UniqueConstraint("agent_id", "code"),
    UniqueConstraint("id", "agent_id", name="agent_plans_id_agent_id_key"),
    words_check("agent_plans", "code", AgentPlanCode),
    CheckConstraint("code <> 'free' OR price = 0", name="agent_plans_free_check"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="agent_plans_currency_check"),
    at_least("agent_plans", "price"),
    at_least("agent_plans", "requests_per_day"),
    at_least("agent_plans", "requests_per_minute", 1),
    comment="Terms under which one agent is used; who has no living subscription to it is on free",
    info=care(),
)


class AgentConfigurationsColumns(TypedColumns):
    """Columns of agent_configurations."""

    id: Named[UUID] = key_column()
    user_id: Named[UUID] = Column(
        ForeignKey("agentadm.users.id", ondelete="CASCADE", deferrable=True), comment="Whose settings they are"
    )
    agent_id: Named[UUID] = Column(
        ForeignKey("agentadm.agents.id", ondelete="CASCADE", deferrable=True), comment="For which agent"
    )
    configuration: Named[dict[str, Any]] = Column(JSONB, server_default=text("'{}'"), comment="The settings")
    created_at: Named[datetime] = created_column()
    updated_at: Named[datetime] = updated_column()


agent_configurations = Table(
    "agent_configurations",
    metadata,
    AgentConfigurationsColumns,
    UniqueConstraint("user_id", "agent_id"),
    CheckConstraint("jsonb_typeof(configuration) = 'object'", name="agent_configurations_configuration_check"),
    Index(None, "agent_id"),
    comment="A user's own settings of an agent",
    info=care(
        people=(
            PersonLink(
                "user_id",
                OnMerge.KEEP_STRONGER,
                OnErase.DELETE,
                alike=("agent_id",),
                personal={"configuration": "'{}'"},
            ),
        )
    ),
)

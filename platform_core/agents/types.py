"""What an agent is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from platform_core.masking import MASKED


class AgentType(StrEnum):
    """What an agent is for. Only personal and work agents count against their limits."""

    PERSONAL = "personal"
    WORK = "work"
    TEAM = "team"
    CATALOG = "catalog"


class AgentStatus(StrEnum):
    """In which state an agent is; see agentadm.check_status_edge for what follows what."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class AgentPlanCode(StrEnum):
    """Under which terms an agent is used."""

    FREE = "free"
    MONTHLY = "monthly"
    YEARLY = "yearly"


# What may follow what, as the trigger check_status_edge of agents has it.
EDGES: Mapping[AgentStatus, tuple[AgentStatus, ...]] = {
    AgentStatus.DRAFT: (AgentStatus.ACTIVE, AgentStatus.ARCHIVED),
    AgentStatus.ACTIVE: (AgentStatus.PAUSED, AgentStatus.ARCHIVED),
    AgentStatus.PAUSED: (AgentStatus.ACTIVE, AgentStatus.ARCHIVED),
    AgentStatus.ARCHIVED: (AgentStatus.ACTIVE,),
}
# Those that have an instance of their own from the beginning, and count against the limits of their customer.
COUNTED_TYPES = frozenset({AgentType.PERSONAL, AgentType.WORK})
# What lists can be sorted by: what has an index.
AGENT_SORTS = ("created_at", "last_run_at", "slug", "id")
# What is versioned.
PARTS = ("spec_content", "generated_code")
# How people reach an agent: encrypted where they are kept.
CONTACTS = ("contact_email", "contact_phone", "contact_whatsapp")
# What can be without a value.
CLEARABLE = (
    "handle", "description", "icon_url", *CONTACTS, "base_website", "custom_website", "spec_content", "tools",
)  # fmt: skip


# Where a team says no other; other providers have no model by default.
DEFAULT_PROVIDER = "openai"
HANDLE_LENGTH = 64
# Longer ones the index of the full-text search could not hold.
SPEC_BYTES = 512 * 1024


@dataclass(frozen=True)
class NewAgent:
    """An agent to be made. Without a slug it is made from the name; what `values` leaves out has its default.

    Without a type it is personal in somebody's personal team, else the team's.
    """

    name: str
    slug: str | None = None
    agent_type: AgentType | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def differing(self, agent: "Agent") -> list[str]:
        """Fields that were asked for, and that an agent has otherwise; contacts cannot be told."""
        asked = {"name": self.name, "agent_type": self.agent_type, **self.values}
        return [
            name
            for name, value in asked.items()
            if value is not None and name not in CONTACTS and value != _comparable(getattr(agent, name))
        ]


@dataclass(frozen=True)
class AgentSummary:
    """An agent in a list."""

    MATTERS: ClassVar = ("slug", "status", "team", "id", "agent_type")

    team: str | None
    slug: str
    name: str
    handle: str | None
    agent_type: AgentType
    status: AgentStatus
    spec_version: int
    last_run_at: datetime | None
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Agent:
    """An agent whole. `instances` are those that are not destroyed; contacts are readable only in what reveals them."""

    id: UUID
    team: str | None
    slug: str
    name: str
    handle: str | None
    agent_type: AgentType
    status: AgentStatus
    description: str | None
    icon_url: str | None
    contact_email: str | None = field(metadata=MASKED)
    contact_phone: str | None = field(metadata=MASKED)
    contact_whatsapp: str | None = field(metadata=MASKED)
    base_website: str | None
    custom_website: str | None
    llm_provider: str
    model_name: str
    temperature: Decimal
    max_iterations: int
    max_execution_time: int
    tools: tuple[Any, ...]
    invariants: tuple[Any, ...]
    behavior_examples: tuple[Any, ...]
    onboarding_data: dict[str, Any] | None
    settings: dict[str, Any]
    spec_version: int
    spec_content: str | None
    spec_metadata: dict[str, Any] | None
    generated_code: str | None
    generated_tests: str | None
    instances: int
    team_id: UUID
    created_by: UUID | None
    last_run_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class SpecSource:
    """A specification from a file, and what is known beside it.

    Attributes:
        text: the specification.
        stem: the file's name without its ending; None of standard input.
        name: for people; None for the first heading, else the stem.
        slug: for references; None for one made from the stem, else from the name.
        agent_type: of a new agent.
        values: columns that are set beside the specification.
    """

    text: str
    stem: str | None
    name: str | None = None
    slug: str | None = None
    agent_type: AgentType | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Skill:
    """A skill, as a definition has it."""

    name: str
    description: str | None
    config: dict[str, Any]


@dataclass(frozen=True)
class AgentDefinition:
    """An agent as it could be made elsewhere: no ids, no times, no state of its instances."""

    team: str | None
    slug: str
    name: str
    handle: str | None
    agent_type: AgentType
    description: str | None
    icon_url: str | None
    contact_email: str | None = field(metadata=MASKED)
    contact_phone: str | None = field(metadata=MASKED)
    contact_whatsapp: str | None = field(metadata=MASKED)
    base_website: str | None
    custom_website: str | None
    llm_provider: str
    model_name: str
    temperature: Decimal
    max_iterations: int
    max_execution_time: int
    tools: tuple[Any, ...]
    invariants: tuple[Any, ...]
    behavior_examples: tuple[Any, ...]
    onboarding_data: dict[str, Any] | None
    settings: dict[str, Any]
    version: int
    spec_content: str | None
    spec_metadata: dict[str, Any] | None
    generated_code: str | None
    generated_tests: str | None
    skills: tuple[Skill, ...]


def _comparable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

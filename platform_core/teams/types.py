"""What a team is, and what is asked of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class MemberRole(StrEnum):
    """What a member may do, from the most to the least; an owner is made by transfer only."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class GivenRole(StrEnum):
    """The roles that can be given to a member."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


# What lists can be sorted by: what has an index.
TEAM_SORTS = ("created_at", "slug", "id")
MEMBER_SORTS = ("id",)
# What can be without a value: then there is none, or no limit.
CLEARABLE = ("description", "logo_url", "daily_budget", "max_agents", "max_members")


@dataclass(frozen=True)
class NewTeam:
    """A team to be made. Without a slug it is made from the name; limits of None are none."""

    name: str
    slug: str | None = None
    description: str | None = None
    max_members: int | None = None
    max_agents: int | None = None


@dataclass(frozen=True)
class TeamSummary:
    """A team in a list."""

    MATTERS: ClassVar = ("slug", "id", "owner", "name")

    slug: str
    name: str
    owner: str | None
    member_count: int
    max_members: int | None
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Team:
    """A team whole. `daily_budget` is in USD; limits of None are none; times are UTC."""

    id: UUID
    slug: str
    name: str
    description: str | None
    logo_url: str | None
    owner_id: UUID
    owner: str | None
    personal_of: UUID | None
    default_llm_provider: str
    daily_budget: Decimal | None
    max_agents: int | None
    max_members: int | None
    member_count: int
    agent_count: int
    personal_agent_count: int
    work_agent_count: int
    workflow_count: int
    project_count: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class Member:
    """A member of a team."""

    MATTERS: ClassVar = ("email", "role", "user_id")

    email: str | None
    full_name: str | None
    role: MemberRole
    joined_at: datetime
    user_id: UUID
    invited_by: UUID | None
    team: str
    id: UUID

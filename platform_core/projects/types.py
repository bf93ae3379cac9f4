"""What a project is, and what is asked of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

# What a list can be sorted by: what has an index.
PROJECT_SORTS = ("created_at", "id")
# What can be without a value.
CLEARABLE = ("description",)


@dataclass(frozen=True)
class ProjectSummary:
    """A project in a list; it belongs to a user or to a team."""

    MATTERS: ClassVar = ("name", "id", "team", "user")

    name: str
    user: str | None
    team: str | None
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Project:
    """A project whole; times are UTC."""

    id: UUID
    name: str
    description: str | None
    owner_user_id: UUID | None
    owner_team_id: UUID | None
    user: str | None
    team: str | None
    crews: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

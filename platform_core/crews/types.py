"""What a crew is, and what is asked of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

# What a list can be sorted by: what has an index.
CREW_SORTS = ("created_at", "id")


@dataclass(frozen=True)
class CrewSummary:
    """A crew in a list."""

    name: str
    project: str
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Crew:
    """A crew whole; times are UTC."""

    id: UUID
    name: str
    project_id: UUID
    project: str
    created_at: datetime
    updated_at: datetime

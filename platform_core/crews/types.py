"""What a crew is, and what is asked of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from platform_core.instances.types import InstanceStatus

# What a list can be sorted by: what has an index.
CREW_SORTS = ("created_at", "id")


@dataclass(frozen=True)
class CrewSummary:
    """A crew in a list."""

    MATTERS: ClassVar = ("name", "id", "project")

    name: str
    project: str
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class CrewInstance:
    """Who works in a crew, and at which place. What may not be seen of an instance is None."""

    crew: str
    position: int
    agent: str | None
    user: str | None
    display_name: str | None
    status: InstanceStatus | None
    instance_id: UUID
    id: UUID


@dataclass(frozen=True)
class Crew:
    """A crew whole, with its instances in their order; times are UTC."""

    id: UUID
    name: str
    project_id: UUID
    project: str
    instances: tuple[CrewInstance, ...]
    created_at: datetime
    updated_at: datetime

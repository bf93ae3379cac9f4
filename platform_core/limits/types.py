"""What a limit of somebody is, and what is asked of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

# What lists can be sorted by: what has an index.
OVERRIDE_SORTS = ("id",)


@dataclass(frozen=True)
class LimitStep:
    """A place where a limit may come from.

    `value` is None where it is unlimited, and where the place has none; `used` is None where that is not counted here.
    The first place of a limit that applies decides.
    """

    MATTERS: ClassVar = ("limit", "decides", "value", "unlimited", "source", "used")

    limit: str
    source: str
    decides: bool
    value: int | None
    unlimited: bool
    used: int | None
    detail: str


@dataclass(frozen=True)
class Override:
    """What was granted to somebody beside the plan. A value of None is unlimited; times are UTC."""

    MATTERS: ClassVar = ("limit", "value", "unlimited", "user", "team", "expires_at", "id")

    user: str | None
    team: str | None
    limit: str
    value: int | None
    unlimited: bool
    reason: str
    expires_at: datetime | None
    created_at: datetime
    id: UUID

"""What the user commands answer."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

# Of an e-mail address: 64 before the @, 255 behind it (RFC 5321, 4.5.3.1).
EMAIL_LENGTH = 320


class UserRole(StrEnum):
    """What a user may do on the platform."""

    USER = "user"
    CREATOR = "creator"
    SUPPORT = "support"
    ADMIN = "admin"


class UserStatus(StrEnum):
    """Whether a user may use the platform."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


# What a list of users can be sorted by: what has an index.
USER_SORTS = ("created_at", "email", "username", "id")


@dataclass(frozen=True)
class NewUser:
    """A user to be made."""

    email: str
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    role: UserRole = UserRole.USER
    metadata: dict[str, Any] = field(default_factory=dict)

    def differing(self, user: "User") -> list[str]:
        """Fields that were asked for, and that a user has otherwise. A role that is the default was not asked for."""
        asked = {name: getattr(self, name) for name in ("username", "first_name", "last_name", "full_name")}
        asked["role"] = None if self.role is UserRole.USER else self.role
        return [name for name, value in asked.items() if value is not None and value != getattr(user, name)]


@dataclass(frozen=True)
class UserSummary:
    """A user in a list."""

    email: str | None
    full_name: str | None
    role: UserRole
    status: UserStatus
    created_at: datetime
    last_login_at: datetime | None
    id: UUID


@dataclass(frozen=True)
class Identity:
    """A user's id at a sign-in or payment provider."""

    provider: str
    subject: str


@dataclass(frozen=True)
class User:
    """A user whole. `daily_budget` is in USD; times are UTC."""

    id: UUID
    email: str | None
    email_verified: bool
    username: str | None
    first_name: str | None
    last_name: str | None
    full_name: str | None
    avatar_url: str | None
    role: UserRole
    status: UserStatus
    suspended_reason: str | None
    stripe_customer_id: str | None
    stripe_connect_account_id: str | None
    billing_anchor_day: int
    default_llm_provider: str
    daily_budget: Decimal | None
    onboarding_completed: bool
    last_login_at: datetime | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    erased_at: datetime | None
    identities: tuple[Identity, ...]

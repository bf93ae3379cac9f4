"""What the user commands answer."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
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


# What can be without a value.
CLEARABLE = ("username", "first_name", "last_name", "full_name", "avatar_url", "daily_budget")


class SyncProvider(StrEnum):
    """A sign-in provider whose exports can be read."""

    CLERK = "clerk"
    STACK_AUTH = "stack_auth"


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

    MATTERS: ClassVar = ("email", "status", "id", "full_name", "role")

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
class Membership:
    """A team that a user belongs to, and as what."""

    team: str
    role: str


@dataclass(frozen=True)
class User:
    """A user whole. `daily_budget` is in USD; times are UTC; `projects` are those of the user's own."""

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
    merged_into_id: UUID | None
    identities: tuple[Identity, ...]
    teams: tuple[Membership, ...]
    projects: int


@dataclass(frozen=True)
class RecentRun:
    """One of a user's newest runs: when it was asked for, which agent or workflow ran, and how far it is."""

    created_at: datetime
    what: str | None
    status: str


@dataclass(frozen=True)
class UserScreen(User):
    """A user whole, with the plan whose limits hold, and what there is of theirs: living API keys, instances that are
    not destroyed, newest runs."""

    plan: str | None
    api_keys: int
    instances: int
    runs: tuple[RecentRun, ...]


@dataclass(frozen=True)
class MergeResult:
    """What came of merging a user into another.

    `moved` and `dropped` say how many rows of which table name the other now, or went because the other had one alike.
    `steps` are left to be done by hand.
    """

    user: User
    merged_id: UUID
    moved: dict[str, int]
    dropped: dict[str, int]
    steps: tuple[str, ...]

    @property
    def id(self) -> UUID:
        """The row that it was about."""
        return self.merged_id


@dataclass(frozen=True)
class Erasure:
    """What came of erasing a person.

    `rows` says how many rows of which table were overwritten or deleted. `kept` is what the law or the ledger wants
    kept; `steps` are left to be done by hand.
    """

    id: UUID
    erased_at: datetime
    rows: dict[str, int]
    kept: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class PersonExport:
    """All that is held on a person: rows by table, as JSON; what was done, and each changed row with its images."""

    id: UUID
    exported_at: datetime
    rows: dict[str, list[dict[str, Any]]]
    operations: list[dict[str, Any]]
    changes: list[dict[str, Any]]

"""What an API key is, and what is asked of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class Environment(StrEnum):
    """What a key is for."""

    LIVE = "live"
    TEST = "test"


class KeyStatus(StrEnum):
    """Whether a key works; one that expired does not, whether or not the job has marked it."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


# What lists can be sorted by: what has an index.
KEY_SORTS = ("created_at", "id")
# What can be without a value: then there is none, or no limit.
CLEARABLE = ("quota", "expires_at")
DEFAULT_SCOPES = ("agents:read", "agents:write", "runs:read", "runs:write")
DEFAULT_RATE_LIMIT = 60
DEFAULT_NAME = "API key"
BCRYPT = "bcrypt"
# No beginning by which a key is known is longer.
LONGEST_START = 16
# What keys expire leaves on a key as its reason.
EXPIRED = "expired"


@dataclass(frozen=True)
class NewKey:
    """A key to be made. `team` and `agent` are references; `expires` a duration or a moment; None is no limit."""

    name: str = DEFAULT_NAME
    team: str | None = None
    agent: str | None = None
    environment: Environment = Environment.LIVE
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    rate_limit_per_minute: int = DEFAULT_RATE_LIMIT
    quota: int | None = None
    expires: str | None = None


@dataclass(frozen=True)
class KeySummary:
    """A key in a list."""

    MATTERS: ClassVar = ("display_start", "status", "id", "user", "name", "expires_at")

    display_start: str
    name: str
    user: str | None
    team: str | None
    agent: str | None
    environment: Environment
    status: KeyStatus
    last_used_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class ApiKey:
    """A key whole, but for the key itself, which nobody has. Limits of None are none; times are UTC."""

    id: UUID
    display_start: str
    name: str
    user_id: UUID
    user: str | None
    team_id: UUID | None
    team: str | None
    agent_id: UUID | None
    agent: str | None
    environment: Environment
    status: KeyStatus
    hash_version: str
    scopes: tuple[str, ...]
    rate_limit_per_minute: int
    quota: int | None
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_reason: str | None
    rotated_from: UUID | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class IssuedKey(ApiKey):
    """A key that was just made.

    `key` is the plain text, here and nowhere else; None in a dry run, in a replay, and where it went to a file.
    `secret_shown` says whether this run has handed it over. `old_expires_at` is when the one that it replaces ends.
    """

    key: str | None = None
    secret_shown: bool = False
    old_expires_at: datetime | None = None


@dataclass(frozen=True)
class Expiry:
    """What the job did: how many keys it marked as expired."""

    keys: int


@dataclass(frozen=True)
class Rehash:
    """A key that was presented, and is to be stored under the pepper `version` instead of what it has."""

    key_id: UUID
    known_version: str
    version: int
    key_hash: str = field(repr=False)


@dataclass(frozen=True)
class Asked:
    """What a request is for: a scope, or a method and a path; None is any. `at` is the moment, None is now."""

    scope: str | None = None
    environment: Environment | None = None
    agent_id: UUID | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """What is known of a key that was presented.

    `valid` is whether a request with it would be let through; else `rule` says which rule refuses it, and `message`
    why. `line` is its place in the input. `not_looked_at` are rules that nothing was asked about.
    """

    MATTERS: ClassVar = ("line", "valid", "message", "rule", "display_start")

    line: int
    valid: bool
    rule: str | None
    message: str
    display_start: str | None = None
    id: UUID | None = None
    user_id: UUID | None = None
    team_id: UUID | None = None
    agent_id: UUID | None = None
    not_looked_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """The verdicts on some keys, in their order, and those keys that are to be stored under the newest pepper."""

    verdicts: tuple[Verdict, ...]
    rehashes: tuple[Rehash, ...]

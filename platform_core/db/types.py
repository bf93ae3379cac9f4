"""What the database commands answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Initialised:
    """A database that was set up. `created` is False when it had been before."""

    environment: str
    production: bool
    schema_version: str
    where: str
    created: bool
    missing_roles: tuple[str, ...]


@dataclass(frozen=True)
class Migrated:
    """What a migration did: revisions before and after, and those applied in order."""

    before: str | None
    after: str | None
    applied: tuple[str, ...]


@dataclass(frozen=True)
class PlannedMigration:
    """A migration that is to be run, and the locks that it takes."""

    revision: str
    title: str
    locks: str


@dataclass(frozen=True)
class Status:
    """Where the database is and in which state. `schema_version` against `tool_schema_version` says what to run."""

    where: str
    source: str
    server_version: str
    login: str
    environment: str | None
    production: bool | None
    schema_version: str | None
    tool_schema_version: str
    newest_partition: str | None
    rows_in_default_partitions: int | None


@dataclass(frozen=True)
class Stat:
    """One figure about the database."""

    kind: str
    name: str
    value: int | None
    unit: str
    detail: str | None


@dataclass(frozen=True)
class Finding:
    """One check of the doctor. `ok` is False where something is wrong; `advice` then says what to do."""

    check: str
    ok: bool
    detail: str
    advice: str | None = None


@dataclass(frozen=True)
class Maintenance:
    """What maintenance did: partitions made, ranges of the audit sealed, old idempotency keys forgotten."""

    partitions: tuple[str, ...]
    seals: int
    expired_keys: int


@dataclass(frozen=True)
class SeedResult:
    """How many rows of each table a seed made."""

    scale: str
    users: int
    identities: int
    teams: int
    team_members: int
    projects: int
    crews: int
    plans: int
    ai_models: int
    subscriptions: int
    limit_overrides: int
    agents: int
    agent_plans: int
    agent_versions: int
    agent_skills: int
    agent_instances: int
    agent_configurations: int
    crew_instances: int
    api_keys: int
    workflows: int
    workflow_versions: int
    workflow_schedules: int
    runs: int
    error_logs: int


@dataclass(frozen=True)
class OperatorRole:
    """A database login of an operator or job, and the group roles it is in."""

    name: str
    groups: tuple[str, ...]
    can_login: bool
    superuser: bool


@dataclass(frozen=True)
class FileResult:
    """A file that was written or read. `left_out` names what a backup does not hold."""

    path: str
    bytes: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stopped:
    """Whether the embedded server was running."""

    was_running: bool


@dataclass(frozen=True)
class Reset:
    """What a reset threw away: how many rows, of how many tables."""

    environment: str
    tables: int
    rows: int
    schema_version: str

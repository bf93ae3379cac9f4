"""What an instance is, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID


class InstanceOrigin(StrEnum):
    """Why an instance is there: somebody hired the agent, owns it, or launched it."""

    HIRE = "hire"
    OWN = "own"
    LAUNCH = "launch"


class InstanceStatus(StrEnum):
    """In which state an instance is; see agentadm.check_status_edge for what follows what."""

    PROVISIONING = "provisioning"
    RUNNING = "running"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    ERROR = "error"
    DESTROYED = "destroyed"


# What may follow what, as the trigger of the table has it; a test compares the two.
EDGES: Mapping[InstanceStatus, tuple[InstanceStatus, ...]] = MappingProxyType(
    {
        InstanceStatus.PROVISIONING: (
            InstanceStatus.RUNNING, InstanceStatus.STOPPED, InstanceStatus.ERROR, InstanceStatus.DESTROYED,
        ),
        InstanceStatus.RUNNING: (
            InstanceStatus.SUSPENDED, InstanceStatus.STOPPED, InstanceStatus.ERROR, InstanceStatus.DESTROYED,
        ),
        InstanceStatus.SUSPENDED: (
            InstanceStatus.RUNNING, InstanceStatus.STOPPED, InstanceStatus.ERROR, InstanceStatus.DESTROYED,
        ),
        InstanceStatus.STOPPED: (InstanceStatus.RUNNING, InstanceStatus.ERROR, InstanceStatus.DESTROYED),
        InstanceStatus.ERROR: (InstanceStatus.RUNNING, InstanceStatus.STOPPED, InstanceStatus.DESTROYED),
        InstanceStatus.DESTROYED: (),
    }
)  # fmt: skip
# What a list can be sorted by: what has an index.
INSTANCE_SORTS = ("created_at", "id")
# What can be without a value.
CLEARABLE = ("display_name", "model_preference")


@dataclass(frozen=True)
class InstanceSummary:
    """An instance in a list; `agent` is its team's slug and its own."""

    MATTERS: ClassVar = ("agent", "status", "id", "user")

    agent: str | None
    user: str | None
    display_name: str | None
    origin: InstanceOrigin
    status: InstanceStatus
    region: str
    machine_id: str | None
    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class SshConfig:
    """What opens an instance: its name, and where in a vault it is."""

    name: str
    vault_ref: str


@dataclass(frozen=True)
class Instance:
    """An instance whole; times are UTC. `status` is what is wanted, or what its runtime reported last."""

    id: UUID
    agent_id: UUID
    agent: str | None
    user_id: UUID
    user: str | None
    display_name: str | None
    origin: InstanceOrigin
    status: InstanceStatus
    status_before: InstanceStatus | None
    error_message: str | None
    model_preference: str | None
    runtime_provider: str | None
    app_name: str | None
    machine_id: str | None
    volume_id: str | None
    region: str
    metadata: dict[str, Any]
    ssh_configs: tuple[SshConfig, ...]
    started_at: datetime | None
    stopped_at: datetime | None
    last_active_at: datetime | None
    created_at: datetime
    updated_at: datetime
